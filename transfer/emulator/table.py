"""A history in memory that can be changed: what a target keeps, and what a small source of a test is."""

import itertools
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any
from uuid import UUID, uuid5

from transfer.emulator.columns import DEFAULT, MODERN, release_of, tables_of
from transfer.emulator.database import POSTGRESQL, Database
from transfer.emulator.history import History
from transfer.emulator.identity import as_try, id_of
from transfer.emulator.order import Tie, by_start, page_positions, ties_of, unstarted_last
from transfer.emulator.pages import Broken, broken
from transfer.emulator.parents import orphan
from transfer.emulator.refusal import Refusal
from transfer.emulator.statement import records, served
from transfer.emulator.unique import storable
from transfer.emulator.versions import DagVersions
from transfer.kinds import CHILDREN, DAG_RUNS, KINDS, TASK_INSTANCE_HISTORY, TASK_INSTANCES, Key, Kind, Row


class TableHistory:
    """Three tables with the constraints of one Airflow, every row held as a GET shows it.

    Methods return the table's own rows: a test may change a value in place, except for keys, ids and start dates
    (``move_run`` changes those). ``nulls_first`` tells whether runs that never started come first, as on PostgreSQL, or
    last, as on MySQL and SQLite; it is to be set before rows are. ``dag_versions`` are those of an Airflow 3.
    """

    nulls_first = True

    def __init__(self, dags: Iterable[Row] = (), *, version: str = DEFAULT, database: Database = POSTGRESQL) -> None:
        self.version = version
        self.dag_versions = DagVersions()
        self.nulls_first = database.nulls_first
        self._database = database
        self._tables = tables_of(version)
        self._modern = release_of(version) >= MODERN
        self._date = "logical_date" if self._modern else "execution_date"
        self._numbers = itertools.count(1)
        self._dags: dict[str, Row] = {dag["dag_id"]: dag for dag in dags}
        self._runs: dict[str, dict[str, Row]] = {}
        self._logical: dict[str, dict[str, str]] = {}
        self._children: dict[str, dict[tuple[str, str], dict[Key, Row]]] = {kind.name: {} for kind in CHILDREN}
        self._ids: dict[str, set[str]] = {kind.name: set() for kind in CHILDREN}
        self._orders: dict[str, tuple[list[Row], Tie]] = {}
        self._bare: set[tuple[str, Key]] = set()

    @classmethod
    def copy_of(cls, history: History) -> "TableHistory":
        """Return a table with every row of ``history``."""
        table = cls((dag.copy() for dag in history.dags()), version=history.version)
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
        """Store all rows or none, with every constraint that the database holds against them.

        Without a table for the kind nothing is stored, and nothing said. What Airflow 3 ignores counts as stored.
        """
        table = self._tables.get(kind.name)
        if not rows or table is None:
            return None
        read = records(table, rows, self._database)
        if isinstance(read, Refusal):
            return read
        news = storable(table, read, rows, partial(self._holds, kind))
        if isinstance(news, Refusal):
            return news
        refusal = orphan(self, kind, news)
        if refusal is None:
            for record in news:
                self._keep(kind, served(table, record))
            if kind is TASK_INSTANCES:
                self._note(rows[0], read)
        return refusal

    def _note(self, first: Row, read: list[Row]) -> None:
        """Do what comes after a batch of task instances: fill in DAG versions, and remember a lack that is not seen."""
        for dag_id in {record["dag_id"] for record in read}:
            self.dag_versions.fill(dag_id)
        if not self._modern and "executor_config" not in first:
            self._bare.update((record["dag_id"], TASK_INSTANCES.key_of(record)) for record in read)

    def _holds(self, kind: Kind, columns: tuple[str, ...], record: Row) -> bool:
        """Tell whether a stored row has the values of ``record`` in the columns of a unique constraint."""
        dag_id, run_id = record["dag_id"], record["run_id"]
        if len(columns) == 1:
            return record[columns[0]] in self._ids[kind.name]
        if kind is not DAG_RUNS:
            return kind.key_of(record)[1:] in self._children[kind.name].get((dag_id, run_id), {})
        if columns[1] == self._date:
            return record[self._date] in self._logical.get(dag_id, {})
        return self.has_run(dag_id, run_id)

    def add(self, kind: Kind, *rows: Row) -> None:
        """Store complete rows as they are, without asking any constraint; for building sources."""
        for row in rows:
            self._keep(kind, row.copy())

    def _keep(self, kind: Kind, row: Row) -> None:
        dag_id, run_id = row["dag_id"], row["run_id"]
        if kind is DAG_RUNS:
            self._runs.setdefault(dag_id, {})[run_id] = row
            if row[self._date] is not None:
                self._logical.setdefault(dag_id, {})[row[self._date]] = run_id
            if row.get("id", 0) is None:
                row["id"] = next(self._numbers)
            self._orders.pop(dag_id, None)
        else:
            self._children[kind.name].setdefault((dag_id, run_id), {})[kind.key_of(row)[1:]] = row
            self._ids[kind.name].add(id_of(row))
        self.dag_versions.wait(kind, row)

    def remove_run(self, dag_id: str, run_id: str) -> None:
        """Delete one run with everything that hangs on it; KeyError when there is none."""
        run = self._runs[dag_id].pop(run_id)
        if run[self._date] is not None:
            del self._logical[dag_id][run[self._date]]
        for name, children in self._children.items():
            gone = children.pop((dag_id, run_id), {})
            self._ids[name].difference_update(id_of(row) for row in gone.values())
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
            if row["state"] is not None and TASK_INSTANCE_HISTORY.name in self._tables:
                self.add(TASK_INSTANCE_HISTORY, as_try(row))
            row.update(state=None, max_tries=row["try_number"], try_number=row["try_number"] + 1)
            if "id" in row:  # the id goes with the try
                self._ids[TASK_INSTANCES.name].discard(row["id"])
                row["id"] = str(uuid5(UUID(row["id"]), "cleared"))
                self._ids[TASK_INSTANCES.name].add(row["id"])
        run = self._runs[dag_id][run_id]
        if "clear_number" in run:
            run["clear_number"] += 1
        self.move_run(dag_id, run_id, start_date=None, state="queued")

    def set_paused(self, dag_id: str, *, paused: bool) -> None:
        """Pause or unpause a DAG that has a row."""
        if dag_id in self._dags:
            self._dags[dag_id]["is_paused"] = paused

    def is_parsed(self, dag_id: str) -> bool:
        """Tell whether an Airflow 3 has parsed the DAG; ``dag_versions.parse`` does it."""
        return self.dag_versions.latest(dag_id) is not None

    def broken(self) -> list[Broken]:
        """Return every row that the deployment's own pages cannot show.

        On Airflow 2 that are also task instances which were inserted without ``executor_config``, null or not.
        """
        bare = [(dag_id, key) for dag_id, key in sorted(self._bare) if self.has_task(dag_id, key[0], key[1:])]
        lacking = [Broken(TASK_INSTANCES.name, dag_id, key, "executor_config", None) for dag_id, key in bare]
        return [*broken(self), *lacking]

    def list_dag(self, dag: Row) -> None:
        """Give a DAG a row in table ``dag``."""
        self._dags[dag["dag_id"]] = dag


def _identity(kind: Kind) -> Any:
    return lambda row: (row["dag_id"], *kind.key_of(row))
