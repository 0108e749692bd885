"""Read one DAG, window after window, so that what is handed over belongs together.

Runs and children come in separate answers, each of them right for its own moment. The runs are therefore read again
after the children: if the slice still holds the same runs, every page was cut for exactly these; a run whose own row
changed in between is left for the next time.

One window:
1. cut      the next slice of runs, no tie split, and what is to be done with them
2. load     the smallest slice that holds those to be moved, with its children, and the runs again; moved = begin again
            at 1; a slice without any is settled at once
3. hand over to a writer, who claims the window and its runs in the checkpoint before anything is sent

Cutting is quick and loading is not, so several windows are loaded at once. They are handed over in the order in which
they were cut, and one that moved takes all behind it back: what is handed over is what reading one after the other
would have given.
"""

from collections import deque
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import partial

from transfer.checkpoint import ResumePoint
from transfer.engine.ahead import Ahead, Begun
from transfer.engine.cut import Cutter, Position, Reading
from transfer.engine.load import Loader, Seen
from transfer.engine.scan import Cursor
from transfer.engine.window import LoadedWindow
from transfer.errors import DriftError
from transfer.model import Window

MOST_DRIFTS = 25
"""Movements met while reading one window before its DAG is left for the next run of the program."""

PATIENCE = 2
"""Movements after which a window is made smaller."""

FARTHEST = 64
"""Windows of one DAG that are read at once, if there are places for so many."""

FIRST_REACH = 3
"""The same at the beginning; one more after each window, half as many when the history moves."""


@dataclass(frozen=True, slots=True)
class _Step:
    """A window that was begun, and the positions before and behind it."""

    seen: Seen
    before: Position
    behind: Position
    begun: Begun


class DagReader:
    """Reads one DAG in one pass, from ``point`` to its last run; loads windows in the tasks of ``ahead``."""

    def __init__(self, reading: Reading, dag_id: str, point: ResumePoint, ahead: Ahead) -> None:
        self._reading = reading
        self._dag_id = dag_id
        self._ahead = ahead
        self._cutter = cutter = Cutter(reading, dag_id, point)
        self._loader = Loader(reading.source, dag_id, cutter.scanner, cutter.size, cutter.skim)
        self._handed = cutter.at
        # What "newest" takes of a window depends on what became of those before it.
        self._farthest = 1 if reading.selection.newest is not None else FARTHEST
        self._reach = min(FIRST_REACH, self._farthest)

    @property
    def run_count(self) -> int:
        """Return the DAG's runs as the source last counted them."""
        return self._cutter.scanner.run_count

    @property
    def was_instant(self) -> bool:
        """Tell whether the pass was a single window: what came after it is later than the pass."""
        return self._handed.number <= 1

    async def windows(self) -> AsyncGenerator[LoadedWindow]:
        """Yield all windows of the pass; those without a run to move hold no pages. The taker closes them.

        Raises ``DriftError`` when the source moves too fast, or a ``SideError``.
        """
        await self._cutter.claim()
        async with aclosing(self._walk()) as windows:
            async for loaded in windows:
                yield loaded

    async def front(self) -> AsyncGenerator[LoadedWindow]:
        """Yield windows as ``windows`` does, from the front to the first run that stood there when the pass began.

        Runs that started or restarted since then came to the front behind the reader's back.
        """
        self._farthest = self._reach = 1
        self._cutter.go_to(replace(self._cutter.at, cursor=Cursor(), selected=0))
        async with aclosing(self._walk()) as windows:
            async for loaded in windows:
                yield loaded
                front = self._cutter.at.front
                if front is not None and self._cutter.scanner.is_at(front):
                    return

    async def _walk(self) -> AsyncGenerator[LoadedWindow]:
        steps: deque[_Step] = deque()
        drifts = 0
        try:
            while await self._begin(steps):
                step = steps[0]
                loaded = await step.begun.result()
                if loaded is None:
                    drifts += 1
                    self._go_back(steps, drifts)
                    continue
                drifts = 0
                self._handed = step.behind
                self._reach = min(self._reach + 1, self._farthest)
                yield loaded
                _discard(steps.popleft())
        finally:
            _discard(*steps)

    async def _begin(self, steps: deque[_Step]) -> bool:
        """Begin to read as many windows as there are places for; return whether any is on its way."""
        places = self._reading.room.places
        while len(steps) < self._reach and not self._cutter.is_over:
            begun = Begun(places.leave)
            if not await self._may_begin(begun, at_once=bool(steps)):
                break
            try:
                step = await self._step(begun)
            except BaseException:  # whatever it is, the place must be free for the next
                places.leave(begun)
                raise
            if step is None:
                places.leave(begun)
            else:
                steps.append(step)
        return bool(steps)

    async def _may_begin(self, begun: Begun, *, at_once: bool) -> bool:
        """Get a place for another window: at once or not at all, or as soon as there is one and the time is right."""
        pace, places = self._reading.pace, self._reading.room.places
        if at_once:
            return pace.reason is None and places.take_at_once(begun)
        await places.take(begun)
        while pace.reason is not None:
            places.leave(begun)
            await pace.open()
            self._cutter.go_to(self._cutter.at)  # what was read before the pause may be old
            await places.take(begun)
        return True

    async def _step(self, begun: Begun) -> _Step | None:
        before = self._cutter.at
        cut = await self._cutter.next(self._reach)
        if cut is None:
            return None
        if self._reading.pace.reason is not None:  # since a moment ago: nothing new is begun
            self._cutter.go_to(before)
            return None
        seen, window = cut
        self._ahead.begin(begun, partial(self._load, begun, seen, window))
        return _Step(seen, before, self._cutter.at, begun)

    async def _load(self, begun: Begun, seen: Seen, window: Window) -> LoadedWindow | None:
        loaded = await self._loader.load(seen, window, begun)
        if loaded is not None and loaded.pages:
            self._reading.room.places.ready(begun)
        return loaded

    def _go_back(self, steps: deque[_Step], drifts: int) -> None:
        """Begin again at the first of ``steps``, which moved: smaller if it keeps moving, for less moves in less time.

        Raises ``DriftError`` when there is no hope.
        """
        first = steps[0]
        _discard(*steps)
        steps.clear()
        self._cutter.go_to(first.before)
        self._reach = max(1, self._reach // 2)
        self._reading.progress.drifts += 1
        if drifts > MOST_DRIFTS:
            raise _too_fast(self._dag_id)
        if drifts > PATIENCE:
            self._cutter.size.shrink(len(first.seen.part.rows))


def _discard(*steps: _Step) -> None:
    for step in steps:
        step.begun.discard()


def _too_fast(dag_id: str) -> DriftError:
    return DriftError(
        f"source: DAG {dag_id}: the history moves faster than it can be read",
        hint="run again when fewer of its runs start, or lower limits.window_bytes",
    )
