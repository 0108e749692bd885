"""Cut the runs of one DAG into windows, as far as they can be told without their children.

The runs of several windows come with one request; a window is as many of them as have children that are worth a page.
A position says how far that has come, so that a window which has to be read again can set everything back.
"""

from collections.abc import Collection
from dataclasses import KW_ONLY, dataclass, replace

from transfer.checkpoint import Checkpoint, PlannedDag, ResumePoint
from transfer.client.base import Source
from transfer.config.settings import Limits, Selection
from transfer.engine.choose import choose
from transfer.engine.load import Seen
from transfer.engine.memory import CLAIMED
from transfer.engine.order import DATED, Place, StartOrder
from transfer.engine.pace import Pace
from transfer.engine.probe import first_size
from transfer.engine.room import SPLIT, Room
from transfer.engine.scan import Cursor, Scanner, Slice
from transfer.engine.size import WindowSize
from transfer.model import Window
from transfer.progress import Progress

TOGETHER = 3
"""Windows whose runs come with one request: enough to hide its round trip, and not too many rows to hold."""


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
    _: KW_ONLY
    room: Room
    pace: Pace
    waiting: Collection[PlannedDag]
    """The DAGs that nobody reads yet."""


@dataclass(frozen=True, slots=True)
class Position:
    """How far a pass has come."""

    cursor: Cursor
    number: int
    """Of the next window."""
    selected: int = 0
    """Runs that the selection has taken, for ``newest``."""
    claimed: int = 0
    """Runs that an earlier run of the program has begun, and that were not met yet."""
    front: Place | None = None
    """The first run with a start date that was met."""
    skimming: bool = False
    """Whether nothing was to be moved of the last slice."""


class Cutter:
    """Cuts one DAG in one pass, from ``point`` on; ``at`` is where the next window begins."""

    def __init__(self, reading: Reading, dag_id: str, point: ResumePoint) -> None:
        self._reading = reading
        self._dag_id = dag_id
        self._pass_number = point.pass_number
        order = StartOrder("source")
        cursor = Cursor(point.offset, None if point.fresh else order.place(point.end))
        self.scanner = Scanner(reading.source, dag_id, order, cursor)
        self.size = WindowSize(reading.limits, aim=lambda: reading.room.aim)
        self.skim = WindowSize(reading.limits)
        """How large slices are while nothing is to be moved."""
        self.at = Position(cursor, point.next_number)
        self._rest: Slice | None = None
        self._at_end = False
        self._is_probed = False

    @property
    def is_over(self) -> bool:
        """Tell whether no further window is needed."""
        newest = self._reading.selection.newest
        return self._at_end or (newest is not None and self.at.selected >= newest and self.at.claimed <= 0)

    async def claim(self) -> None:
        """Count the runs that an earlier run of the program has begun: they are met before ``newest`` is enough."""
        self.at = replace(self.at, claimed=await self._reading.checkpoint.claimed_runs(self._dag_id))

    def go_to(self, position: Position) -> None:
        """Go on there with what the source says by now."""
        self._move(position)
        self._rest = None
        self._at_end = False

    async def next(self, reach: int) -> tuple[Seen, Window] | None:
        """Return the next slice and its window, None past the end; asks for the runs of ``reach`` windows if it may.

        A slice is a long one while nothing is to be moved, else one whose children are worth a page.
        """
        stretch = self._rest or await self.scanner.next(self._stretch(reach))
        if stretch is None:
            self._at_end = True
            return None
        size = self._worthwhile(stretch, reach)
        seen = await self._judge(stretch.head(self.skim.runs if self.at.skimming else size))
        if seen.choice.to_move and not self._is_probed and reach > 1:
            stretch = await self._probed(stretch, reach)
            size = self._worthwhile(stretch, reach)
            seen = await self._judge(stretch.head(size))
        if seen.choice.to_move and len(seen.part.rows) > size:
            seen = await self._judge(seen.part.head(size))
        read = len(seen.part.rows)
        window = self._window(seen.part)
        self._move(self._behind(seen))
        is_worthwhile = len(stretch.rows) - read >= size / SPLIT  # else it is asked for again, with what follows
        self._rest = stretch.between(read, len(stretch.rows)) if is_worthwhile else None
        return seen, window

    async def _probed(self, stretch: Slice, reach: int) -> Slice:
        """Return a slice that is long enough for the first window, now that is known how large it may be."""
        self._is_probed = True
        most = self._reading.limits.window_runs
        runs = await first_size(self._reading.source, self._dag_id, stretch, self._reading.room.aim, most)
        if runs is None or runs <= self.size.runs:
            return stretch
        self.size.runs = runs
        return await self.scanner.next(self._stretch(reach)) or stretch

    def _move(self, position: Position) -> None:
        self.at = position
        self.scanner.cursor = position.cursor

    def _stretch(self, reach: int) -> int:
        if self.at.skimming:
            return self.skim.runs
        several = min(reach, TOGETHER)
        return max(self.size.runs, min(self.size.runs * several, self._reading.limits.window_runs))

    def _worthwhile(self, stretch: Slice, reach: int) -> int:
        """Return how many runs a window should hold whose children are read: fewer when all other DAGs are done."""
        if self._reading.waiting or reach == 1:
            return self.size.runs
        return self._reading.room.share(stretch.run_count - stretch.offset, self.size.runs)

    async def _judge(self, part: Slice) -> Seen:
        reading = self._reading
        known = await reading.checkpoint.recall(self._dag_id, [row["run_id"] for row in part.rows])
        selected = self.at.selected
        choice = choose(part.rows, reading.selection, known, already_selected=selected, replace=reading.replace)
        return Seen(part, choice, known)

    def _behind(self, seen: Seen) -> Position:
        part, at = seen.part, self.at
        return Position(
            Cursor(part.offset + len(part.rows), part.places[-1]),
            at.number + 1,
            seen.choice.selected,
            at.claimed - sum(run.outcome in CLAIMED for run in seen.known.values()),
            at.front or next((place for place in part.places if place[0] == DATED), None),
            skimming=not seen.choice.to_move,
        )

    def _window(self, part: Slice) -> Window:
        end = part.rows[-1]["start_date"]
        return Window(self._dag_id, self._pass_number, self.at.number, part.offset, len(part.rows), end)
