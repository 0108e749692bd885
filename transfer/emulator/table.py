"""A history in memory that can be changed: what a target keeps, and what a small source of a test is."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from transfer.emulator.columns import TABLES
from transfer.emulator.history import History
from transfer.emulator.order import Tie, by_start, page_positions, ties_of, unstarted_last
from transfer.emulator.parents import orphan
from transfer.emulator.refusal import Refusal
from transfer.emulator.statement import null_violation, records, served, taken
from transfer.kinds import CHILDREN, DAG_RUNS, KINDS, TASK_INSTANCE_HISTORY, TASK_INSTANCES, Key, Kind, Row


class TableHistory:
    """Three tables with Airflow's constraints, every row held as a GET shows it.

    Methods return the table's own rows: a test may change a value in place, except for keys and start dates
    (``move_run`` changes those). ``nulls_first`` tells whether runs that never started come first, as on PostgreSQL, or
    last, as on MySQL and SQLite; it is to be set before rows are.
    """

    nulls_first = True

    def __init__(self, dags: Iterable[Row] = ()) -> None:
        self._dags: dict[str, Row] = {dag["dag_id"]: dag for dag in dags}
        self._runs: dict[str, dict[str, Row]] = {}
        self._logical: dict[str, dict[str, str]] = {}
        self._children: dict[str, dict[tuple[str, str], dict[Key, Row]]] = {kind.name: {} for kind in CHILDREN}
        self._orders: dict[str, tuple[list[Row], Tie]] = {}

    @classmethod
    def copy_of(cls, history: History) -> "TableHistory":
        """Return a table with every row of ``history``."""
        table = cls(dag.copy() for dag in history.dags())
        for dag_id in history.dag_ids():
            for run in history.runs(dag_id):
                table.add(DAG_RUNS, run)
                for kind in CHILDREN:
                    table.add(kind, *history.children(kind, dag_id, run["run_id"]))
        return table

    def dags(self) -> list[Row]:
        """Return the rows of table ``dag``, without ``dag_run_count``."""
        return list(self._dags.values())

    def dag_ids(self) -> Iterable[str]:
        """Return every DAG that has runs."""
        return [dag_id for dag_id, runs in self._runs.items() if runs]

    def run_count(self, dag_id: str) -> int:
        """Return how many runs the DAG has."""
        return len(self._runs.get(dag_id, ()))

    def page(self, kind: Kind, dag_id: str, offset: int, limit: int) -> list[Row]:
        """Return one page in the server's unstable order."""
        runs, tie = self._order(dag_id)
        chosen = [runs[at] for at in page_positions(kind.route, offset, limit, count=len(runs), tie=tie)]
        if kind is DAG_RUNS:
            return chosen
        rows = [row for run in chosen for row in self.children(kind, dag_id, run["run_id"])]
        return sorted(rows, key=self._key, reverse=True)

    @property
    def _key(self) -> Callable[[Row], str]:
        return by_start if self.nulls_first else unstarted_last

    def _order(self, dag_id: str) -> tuple[list[Row], Tie]:
        """Return the DAG's runs, newest first, and their ties."""
        if dag_id not in self._orders:
            runs = sorted(self._runs.get(dag_id, {}).values(), key=self._key, reverse=True)
            self._orders[dag_id] = runs, ties_of([self._key(run) for run in runs])
        return self._orders[dag_id]

    def runs(self, dag_id: str) -> Iterator[Row]:
        """Yield all runs of the DAG, newest first."""
        yield from self._order(dag_id)[0]

    def run(self, dag_id: str, run_id: str) -> Row | None:
        """Return one run."""
        return self._runs.get(dag_id, {}).get(run_id)

    def children(self, kind: Kind, dag_id: str, run_id: str) -> list[Row]:
        """Return the rows of ``kind`` of one run."""
        return list(self._children[kind.name].get((dag_id, run_id), {}).values())

    def rows(self, kind: Kind) -> list[Row]:
        """Return all rows of ``kind``."""
        if kind is DAG_RUNS:
            return [row for runs in self._runs.values() for row in runs.values()]
        return [row for rows in self._children[kind.name].values() for row in rows.values()]

    def snapshot(self) -> dict[str, list[Row]]:
        """Return copies of all rows by kind, sorted by key: tables with the same rows have equal snapshots."""
        return {kind.name: sorted((row.copy() for row in self.rows(kind)), key=_identity(kind)) for kind in KINDS}

    def has_run(self, dag_id: str, run_id: str) -> bool:
        """Tell whether there is such a run."""
        return run_id in self._runs.get(dag_id, {})

    def has_task(self, dag_id: str, run_id: str, key: tuple[Any, ...]) -> bool:
        """Tell whether there is a task instance with that (task_id, map_index)."""
        return key in self._children[TASK_INSTANCES.name].get((dag_id, run_id), {})

    def insert(self, kind: Kind, rows: list[Row]) -> Refusal | None:
        """Store all rows or none, with every constraint that PostgreSQL holds against them."""
        if not rows:
            return None
        table = TABLES[kind.name]
        news = records(table, rows)
        if isinstance(news, Refusal):
            return news
        refusal = self._broken(kind, news, rows) or orphan(self, kind, news)
        if refusal is None:
            for record in news:
                self._keep(kind, served(table, record))
        return refusal

    def _broken(self, kind: Kind, news: list[Row], rows: list[Row]) -> Refusal | None:
        """Return the refusal of the first record that lacks a value or is there already, also earlier in ``news``."""
        table = TABLES[kind.name]
        seen: list[set[Any]] = [set() for _ in table.unique]
        for record, row in zip(news, rows, strict=True):
            refusal = null_violation(table, record, row)
            if refusal:
                return refusal
            for number, (_, columns) in enumerate(table.unique):
                key = tuple([record[column] for column in columns])
                if key in seen[number] or self._holds(kind, number, record):
                    return taken(table, number, record)
                seen[number].add(key)
        return None

    def _holds(self, kind: Kind, number: int, record: Row) -> bool:
        dag_id, run_id = record["dag_id"], record["run_id"]
        if kind is not DAG_RUNS:
            return kind.key_of(record)[1:] in self._children[kind.name].get((dag_id, run_id), {})
        if number == 0:
            return record["execution_date"] in self._logical.get(dag_id, {})
        return self.has_run(dag_id, run_id)

    def add(self, kind: Kind, *rows: Row) -> None:
        """Store complete rows as they are, without asking any constraint; for building sources."""
        for row in rows:
            self._keep(kind, row.copy())

    def _keep(self, kind: Kind, row: Row) -> None:
        dag_id, run_id = row["dag_id"], row["run_id"]
        if kind is DAG_RUNS:
            self._runs.setdefault(dag_id, {})[run_id] = row
            self._logical.setdefault(dag_id, {})[row["execution_date"]] = run_id
            self._orders.pop(dag_id, None)
        else:
            self._children[kind.name].setdefault((dag_id, run_id), {})[kind.key_of(row)[1:]] = row

    def remove_run(self, dag_id: str, run_id: str) -> None:
        """Delete one run with everything that hangs on it; KeyError when there is none."""
        run = self._runs[dag_id].pop(run_id)
        del self._logical[dag_id][run["execution_date"]]
        for children in self._children.values():
            children.pop((dag_id, run_id), None)
        self._orders.pop(dag_id, None)

    def delete_runs(self, dag_id: str) -> None:
        """Delete all runs of a DAG with everything that hangs on them."""
        for run_id in list(self._runs.get(dag_id, {})):
            self.remove_run(dag_id, run_id)

    def move_run(self, dag_id: str, run_id: str, *, start_date: str | None, state: str) -> None:
        """Give a run another start date and state: what a scheduler does that starts or re-runs it."""
        self._runs[dag_id][run_id].update(start_date=start_date, state=state)
        self._orders.pop(dag_id, None)

    def clear_run(self, dag_id: str, run_id: str) -> None:
        """Clear a run as a user does: it waits to start again, and its tries so far become history."""
        for row in self.children(TASK_INSTANCES, dag_id, run_id):
            if row["state"] is not None:
                self.add(TASK_INSTANCE_HISTORY, row)
            row.update(state=None, max_tries=row["try_number"], try_number=row["try_number"] + 1)
        self._runs[dag_id][run_id]["clear_number"] += 1
        self.move_run(dag_id, run_id, start_date=None, state="queued")

    def set_paused(self, dag_id: str, *, paused: bool) -> None:
        """Pause or unpause a DAG that has a row."""
        if dag_id in self._dags:
            self._dags[dag_id]["is_paused"] = paused

    def list_dag(self, dag: Row) -> None:
        """Give a DAG a row in table ``dag``."""
        self._dags[dag["dag_id"]] = dag


def _identity(kind: Kind) -> Any:
    return lambda row: (row["dag_id"], *kind.key_of(row))
