"""The first look: both sides in step, in the order of start dates.

A window is a slice of the source, and whatever the target has in the same range of dates. What was found is stored
together with the place that was reached, in one transaction. Runs that the target alone has are stored as they come,
for there may be many; they are only to be looked at again, so it does no harm if the window is read anew.
"""

from bisect import bisect_right
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial

from transfer.config.settings import Limits, Selection
from transfer.engine.choose import Choice, choose
from transfer.engine.pace import Pace
from transfer.engine.scan import Slice
from transfer.engine.size import WindowSize
from transfer.engine.verify.both import both
from transfer.engine.verify.judge import Judge, Window
from transfer.engine.verify.sample import Sampler
from transfer.engine.verify.side import Deployment, Reader, Shown
from transfer.errors import DriftError
from transfer.findings import FindingsStore, Phase, Point, Spot, Step
from transfer.kinds import Row
from transfer.progress import Progress

MOST_DRIFTS = 50
"""Movements met while reading one window before its DAG is left for the next run of the program."""

PATIENCE = 2
"""Movements after which a window is made smaller."""


@dataclass(frozen=True, slots=True)
class Comparing:
    """What comparing any DAG needs."""

    source: Deployment
    target: Deployment
    store: FindingsStore
    selection: Selection
    limits: Limits
    sampler: Sampler
    one_way: bool
    progress: Progress
    pace: Pace

    @property
    def unbounded(self) -> Selection:
        """Return the selection without its bound on the number of runs."""
        return self.selection.model_copy(update={"newest": None})


