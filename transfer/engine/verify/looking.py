"""One side's part of the second look: find some runs by their places, and hold them with their children."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from transfer.engine.children import Pages
from transfer.engine.live import live_runs, recent_runs
from transfer.engine.order import Place
from transfer.engine.scan import Cursor, Scanner, Slice
from transfer.engine.size import FIRST_SIZE
from transfer.engine.unstarted import is_before
from transfer.engine.verify.side import Reader, moved
from transfer.findings import Spot
from transfer.kinds import Row

SPARE = 25
"""Runs that are asked for beyond those that should be there: the history may have moved a little."""


@dataclass(slots=True)
class Looked:
    """What one side has of the runs that were looked for; ``stack`` closes the pages.

    ``restless`` runs changed meanwhile or wait for a task; ``unread`` tells that the side did not bring all.
    """

    stack: ExitStack
    rows: dict[str, Row] = field(default_factory=dict)
    pages: list[Pages] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    """The DAG's runs when the runs of each of ``pages`` were read."""
    restless: set[str] = field(default_factory=set)
    unread: bool = False

    @property
    def shifted(self) -> bool:
        """Tell whether the DAG had more or fewer runs when a page was read; it is known when its rows were."""
        pairs = [(page, count) for pages, count in zip(self.pages, self.counts, strict=True) for page in pages.pages]
        return any(page.run_count not in {None, count} for page, count in pairs)

    @property
    def size(self) -> int:
        """Return the bytes of all pages."""
        return sum(pages.size for pages in self.pages)


@dataclass(frozen=True, slots=True)
class Search:
    """Do not trust offsets, and look where runs move to: in front of ``front``, or among those that never started.

    ``front`` is the start of the run that was the first one when the walk began, None if none had started.
    """

    front: str | None


@dataclass(frozen=True, slots=True)
class _Span:
    """A range of runs: ``first`` and ``last`` place, None for the ends of the DAG; it begins at about ``offset``."""

    first: Place | None
    last: Place | None
    offset: int = 0
    size: int = FIRST_SIZE


async def look_at(reader: Reader, looked: Looked, spots: Mapping[str, Spot], search: Search | None) -> None:
    """Add to ``looked`` those of the runs in ``spots`` that are where they should be, or are found.

    Raises ``DriftError`` when the history moves meanwhile.
    """
    likely = list(spots.values())
    if any(spot.start is None for spot in likely) and not await reader.has_unstarted():
        likely = [spot for spot in likely if spot.start is not None]
    if likely:
        await _read(reader, looked, spots, await _span(reader, likely, searched=search is not None))
    if search is None or looked.unread or spots.keys() <= looked.rows.keys():
        return
    front = None if search.front is None else reader.order.place(search.front)
    await _read(reader, looked, spots, _Span(None, front))
    if front is not None and await reader.has_unstarted() and not reader.order.nulls_first:
        place = reader.order.place(None)
        await _read(reader, looked, spots, _Span(place, place, await _searched(reader, place)))


async def _span(reader: Reader, spots: Sequence[Spot], *, searched: bool) -> _Span:
    places = [reader.order.place(spot.start) for spot in spots]
    offsets = [spot.offset for spot in spots]
    offset = await _searched(reader, min(places)) if searched else min(offsets)
    return _Span(min(places), max(places), offset, max(offsets) - min(offsets) + SPARE)


async def _read(reader: Reader, looked: Looked, spots: Mapping[str, Spot], span: _Span) -> None:
    order = reader.order
    nulls_first = order.nulls_first
    cursor = Cursor() if span.first is None else Cursor(span.offset, _before(span.first))
    scanner = Scanner(reader.deployment.side, reader.dag_id, order, cursor)
    while not looked.unread and (part := await scanner.next(span.size)) is not None:
        if order.nulls_first != nulls_first:
            raise moved(reader.deployment.name, reader.dag_id)  # the places of the span were a guess
        end = len(part.rows) if span.last is None else bisect_right(part.places, span.last)
        if end == 0:
            return
        await _hold(reader, scanner, part.between(0, end), (looked, spots))
        if end < len(part.rows) or part.places[-1] == span.last:
            return
        scanner.advance(part)


async def _hold(reader: Reader, scanner: Scanner, part: Slice, what: tuple[Looked, Mapping[str, Spot]]) -> None:
    """Read the children of the runs in ``part`` that are looked for."""
    looked, spots = what
    wanted = spots.keys() - looked.rows.keys()
    found = {row["run_id"]: row for row in part.rows if row["run_id"] in wanted}
    if not found:
        return
    near = part.narrowed(set(found))
    pages = await reader.pages(near)
    if pages is None:
        looked.unread = True
        return
    looked.stack.callback(pages.close)
    looked.pages.append(pages)
    looked.counts.append(near.run_count)
    same = await scanner.unchanged(near)
    if same is None:
        raise moved(reader.deployment.name, reader.dag_id)
    looked.rows |= found
    looked.restless |= found.keys() - same
    if reader.deployment.is_source:
        looked.restless |= await live_runs(pages.tasks, recent_runs(list(found.values())))


def _before(place: Place) -> Place:
    rank, moment = place
    return rank, moment - 1


async def _searched(reader: Reader, place: Place) -> int:
    """Return the offset of the first run at or behind ``place``."""
    side, dag_id = reader.deployment.side, reader.dag_id
    low, high = 0, (await side.dag_runs(dag_id, offset=0, limit=1)).run_count
    while low < high:
        middle = (low + high) // 2
        if await is_before(side, dag_id, reader.order, middle, place):
            low = middle + 1
        else:
            high = middle
    return low
