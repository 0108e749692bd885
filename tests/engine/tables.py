"""Small histories, written row by row."""

from collections.abc import Iterable
from datetime import timedelta
from random import Random
from typing import Any

from transfer.emulator import TableHistory
from transfer.emulator.rows import EPOCH, dag_row, run_row, task_row
from transfer.kinds import DAG_RUNS, TASK_INSTANCE_HISTORY, TASK_INSTANCES, Row

DAG = "etl"


def add_run(table: TableHistory, number: int, *, dag_id: str = DAG, tasks: int = 2, **changes: object) -> Row:
    """Add run ``number`` with ``tasks`` task instances, the first of which was tried twice; return the run."""
    run = run_row(dag_id, number, **changes)
    table.add(DAG_RUNS, run)
    for task in range(tasks):
        table.add(TASK_INSTANCES, task_row(run, f"task_{task}", try_number=1 + (task == 0)))
    if tasks:
        table.add(TASK_INSTANCE_HISTORY, task_row(run, "task_0", try_number=1, state="failed"))
    return run


def history(runs: int, *, dags: Iterable[str] = (DAG,), tasks: int = 2) -> TableHistory:
    """Return DAGs of ``runs`` successful daily runs each."""
    table = TableHistory(dag_row(dag_id) for dag_id in dags)
    for dag in table.dags():
        for number in range(runs):
            add_run(table, number, dag_id=dag["dag_id"], tasks=tasks)
    return table


def tied(runs: int, ties: int, *, tasks: int = 1) -> TableHistory:
    """Return one DAG whose runs start at the same moment, ``ties`` at a time."""
    table = TableHistory([dag_row(DAG)])
    for number in range(runs):
        start = EPOCH + timedelta(days=number // ties, hours=30)
        add_run(table, number, tasks=tasks, start_date=str(start))
    return table


def empty_like(source: TableHistory) -> TableHistory:
    """Return a target that has the same DAGs and no history."""
    return TableHistory(dag.copy() for dag in source.dags())


class Mutator:
    """Changes a history as users and a scheduler do, in a way that a seed decides.

    ``touched`` are the runs that it changed.
    """

    def __init__(self, table: TableHistory, seed: int, *, dag_id: str = DAG) -> None:
        self._table = table
        self._dag_id = dag_id
        self._random = Random(seed)  # noqa: S311 - reproducible tests, no secrets
        self._next = 10_000
        self.touched: set[str] = set()

    def step(self) -> None:
        """Insert, delete, clear, restart or finish one run, or leave everything as it is."""
        action = self._random.choice([self._insert, self._delete, self._clear, self._finish, self._rest, self._rest])
        action()

    def settle(self) -> None:
        """Finish every run that is not."""
        for run in list(self._table.runs(self._dag_id)):
            if run["state"] not in {"success", "failed"}:
                self._restart(run["run_id"], "success")

    def _insert(self) -> None:
        state = self._random.choice(["success", "running", "queued"])
        start: dict[str, Any] = {} if state != "queued" else {"start_date": None}
        run = add_run(self._table, self._next, state=state, tasks=self._random.choice([0, 2]), **start)
        self._next += 1
        self.touched.add(run["run_id"])

    def _delete(self) -> None:
        run_id = self._any()
        if run_id is not None:
            self._table.remove_run(self._dag_id, run_id)
            self.touched.add(run_id)

    def _clear(self) -> None:
        run_id = self._any()
        if run_id is not None:
            self._table.clear_run(self._dag_id, run_id)
            self.touched.add(run_id)

    def _finish(self) -> None:
        waiting = [run["run_id"] for run in self._table.runs(self._dag_id) if run["state"] in {"queued", "running"}]
        if waiting:
            run_id = self._random.choice(sorted(waiting))
            self._restart(run_id, "success")
            self.touched.add(run_id)

    def _rest(self) -> None:
        """Leave everything as it is."""

    def _restart(self, run_id: str, state: str) -> None:
        start = str(EPOCH + timedelta(days=self._next + 5))
        self._next += 1
        self._table.move_run(self._dag_id, run_id, start_date=start, state=state)
        for row in self._table.children(TASK_INSTANCES, self._dag_id, run_id):
            row["state"] = state

    def _any(self) -> str | None:
        runs = [run["run_id"] for run in self._table.runs(self._dag_id)]
        return self._random.choice(runs) if runs else None
