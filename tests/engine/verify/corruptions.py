"""Damage to a table, of every sort that somebody may do to a target, in a way that a seed decides."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any

from transfer.emulator import TableHistory
from transfer.emulator.rows import run_row, task_row
from transfer.kinds import CHILDREN, DAG_RUNS, TASK_INSTANCE_HISTORY, TASK_INSTANCES, Kind, Row


class Vandal:
    """Damages the target; each call of ``strike`` is one deed. Some deeds fall on what is damaged already."""

    deeds: Sequence[Callable[[], None]]

    def __init__(self, table: TableHistory, seed: int) -> None:
        self._table = table
        self._random = Random(seed)  # noqa: S311 - reproducible tests, no secrets
        self._next = 70_000
        self.deeds = [
            self.change_run,
            self.move_run,
            self.unstart_run,
            self.remove_run,
            self.add_run,
            self.change_child,
            self.remove_child,
            self.add_child,
        ]

    def strike(self) -> None:
        """Do something, if there is anything left to do it to."""
        if any(self._table.run_count(dag_id) for dag_id in self._table.dag_ids()):
            self._random.choice(self.deeds)()

    def change_run(self) -> None:
        """Change a column of a run."""
        name, value = self._random.choice(
            [("conf", {"a": [1, None]}), ("conf", None), ("dag_hash", "x"), ("clear_number", 7), ("end_date", None)]
        )
        self._run()[name] = value

    def move_run(self) -> None:
        """Let a run start at another time, perhaps when another one starts."""
        run, other = self._run(), self._run()
        start = other["start_date"] or run["execution_date"]
        if self._random.random() < 0.5:
            start = str(datetime.fromisoformat(start) + timedelta(days=self._random.randrange(-40, 40), microseconds=3))
        self._table.move_run(run["dag_id"], run["run_id"], start_date=start, state=run["state"])

    def unstart_run(self) -> None:
        """Forget when a run started."""
        run = self._run()
        self._table.move_run(run["dag_id"], run["run_id"], start_date=None, state=run["state"])

    def remove_run(self) -> None:
        """Delete a run."""
        run = self._run()
        self._table.remove_run(run["dag_id"], run["run_id"])

    def add_run(self) -> None:
        """Add a run that the source does not have."""
        self._next += 1
        near = self._run()
        run = run_row(near["dag_id"], self._next, run_id=f"extra {self._next}", start_date=near["start_date"])
        self._table.add(DAG_RUNS, run)
        for number in range(self._random.randrange(3)):
            self._table.add(TASK_INSTANCES, task_row(run, f"task_{number}"))

    def change_child(self) -> None:
        """Change a column of a task instance or of a try."""
        row = self._child(self._kind())
        if row is not None:
            changes: list[tuple[str, Any]] = [("state", "removed"), ("duration", 1.25), ("hostname", ""), ("pid", None)]
            name, value = self._random.choice(changes)
            row[name] = value

    def remove_child(self) -> None:
        """Delete a task instance or a try."""
        kind = self._kind()
        row = self._child(kind)
        if row is not None:
            del self._table._children[kind.name][row["dag_id"], row["run_id"]][kind.key_of(row)[1:]]

    def add_child(self) -> None:
        """Add a task instance or a try that the source does not have."""
        self._next += 1
        self._table.add(self._kind(), task_row(self._run(), f"extra_{self._next}"))

    def _kind(self) -> Kind:
        return self._random.choice([TASK_INSTANCES, TASK_INSTANCE_HISTORY])

    def _run(self) -> Row:
        runs = [run for dag_id in self._table.dag_ids() for run in self._table.runs(dag_id)]
        return self._random.choice(sorted(runs, key=lambda run: (str(run["dag_id"]), str(run["run_id"]))))

    def _child(self, kind: Kind) -> Row | None:
        run = self._run()
        rows = self._table.children(kind, run["dag_id"], run["run_id"])
        return self._random.choice(sorted(rows, key=kind.key_of)) if rows else None


def moved(source: TableHistory) -> TableHistory:
    """Return a target that holds exactly what a transfer makes of ``source``: its finished runs."""
    table = TableHistory(dag.copy() for dag in source.dags())
    for dag_id in source.dag_ids():
        for run in source.runs(dag_id):
            if run["state"] in {"success", "failed"}:
                table.add(DAG_RUNS, run)
                for kind in CHILDREN:
                    rows = [row | {"trigger_id": None} for row in source.children(kind, dag_id, run["run_id"])]
                    table.add(kind, *rows)
    return table
