"""Walk one DAG's runs in slices that never split a tie, and find the place again when the history moves.

How a slice is found:
1. Ask for one run before the expected offset (the anchor), the wanted runs, and one after them (the peek).
2. If the first row is not yet read, rows in front were deleted: step back, further each time, until it is.
3. Drop the rows that are already read: their place is not behind the cursor's. Runs that were added in front show up
   here, as repeats.
4. Cut at the last change of start_date before the end of the page; if the page is one tie, ask for twice as much.

The cursor is a place, not an offset: a run behind it is unread, whatever happened to the runs before it. A run whose
start_date changes can only move to the front: a restart makes it newer, a clearing makes it null.
"""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from enum import Enum
from json import dumps

from transfer.client.base import Source
from transfer.engine.order import Place, StartOrder
from transfer.errors import DriftError
from transfer.kinds import Row

MAX_STEPS = 64
"""Pages read in search of one slice before the history counts as unreadable for now."""


@dataclass(frozen=True, slots=True)
class Slice:
    """Runs of one DAG with whole ties at both edges: ``rows[0]`` stood at ``offset`` when they were read."""

    offset: int
    rows: list[Row]
    places: list[Place]
    size: int
    """Bytes of JSON, about."""
    run_count: int
    """Of the whole DAG at that moment."""

    @property
    def is_one_tie(self) -> bool:
        """Tell whether it cannot be cut any smaller."""
        return self.places[0] == self.places[-1]

    def head(self, runs: int) -> "Slice":
        """Return the first ``runs`` runs, fewer or more where they tie, but at least one tie."""
        if runs >= len(self.rows):
            return self
        return self.between(0, bisect_left(self.places, self.places[runs]) or bisect_right(self.places, self.places[0]))

    def narrowed(self, wanted: set[str]) -> "Slice":
        """Return the smallest slice that holds all runs of ``wanted`` and still splits no tie; one must be in it."""
        at = [index for index, row in enumerate(self.rows) if row["run_id"] in wanted]
        first = bisect_left(self.places, self.places[at[0]])
        end = bisect_right(self.places, self.places[at[-1]])
        return self.between(first, end)

    def between(self, first: int, end: int) -> "Slice":
        """Return the rows from index ``first`` to before ``end``."""
        size = self.size * (end - first) // len(self.rows)
        return Slice(self.offset + first, self.rows[first:end], self.places[first:end], size, self.run_count)


@dataclass(slots=True)
class Cursor:
    """How far a DAG is read: ``place`` of the last run, None before the first; ``offset`` where the next should be."""

    offset: int = 0
    place: Place | None = None


class _Move(Enum):
    """Where to look when a page does not hold the next slice."""

    BACK = "runs in front of the place are gone"
    ON = "all of the page is read"
    WIDER = "the page ends within a tie"
    END = "there is nothing behind the place"


def _same(row: Row, other: Row) -> bool:
    """Compare as text what is not equal: a conf may hold NaN, which equals nothing."""
    return row == other or dumps(row, sort_keys=True) == dumps(other, sort_keys=True)


class Scanner:
    """Reads slices of one DAG's runs from one side; ``drifts`` counts how often the history had moved."""

    def __init__(self, side: Source, dag_id: str, order: StartOrder, cursor: Cursor) -> None:
        self._side = side
        self._dag_id = dag_id
        self._order = order
        self.cursor = cursor
        self.run_count = 0
        self.drifts = 0

    async def next(self, size: int) -> Slice | None:
        """Return the next slice of about ``size`` runs, more where they tie; None past the end. Moves nothing.

        Raises ``DriftError`` when the place is not found in ``MAX_STEPS`` pages.
        """
        start = 0 if self.cursor.place is None else max(self.cursor.offset - 1, 0)
        ask, back = size + 2, size
        for _ in range(MAX_STEPS):
            page = await self._side.dag_runs(self._dag_id, offset=start, limit=ask)
            places = self._order.places(page.rows)
            match self._judge(places, at_start=start == 0, at_end=len(places) < ask):
                case _Move.BACK:
                    start, back = max(start - back, 0), back * 2
                    self.drifts += 1
                case _Move.ON:
                    start += max(len(places) - 1, 1)
                    self.drifts += 1
                case _Move.WIDER:
                    ask *= 2
                case _Move.END:
                    self.run_count = page.run_count
                    return None
                case first, end:
                    return Slice(start, page.rows, places, page.size, page.run_count).between(first, end)
        raise DriftError(
            f"{self._order.side}: DAG {self._dag_id}: the history moves faster than it can be read",
            hint="run again when fewer runs start, or lower limits.window_runs",
        )

    def is_at(self, place: Place) -> bool:
        """Tell whether everything up to ``place`` is read."""
        return self.cursor.place is not None and self._order.current(self.cursor.place) >= place

    def advance(self, read: Slice) -> None:
        """Count ``read`` as read."""
        self.cursor = Cursor(read.offset + len(read.rows), read.places[-1])

    async def unchanged(self, read: Slice, *, deletions: bool = True) -> set[str] | None:
        """Read the same slice again: None if it holds other runs now, else the ids of the runs whose rows are the same.

        What was read of the slice's children in between belongs to exactly these runs. With ``deletions`` the DAG must
        have as many runs as before: one that came before the children were read and went before this would have
        shifted them unseen.
        """
        page = await self._side.dag_runs(self._dag_id, offset=read.offset, limit=len(read.rows))
        now = {row["run_id"]: row for row in page.rows}
        other_count = deletions and page.run_count != read.run_count
        if other_count or now.keys() != {row["run_id"] for row in read.rows}:
            self.drifts += 1
            return None
        return {row["run_id"] for row in read.rows if _same(now[row["run_id"]], row)}

    def _judge(self, places: list[Place], *, at_start: bool, at_end: bool) -> "_Move | tuple[int, int]":
        """Return the unread rows of a page with whole ties, from one index to before another, or where to look."""
        read = 0 if self.cursor.place is None else bisect_right(places, self._order.current(self.cursor.place))
        if not read and not at_start:
            return _Move.BACK
        if read == len(places):
            return _Move.END if at_end else _Move.ON
        end = len(places) if at_end else bisect_left(places, places[-1])
        return (read, end) if end > read else _Move.WIDER
