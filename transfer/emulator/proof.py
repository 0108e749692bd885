"""A target of any size: it knows which rows it should get, and keeps one byte for each that came.

The source is arithmetic, so a row that arrives is held against the row that should arrive. An equal row needs no memory
but its mark; a row that differs is kept whole; a row that the source does not have is only counted. 10 million task
instances cost 10 MB, and the target can still serve every page.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache, partial
from itertools import compress
from typing import Any, Final, TypeAlias

from transfer.emulator.columns import MODERN, release_of, tables_of
from transfer.emulator.marks import Family, Marks, Proof
from transfer.emulator.order import Tie, by_start, page_positions, ties_of
from transfer.emulator.parents import orphan
from transfer.emulator.refusal import Refusal
from transfer.emulator.schema import Column, Table
from transfer.emulator.statement import columns_of, null_violation, records, served, taken
from transfer.emulator.synthetic import SyntheticHistory
from transfer.kinds import DAG_RUNS, KINDS, TASK_INSTANCES, Kind, Row

_New: TypeAlias = tuple[Row, tuple[int, Row] | None]
"""A row as it will be served, and its place and row in the source, None for a stranger."""

_KEYS: Final = {kind.name: frozenset(kind.key) for kind in KINDS}


class ProofHistory:
    """A writable history for the rows of one synthetic source: a target for benchmarks.

    ``insert`` refuses what PostgreSQL refuses, but for a rival run with a taken logical date: that is a stranger.
    Source and target are Airflow 2 of one version: an Airflow 3 does not store rows as they are sent (ValueError).
    """

    def __init__(self, source: SyntheticHistory) -> None:
        if release_of(source.version) >= MODERN:
            said = f"rows of an Airflow {source.version} do not come as they were"
            raise ValueError(said)
        self.source = source
        self.version = source.version
        self._tables = tables_of(self.version)
        shape = source.shape
        widths = {"dag_runs": 1, "task_instances": shape.slots, "task_instance_history": shape.tries_of(shape.slots)}
        count = shape.dags * shape.runs
        self._marks = {name: Marks(width, bytearray(count * width)) for name, width in widths.items()}
        self._duplicates = dict.fromkeys(widths, 0)
        self._strangers = 0
        self._orders: dict[str, tuple[list[int], Tie]] = {}
        numbers = range(shape.runs - 1, -1, -1)
        self._starts = [shape.start_minute(number) if number < shape.started else -1 for number in numbers]
        """When the runs of a DAG started, newest first."""
        self._number_of = lru_cache(maxsize=16_384)(source.number_of)
        self._families = {kind.name: lru_cache(maxsize=1024)(partial(self._make_family, kind)) for kind in KINDS}

    def proof(self) -> Proof:
        """Return what arrived; costs one pass over the marks."""
        shape = self.source.shape
        runs = self._marks["dag_runs"].present
        over = shape.started - shape.running
        return Proof(
            expected=shape.totals(finished=True),
            stored={name: marks.present.count(1) for name, marks in self._marks.items()},
            duplicates=dict(self._duplicates),
            different=sum(len(marks.different) for marks in self._marks.values()),
            unfinished=sum(runs.count(1, at + over, at + shape.runs) for at in range(0, len(runs), shape.runs)),
            strangers=self._strangers,
        )

    def dags(self) -> list[Row]:
        """Return the same DAGs as the source."""
        return self.source.dags()

    def dag_ids(self) -> Iterable[str]:
        """Return every DAG of the source."""
        return self.source.dag_ids()

    def run_count(self, dag_id: str) -> int:
        """Return how many runs of the DAG are there."""
        number = self.source.dag_number(dag_id)
        if number is None:
            return 0
        runs = self.source.shape.runs
        return self._marks["dag_runs"].present.count(1, number * runs, (number + 1) * runs)

    def page(self, kind: Kind, dag_id: str, offset: int, limit: int) -> list[Row]:
        """Return one page in the server's unstable order."""
        numbers, tie = self._order(dag_id)
        places = page_positions(kind.route, offset, limit, count=len(numbers), tie=tie)
        rows = [row for place in places for row in self._there(kind, dag_id, numbers[place])]
        return rows if kind is DAG_RUNS else sorted(rows, key=by_start, reverse=True)

    def _order(self, dag_id: str) -> tuple[list[int], Tie]:
        """Return the numbers of the runs that are there, newest first, and their ties."""
        if dag_id not in self._orders:
            shape = self.source.shape
            first = (self.source.dag_number(dag_id) or 0) * shape.runs
            marks = self._marks["dag_runs"].present[first : first + self.source.run_count(dag_id)][::-1]
            numbers = list(compress(range(len(marks) - 1, -1, -1), marks))
            self._orders[dag_id] = numbers, ties_of(list(compress(self._starts, marks)))
        return self._orders[dag_id]

    def runs(self, dag_id: str) -> Iterator[Row]:
        """Yield all runs that are there, newest first."""
        for number in self._order(dag_id)[0]:
            yield from self._there(DAG_RUNS, dag_id, number)

    def run(self, dag_id: str, run_id: str) -> Row | None:
        """Return one run."""
        return next(iter(self.children(DAG_RUNS, dag_id, run_id)), None)

    def children(self, kind: Kind, dag_id: str, run_id: str) -> list[Row]:
        """Return the rows of ``kind`` of one run that are there."""
        number = self.source.number_of(dag_id, run_id)
        return [] if number is None else self._there(kind, dag_id, number)

    def _there(self, kind: Kind, dag_id: str, number: int) -> list[Row]:
        """Return the rows of one run that are there, as they came."""
        marks = self._marks[kind.name]
        first = self._first(kind, dag_id, number)
        if not any(marks.present[first : first + marks.width]):
            return []
        rows = enumerate(self._wanted(kind, dag_id, number), first)
        return [marks.different.get(place, row) for place, row in rows if marks.present[place]]

    def _wanted(self, kind: Kind, dag_id: str, number: int) -> list[Row]:
        source = self.source
        return [source.run_at(dag_id, number)] if kind is DAG_RUNS else source.children_at(kind, dag_id, number)

    def _first(self, kind: Kind, dag_id: str, number: int) -> int:
        dag = self.source.dag_number(dag_id) or 0
        return (dag * self.source.shape.runs + number) * self._marks[kind.name].width

    def _make_family(self, kind: Kind, dag_id: str, run_id: str) -> Family:
        number = self.source.number_of(dag_id, run_id)
        if number is None:
            return {}
        wanted = enumerate(self._wanted(kind, dag_id, number), self._first(kind, dag_id, number))
        return {kind.key_of(row): (place, row) for place, row in wanted}

    def has_run(self, dag_id: str, run_id: str) -> bool:
        """Tell whether that run is there."""
        return self._has(DAG_RUNS, dag_id, run_id, 0)

    def has_task(self, dag_id: str, run_id: str, key: tuple[Any, ...]) -> bool:
        """Tell whether there is a task instance with that (task_id, map_index)."""
        return self._has(TASK_INSTANCES, dag_id, run_id, self.source.slot_of(key))

    def _has(self, kind: Kind, dag_id: str, run_id: str, slot: int | None) -> bool:
        number = self._number_of(dag_id, run_id)
        if number is None or slot is None:
            return False
        return self._marks[kind.name].present[self._first(kind, dag_id, number) + slot] == 1

    def insert(self, kind: Kind, rows: list[Row]) -> Refusal | None:
        """Mark all rows or none."""
        if not rows or kind.name not in self._tables:
            return None
        columns = columns_of(self._tables[kind.name], rows)
        if isinstance(columns, Refusal):
            return columns
        news = self._read(kind, rows, columns)
        if isinstance(news, Refusal):
            return news
        refusal = self._taken(kind, news) or orphan(self, kind, [row for row, _ in news])
        if refusal is None:
            self._keep(kind, news)
        return refusal

    def _read(self, kind: Kind, rows: list[Row], columns: tuple[Column, ...]) -> list[_New] | Refusal:
        """Return the rows as they will be served: the source's own where they are equal to those."""
        table = self._tables[kind.name]
        sent = {column.name for column in columns}
        unsent = {column.name: column.default for column in table.columns if column.name not in sent}
        left = [name for name in table.served if name in unsent]
        news: list[_New] = []
        for row in rows:
            found = self._found(kind, row)
            wanted = found[1] if found and row.keys() == sent else None
            if wanted and wanted | row == wanted and not any(wanted[name] != unsent[name] for name in left):
                news.append((wanted, found))
                continue
            read = _as_stored(table, {name: row[name] for name in sent})
            if isinstance(read, Refusal):
                return read
            news.append((read, self._found(kind, read)))
        return news

    def _found(self, kind: Kind, row: Row) -> tuple[int, Row] | None:
        """Return place and row of the source's row with the key of ``row``, None when it has no such row."""
        dag_id, run_id = row.get("dag_id"), row.get("run_id")
        if not (isinstance(dag_id, str) and isinstance(run_id, str) and row.keys() >= _KEYS[kind.name]):
            return None
        return self._families[kind.name](dag_id, run_id).get(kind.key_of(row))

    def _taken(self, kind: Kind, news: list[_New]) -> Refusal | None:
        """Return the refusal of the first row that is there already, also earlier in ``news``."""
        marks = self._marks[kind.name]
        seen: set[int] = set()
        for row, found in news:
            if found is None:
                continue
            if marks.present[found[0]] or found[0] in seen:
                self._duplicates[kind.name] += 1
                return taken(self._tables[kind.name], 0, row)
            seen.add(found[0])
        return None

    def _keep(self, kind: Kind, news: list[_New]) -> None:
        for row, found in news:
            if found is None:
                self._strangers += 1
            else:
                self._marks[kind.name].set(found[0], row, found[1])
                if kind is DAG_RUNS:
                    self._orders.pop(row["dag_id"], None)

    def delete_runs(self, dag_id: str) -> None:
        """Delete all runs of a DAG with everything that hangs on them."""
        if self.source.dag_number(dag_id) is not None:
            runs = self.source.shape.runs
            for kind in KINDS:
                first = self._first(kind, dag_id, 0)
                self._marks[kind.name].clear(first, first + runs * self._marks[kind.name].width)
            self._orders.pop(dag_id, None)

    def set_paused(self, dag_id: str, *, paused: bool) -> None:
        """Do nothing: the DAGs are the source's."""
        del dag_id, paused


def _as_stored(table: Table, row: Row) -> Row | Refusal:
    read = records(table, [row])
    if isinstance(read, Refusal):
        return read
    return null_violation(table, read[0], row) or served(table, read[0])