class Walk:
    """Walks one DAG from ``point`` to its end."""

    def __init__(self, comparing: Comparing, dag_id: str, point: Point) -> None:
        self._comparing = comparing
        self._dag_id = dag_id
        self.point = point
        self.size = WindowSize(comparing.limits)
        self._skim = WindowSize(comparing.limits)
        self._idle = False
        fits = comparing.source.fit, comparing.target.fit
        self._judge = Judge(dag_id, comparing.unbounded, fits, surplus=not comparing.one_way)
        learns = comparing.sampler.share is None  # a sample must not depend on how quick the server is
        self.source = Reader(comparing.source, dag_id, self.size, learns=learns)
        self.target = Reader(comparing.target, dag_id, self.size, learns=learns)
        self.windows = 0
        self._drifts = 0
        self._through = False

    async def all(self) -> None:
        """Read everything that is left: the walk, then the target's tail.

        Raises ``DriftError`` when a side moves too fast, or what its requests raise.
        """
        while self.point.phase is Phase.WALKING:
            async with self._patient():
                await self._window()
        while not self._through:
            async with self._patient():
                await self._tail()

    @asynccontextmanager
    async def _patient(self) -> AsyncIterator[None]:
        """Begin a window where the last one ended, when one may be begun; one that moved is read again."""
        await self._comparing.pace.open()
        self.source.go_to(self.point.source)
        self.target.go_to(self.point.target)
        try:
            yield
        except DriftError:
            self._drifts += 1
            self._comparing.progress.drifts += 1
            if self._drifts > MOST_DRIFTS:
                raise
            if self._drifts > PATIENCE:
                self.size.shrink(self.size.runs)
                self._skim.shrink(self._skim.runs)
        else:
            self._drifts = 0

    async def _window(self) -> None:
        newest = self._comparing.selection.newest
        part = None
        if newest is None or self.point.selected < newest:
            part = await self.source.scanner.next(self._skim.runs if self._skims else self.size.runs)
        if part is None:
            await self._store(Step(replace(self.point, phase=Phase.TAIL)))
            return
        part, choice = self._cut(part)
        self._idle = not choice.to_move
        if self._skims:
            self._skim.learn(len(part.rows), part.size, 0)
        await self._compare(part, choice, self._groups(choice))

    @property
    def _skims(self) -> bool:
        """Tell whether the next window is likely one of whose children few or none are read: those may be longer."""
        return self._idle or self.point.missing or self._comparing.sampler.share is not None

    def _groups(self, choice: Choice) -> list[set[str]]:
        """Return the runs whose children are compared, in groups to be read at once."""
        if self.point.missing:
            return []
        runs = [row["run_id"] for row in choice.to_move]
        groups = self._comparing.sampler.groups(self._dag_id, runs, self.point.selected)
        if self._comparing.sampler.share is None:
            return [set(group) for group in groups]  # the window is as long as it should be
        size = self.size.runs
        return [set(group[first : first + size]) for group in groups for first in range(0, len(group), size)]

    def _cut(self, part: Slice) -> tuple[Slice, Choice]:
        """Cut ``part`` to what makes a window, and behind the last run that ``newest`` takes."""
        choice = self._choose(part.rows)
        whole = not self.point.missing and self._comparing.sampler.share is None
        if choice.to_move and whole and len(part.rows) > self.size.runs:
            part = part.head(self.size.runs)
            choice = self._choose(part.rows)
        if choice.to_move and choice.selected == self._comparing.selection.newest:
            last = part.rows.index(choice.to_move[-1])
            part = part.between(0, bisect_right(part.places, part.places[last]))
            choice = self._choose(part.rows)
        return part, choice

    def _choose(self, rows: Sequence[Row]) -> Choice:
        return choose(rows, self._comparing.selection, {}, already_selected=self.point.selected)

    async def _compare(self, part: Slice, choice: Choice, groups: Sequence[set[str]]) -> None:
        left, right = Shown(), Shown()
        shift = self._shift
        await both(partial(self.source.show, part, groups, left), partial(self._follow, part, groups, right))
        window = Window(choice, left, right, set[str]().union(*groups), shift)
        verdict = self._judge.missing(window) if self.point.missing else self._judge.window(window)
        point = replace(
            self.point,
            source=left.last,
            target=right.last or self.point.target,
            selected=choice.selected,
            fronts=(self.point.fronts[0] or left.first_start, self.point.fronts[1] or right.first_start),
        )
        step = Step(point, verdict.tally, list(left.runs), list(right.runs))
        await self._store(
            replace(
                step,
                source_only=verdict.source_only,
                target_only=verdict.target_only,
                differences=verdict.differences,
            )
        )
        progress = self._comparing.progress
        progress.compared(self._dag_id, len(part.rows), verdict.rows, verdict.tally.differences)
        self.windows += 1

    @property
    def _shift(self) -> int:
        """Return by how much a run's offset is larger on the target, about."""
        return _next_offset(self.point.target) - _next_offset(self.point.source)

    async def _follow(self, part: Slice, groups: Sequence[set[str]], right: Shown) -> None:
        """Read what the target has up to the last run of ``part``."""
        start = part.rows[-1]["start_date"]
        if start is None and not self.point.missing:
            await self.target.has_unstarted()
        if self.point.missing or (start is None and self.source.order.nulls_first != self.target.order.nulls_first):
            return
        ids = {row["run_id"] for row in part.rows}
        bound = self.target.order.place(start)
        while (theirs := await self.target.scanner.next(len(part.rows))) is not None:
            end = bisect_right(theirs.places, bound)
            if end == 0:
                return
            inside = theirs.between(0, end)
            await self.target.show(inside, groups, right)
            surplus = right.split(ids)
            if surplus.runs:
                await self._surplus(surplus, passed=not right.runs)
            self.target.scanner.advance(inside)
            if theirs.places[-1] >= bound:
                return

    async def _tail(self) -> None:
        """Read on behind the source's last run; it is skipped where nothing of it could matter."""
        bounded = self._comparing.one_way or self._comparing.selection.newest is not None
        part = None
        if not self.point.missing and not (bounded and not await self._comparing.store.suspects(self._dag_id, 1)):
            part = await self.target.scanner.next(self._comparing.limits.window_runs)
        if part is None:
            self._through = True
        else:
            shown = Shown()
            shown.add(part)
            await self._surplus(shown, passed=True)

    async def _surplus(self, shown: Shown, *, passed: bool) -> None:
        """Store that the target has ``shown`` where the source has nothing.

        ``passed``: nothing in front of it waits to be stored, so that reading may go on behind it.
        """
        reached = self.point.phase is Phase.WALKING or self._comparing.selection.newest is None
        sightings = self._judge.surplus(list(shown.runs.values()), shown, self._shift, reached=reached)
        point = self.point
        if passed:
            fronts = (point.fronts[0], point.fronts[1] or shown.first_start)
            point = replace(point, target=shown.last, fronts=fronts)
        await self._store(Step(point, target_ids=list(shown.runs), target_only=sightings))

    async def _store(self, step: Step) -> None:
        await self._comparing.store.advance(self._dag_id, step)
        self.point = step.point


def _next_offset(spot: Spot | None) -> int:
    return 0 if spot is None else spot.offset + 1
