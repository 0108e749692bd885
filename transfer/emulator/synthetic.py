"""A history of any size that is not held in memory: every row is computed from its place when it is asked for."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from transfer.emulator.columns import DEFAULT, release_of
from transfer.emulator.native import native, native_dag
from transfer.emulator.order import by_start, page_positions
from transfer.emulator.rows import dag_row
from transfer.emulator.shape import Shape
from transfer.emulator.synthetic_rows import SyntheticRows, minute_of
from transfer.kinds import DAG_RUNS, TASK_INSTANCES, Kind, Row


class SyntheticHistory:
    """The read-only history that a ``Shape`` describes: equal shapes have equal rows, on every machine.

    A page costs time in proportion to its rows, whatever its offset.
    """

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self._rows = SyntheticRows(shape)
        self._plain = release_of(shape.version) == release_of(DEFAULT)

    @property
    def version(self) -> str:
        """The Airflow whose columns the rows have."""
        return self.shape.version

    def dags(self) -> list[Row]:
        """Return the rows of table ``dag``, without ``dag_run_count``."""
        listed = self.shape.dags - self.shape.unlisted
        rows = (dag_row(_dag_id(number), tags=["synthetic"]) for number in range(listed))
        return [native_dag(row, self.version) for row in rows]

    def dag_ids(self) -> Iterable[str]:
        """Return every DAG, listed or not."""
        return [_dag_id(number) for number in range(self.shape.dags)]

    def run_count(self, dag_id: str) -> int:
        """Return how many runs the DAG has."""
        return self.shape.runs if self.dag_number(dag_id) is not None else 0

    def dag_number(self, dag_id: str) -> int | None:
        """Return which DAG that is, None when there is no such DAG."""
        digits = dag_id.removeprefix("dag_")
        known = digits.isdecimal() and int(digits) < self.shape.dags and _dag_id(int(digits)) == dag_id
        return int(digits) if known else None

    def page(self, kind: Kind, dag_id: str, offset: int, limit: int) -> list[Row]:
        """Return one page in the server's unstable order."""
        places = page_positions(kind.route, offset, limit, count=self.run_count(dag_id), tie=self.shape.tie)
        numbers = [self.shape.number_at(place) for place in places]
        if kind is DAG_RUNS:
            return [self.run_at(dag_id, number) for number in numbers]
        rows = [row for number in numbers for row in self.children_at(kind, dag_id, number)]
        return sorted(rows, key=by_start, reverse=True)

    def runs(self, dag_id: str) -> Iterator[Row]:
        """Yield all runs of the DAG, newest first."""
        for position in range(self.run_count(dag_id)):
            yield self.run_at(dag_id, self.shape.number_at(position))

    def run(self, dag_id: str, run_id: str) -> Row | None:
        """Return one run."""
        number = self.number_of(dag_id, run_id)
        return None if number is None else self.run_at(dag_id, number)

    def children(self, kind: Kind, dag_id: str, run_id: str) -> list[Row]:
        """Return the rows of ``kind`` of one run."""
        number = self.number_of(dag_id, run_id)
        return [] if number is None else self.children_at(kind, dag_id, number)

    def number_of(self, dag_id: str, run_id: str) -> int | None:
        """Return the number of the run with that id, None when there is none."""
        try:
            number = minute_of(datetime.fromisoformat(run_id.rpartition("__")[2]))
        except (ValueError, TypeError):
            return None
        known = 0 <= number < self.run_count(dag_id)
        return number if known and self._rows.run_id(number) == run_id else None

    def slot_of(self, key: tuple[Any, ...]) -> int | None:
        """Return which of a run's task instances has that (task_id, map_index), None for none."""
        return self._rows.slot_of(key)

    def run_at(self, dag_id: str, number: int) -> Row:
        """Return run ``number`` of a DAG."""
        row = self._rows.run(dag_id, number)
        return row if self._plain else native(DAG_RUNS, row, self.version)

    def children_at(self, kind: Kind, dag_id: str, number: int) -> list[Row]:
        """Return the rows of ``kind`` of run ``number``, in the order of their slots."""
        if kind is not TASK_INSTANCES and not self.shape.keeps_tries:
            return []
        rows = self._rows.tasks(dag_id, number) if kind is TASK_INSTANCES else self._rows.tries(dag_id, number)
        return rows if self._plain else [native(kind, row, self.version) for row in rows]


def _dag_id(number: int) -> str:
    return f"dag_{number:04d}"
