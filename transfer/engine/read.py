"""Read one DAG, window after window, so that what is handed over belongs together.

Runs and children come in separate answers, each of them right for its own moment. The runs are therefore read again
after the children: if the slice still holds the same runs, every page was cut for exactly these; a run whose own row
changed in between is left for the next time.

One window:
1. scan     the next slice of runs, no tie split
2. choose   which of them are to be moved; a slice without any is settled at once
3. narrow   to the smallest slice that holds these
4. load     the children, and the runs again; moved = begin again at 1
5. hand over to a writer, who claims the window and its runs in the checkpoint before anything is sent
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from transfer.checkpoint import Checkpoint, ResumePoint
from transfer.client.base import Source
from transfer.config.settings import Limits, Selection
from transfer.engine.children import Pages, read_children
from transfer.engine.choose import Choice, choose, outcomes_before, without
from transfer.engine.live import live_runs, recent_runs
from transfer.engine.memory import CLAIMED
from transfer.engine.order import DATED, Place, StartOrder
from transfer.engine.scan import Cursor, Scanner, Slice
from transfer.engine.size import WindowSize
from transfer.engine.window import LoadedWindow
from transfer.errors import DriftError
from transfer.model import SettledRun, Window
from transfer.progress import Progress

MOST_DRIFTS = 50
"""Movements met while reading one window before its DAG is left for the next run of the program."""

PATIENCE = 2
"""Movements after which a window is made smaller."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What reading any DAG needs."""

    source: Source
    checkpoint: Checkpoint
    selection: Selection
    limits: Limits
    progress: Progress
    replace: bool = False
    """Whether runs that are marked for it are replaced."""


@dataclass(frozen=True, slots=True)
class _Seen:
    part: Slice
    choice: Choice
    known: dict[str, SettledRun]


class DagReader:
    """Reads one DAG in one pass, from ``point`` to its last run."""

    def __init__(self, reading: Reading, dag_id: str, point: ResumePoint) -> None:
        self._reading = reading
        self._dag_id = dag_id
        self._pass_number = point.pass_number
        self._number = point.next_number
        order = StartOrder("source")
        place = None if point.fresh else order.place(point.end)
        self._scanner = Scanner(reading.source, dag_id, order, Cursor(point.offset, place))
        self._size = WindowSize(reading.limits)
        self._skim = WindowSize(reading.limits)
        self._skimming = False
        self._selected = 0
        self._claimed = 0
        self._front: Place | None = None

    @property
    def run_count(self) -> int:
        """Return the DAG's runs as the source last counted them."""
        return self._scanner.run_count

    async def windows(self) -> AsyncGenerator[LoadedWindow]:
        """Yield all windows of the pass; those without a run to move hold no pages. The taker closes them.

        Raises ``DriftError`` when the source moves too fast, or a ``SideError``.
        """
        self._claimed = await self._reading.checkpoint.claimed_runs(self._dag_id)
        async with aclosing(self._walk()) as windows:
            async for loaded in windows:
                yield loaded

    async def front(self) -> AsyncGenerator[LoadedWindow]:
        """Yield windows as ``windows`` does, from the front to the first run that stood there when the pass began.

        Runs that started or restarted since then came to the front behind the reader's back.
        """
        self._scanner.cursor = Cursor()
        self._selected = 0
        async with aclosing(self._walk()) as windows:
            async for loaded in windows:
                yield loaded
                if self._front is not None and self._scanner.is_at(self._front):
                    return

    @property
    def was_instant(self) -> bool:
        """Tell whether the pass was a single window: what came after it is later than the pass."""
        return self._number <= 1

    async def _walk(self) -> AsyncGenerator[LoadedWindow]:
        drifts = 0
        while not self._has_enough and (seen := await self._next()) is not None:
            loaded = await self._load(seen)
            if loaded is None:
                drifts += 1
                self._note_drift(drifts, seen.part)
                continue
            drifts = 0
            self._advance(seen, loaded)
            yield loaded

    def _advance(self, seen: _Seen, loaded: LoadedWindow) -> None:
        self._scanner.advance(seen.part)
        self._number += 1
        self._selected = loaded.choice.selected
        self._claimed -= sum(run.outcome in CLAIMED for run in seen.known.values())
        if self._front is None:
            self._front = next((place for place in seen.part.places if place[0] == DATED), None)

    def _note_drift(self, drifts: int, part: Slice) -> None:
        """Make the window smaller when it keeps moving: what is read in less time moves less."""
        self._reading.progress.drifts += 1
        if drifts > MOST_DRIFTS:
            raise _too_fast(self._dag_id)
        if drifts > PATIENCE:
            self._size.shrink(len(part.rows))

    @property
    def _has_enough(self) -> bool:
        newest = self._reading.selection.newest
        return newest is not None and self._selected >= newest and self._claimed <= 0

    async def _next(self) -> _Seen | None:
        """Return the next slice: a long one while nothing is to be moved, else one whose children are worth a page."""
        part = await self._scanner.next(self._skim.runs if self._skimming else self._size.runs)
        if part is None:
            return None
        seen = await self._judge(part)
        if seen.choice.to_move and len(part.rows) > self._size.runs:
            seen = await self._judge(part.head(self._size.runs))
        self._skimming = not seen.choice.to_move
        return seen

    async def _judge(self, part: Slice) -> _Seen:
        known = await self._reading.checkpoint.recall(self._dag_id, [row["run_id"] for row in part.rows])
        reading = self._reading
        choice = choose(part.rows, reading.selection, known, already_selected=self._selected, replace=reading.replace)
        return _Seen(part, choice, known)

    async def _load(self, seen: _Seen) -> LoadedWindow | None:
        """Return the window of a slice; None if it has to be read again (moved, or too large)."""
        if not seen.choice.to_move:
            self._skim.learn(len(seen.part.rows), seen.part.size, 0)
            window = self._window(seen.part)
            return LoadedWindow(window, seen.choice, set(), seen.part.run_count, {}, recalled=seen.known)
        narrow = seen.part.narrowed({row["run_id"] for row in seen.choice.to_move})
        pages = await read_children(self._reading.source, self._dag_id, narrow)
        if pages is None:
            self._size.shrink(len(narrow.rows))
            return None
        try:
            return await self._confirmed(seen, narrow, pages)
        except BaseException:  # whatever ends this, also a cancellation, must free the pages
            pages.close()
            raise

    async def _confirmed(self, seen: _Seen, narrow: Slice, pages: Pages) -> LoadedWindow | None:
        same = await self._scanner.unchanged(narrow)
        if same is None:
            pages.close()
            return None
        same -= await live_runs(pages.tasks, recent_runs(seen.choice.to_move))
        self._size.learn(len(narrow.rows), narrow.size + pages.size, pages.seconds)
        restless = [row["run_id"] for row in seen.choice.to_move if row["run_id"] not in same]
        run_ids = {row["run_id"] for row in narrow.rows}
        before = outcomes_before(seen.known, seen.choice.fingerprints)
        return LoadedWindow(
            self._window(seen.part),
            without(seen.choice, restless, seen.known),
            run_ids,
            narrow.run_count,
            before,
            pages.pages,
            seen.known,
        )

    def _window(self, part: Slice) -> Window:
        end = part.rows[-1]["start_date"]
        return Window(self._dag_id, self._pass_number, self._number, part.offset, len(part.rows), end)


def _too_fast(dag_id: str) -> DriftError:
    return DriftError(
        f"source: DAG {dag_id}: the history moves faster than it can be read",
        hint="run again when fewer of its runs start, or lower limits.window_bytes",
    )
