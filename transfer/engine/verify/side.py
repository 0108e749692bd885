"""One deployment, read for the comparison of one DAG: what it shows of a slice of runs and their children."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field

from transfer.client.base import Source
from transfer.engine.children import Pages, read_children
from transfer.engine.live import live_runs, recent_runs
from transfer.engine.order import StartOrder
from transfer.engine.scan import Cursor, Scanner, Slice
from transfer.engine.size import WindowSize
from transfer.engine.unstarted import has_unstarted
from transfer.engine.verify.fold import Fit, RunFold, fold_children
from transfer.errors import DriftError, RefusedError, UnavailableError, UnexpectedAnswerError
from transfer.findings import Spot
from transfer.kinds import Row
from transfer.model import SideName


@dataclass(frozen=True, slots=True)
class Deployment:
    """A deployment under its name; ``fit`` makes of its rows what is compared."""

    name: SideName
    side: Source
    fit: Fit

    @property
    def is_source(self) -> bool:
        """Tell whether it is the source."""
        return self.name == "source"


@dataclass(slots=True)
class Shown:
    """What one side has shown of a range of runs.

    ``folds`` are the children of the runs that were asked for; ``restless`` are runs that changed meanwhile or wait for
    a task; of ``unread`` ones the children could not be read.
    """

    runs: dict[str, Row] = field(default_factory=dict)
    spots: dict[str, Spot] = field(default_factory=dict)
    folds: dict[str, RunFold] = field(default_factory=dict)
    restless: set[str] = field(default_factory=set)
    unread: set[str] = field(default_factory=set)
    last: Spot | None = None
    """The last run of it, None while there is none."""

    @property
    def first_start(self) -> str | None:
        """Return the first start date that is one."""
        return next((spot.start for spot in self.spots.values() if spot.start is not None), None)

    def add(self, part: Slice) -> None:
        """Take in the runs of ``part``."""
        for index, row in enumerate(part.rows):
            self.runs[row["run_id"]] = row
            self.last = self.spots[row["run_id"]] = Spot(row["start_date"], part.offset + index)

    def split(self, ids: Collection[str]) -> "Shown":
        """Keep the runs in ``ids``, and return the others."""
        others = Shown(last=self.last)
        for run_id in [run_id for run_id in self.runs if run_id not in ids]:
            others.runs[run_id], others.spots[run_id] = self.runs.pop(run_id), self.spots.pop(run_id)
        return others


class Reader:
    """Reads one DAG of one deployment; ``size`` learns how many runs make a window."""

    def __init__(self, deployment: Deployment, dag_id: str, size: WindowSize, *, learns: bool) -> None:
        self.deployment = deployment
        self.dag_id = dag_id
        self.order = StartOrder(deployment.name)
        self.scanner = Scanner(deployment.side, dag_id, self.order, Cursor())
        self._size = size
        self._learns = learns

    def go_to(self, spot: Spot | None) -> None:
        """Go on behind ``spot``, or at the front."""
        self.scanner.cursor = Cursor() if spot is None else Cursor(spot.offset + 1, self.order.place(spot.start))

    async def has_unstarted(self) -> bool:
        """Tell whether there are runs that never started; the order knows then where they stand."""
        return await has_unstarted(self.deployment.side, self.dag_id, self.order)

    async def show(self, part: Slice, groups: Sequence[set[str]], shown: Shown) -> None:
        """Add ``part`` to ``shown``, with the children of the runs in ``groups``, each of which is read at once.

        Raises ``DriftError`` when the history moved meanwhile, or what a request raises that no smaller slice helps.
        """
        ids = {row["run_id"] for row in part.rows}
        for group in groups:
            inside = group & ids
            if inside:
                await self._fold(part.narrowed(inside), inside, shown)
        shown.add(part)

    async def pages(self, part: Slice) -> Pages | None:
        """Return the children of ``part``; None if the server does not bring them."""
        try:
            return await read_children(self.deployment.side, self.dag_id, part)
        except UnavailableError:
            await self.deployment.side.info()  # a side that is gone altogether ends everything
            return None
        except (RefusedError, UnexpectedAnswerError):
            return None

    async def _fold(self, part: Slice, wanted: set[str], shown: Shown) -> None:
        """Fold the children of ``wanted``; what cannot be read is tried in halves."""
        pages = await self.pages(part)
        if pages is not None:
            with closing(pages):
                try:
                    await self._confirmed(part, wanted, pages, shown)
                except UnexpectedAnswerError:
                    pass
                else:
                    return
        if part.is_one_tie:
            shown.unread |= wanted
            return
        self._size.shrink(len(part.rows))
        for half in halves(part):
            inside = wanted & {row["run_id"] for row in half.rows}
            if inside:
                await self._fold(half.narrowed(inside), inside, shown)

    async def _confirmed(self, part: Slice, wanted: set[str], pages: Pages, shown: Shown) -> None:
        # Without ``deletions``: what looks different by mistake is looked at again, and a transfer may be under way.
        same = await self.scanner.unchanged(part, deletions=False)
        if same is None:
            raise moved(self.deployment.name, self.dag_id)
        folds = await fold_children(self.deployment.name, [pages], wanted, self.deployment.fit)
        restless = wanted - same
        if self.deployment.is_source:
            restless |= await live_runs(pages.tasks, recent_runs([row for row in part.rows if row["run_id"] in wanted]))
        shown.folds |= folds
        shown.restless |= restless
        if self.deployment.is_source:
            self._size.learn(len(part.rows), part.size + pages.size, pages.seconds if self._learns else 0)


def halves(part: Slice) -> Iterator[Slice]:
    """Yield ``part``, which is more than one tie, in two pieces that split no tie."""
    first = part.head(len(part.rows) // 2)
    yield first
    yield part.between(len(first.rows), len(part.rows))


def moved(side: SideName, dag_id: str) -> DriftError:
    """Return the error for a slice that changed while its children were read."""
    return DriftError(
        f"{side}: DAG {dag_id}: the history moves faster than it can be compared",
        hint="run again when fewer of its runs start",
    )
