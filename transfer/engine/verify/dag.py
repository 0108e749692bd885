"""The story of one DAG: walk both sides, see whether that was all, look again at what was not equal."""

from transfer.engine.scan import Cursor
from transfer.engine.size import FIRST_SIZE
from transfer.engine.verify.look import Look
from transfer.engine.verify.side import Reader
from transfer.engine.verify.walk import Comparing, Walk
from transfer.errors import DriftError
from transfer.findings import Phase, Point, Sighting, Spot
from transfer.model import SideName

_SIDES: tuple[SideName, ...] = ("source", "target")

MOST_WALKS = 3
"""Walks over one DAG in one run of the program."""

MOST_FRONTS = 3
"""Looks at the front of both sides after a walk, where runs may come while one looks."""


class DagComparison:
    """Compares one DAG."""

    def __init__(self, comparing: Comparing, dag_id: str) -> None:
        self._comparing = comparing
        self._dag_id = dag_id
        self._runs = 0, 0
        """What the sides count."""

    async def compare(self) -> None:
        """Compare what is left to compare.

        Raises ``DriftError`` when the DAG cannot be read as a whole, or what requests raise.
        """
        store = self._comparing.store
        point = await store.point(self._dag_id)
        if point.phase is not Phase.LOOKING:
            await self._walked(await self._started(point))
            await store.begin_look(self._dag_id, self._runs)
        await Look(self._comparing, self._dag_id).all()
        await store.end(self._dag_id)
        self._comparing.progress.finished(self._dag_id)

    async def _started(self, point: Point) -> Point:
        """Return where to go on; where the target has nothing at all, there is nothing to read of children."""
        if point.source is not None or await self._target_runs():
            return point
        return Point(missing=True)

    async def _target_runs(self) -> int:
        return (await self._comparing.target.side.dag_runs(self._dag_id, offset=0, limit=1)).run_count

    async def _walked(self, point: Point) -> None:
        """Walk the DAG until all runs that the sides count were seen."""
        problem: str | None = None
        for _ in range(MOST_WALKS):
            problem = await self._walk(point)
            if problem is None:
                return
            self._comparing.progress.again(self._dag_id)
            point = Point()
            await self._comparing.store.restart(self._dag_id, point)
        raise DriftError(f"DAG {self._dag_id}: {problem}", hint="run again when fewer of its runs come and go")

    async def _walk(self, point: Point) -> str | None:
        """Walk the DAG once; return why that was not all, None if it was."""
        walk = Walk(self._comparing, self._dag_id, point)
        self._comparing.progress.skipped(self._dag_id, point.source.offset + 1 if point.source else 0)
        await walk.all()
        if walk.point.missing:
            self._runs = walk.source.scanner.run_count, await self._target_runs()
            return "the target has got runs meanwhile" if self._runs[1] else None
        self._runs = walk.source.scanner.run_count, walk.target.scanner.run_count
        shortfall = await self._shortfall()
        if point.source is None and walk.windows <= 1 and shortfall is None and all(self._runs):
            return None  # it was a single moment
        for _ in range(MOST_FRONTS):
            source = await self._front(walk.source, walk.point.fronts[0])
            self._runs = source, await self._front(walk.target, walk.point.fronts[1])
            shortfall = await self._shortfall()
            if shortfall is None:
                break
        return shortfall

    async def _front(self, reader: Reader, start: str | None) -> int:
        """Read the front up to the first dated run that stood there when the walk began; return the DAG's run count.

        What came, or came there, since then is no difference: it was not there, or not at rest.
        """
        scanner, name = reader.scanner, reader.deployment.name
        scanner.cursor = Cursor()
        while (part := await scanner.next(FIRST_SIZE)) is not None:
            sightings = [
                Sighting(row["run_id"], Spot(row["start_date"], part.offset + index), part.offset + index, wanted=False)
                for index, row in enumerate(part.rows)
            ]
            await self._comparing.store.see_again(self._dag_id, name, sightings)
            scanner.advance(part)
            if start is not None and scanner.is_at(reader.order.place(start)):
                return part.run_count
        return scanner.run_count

    async def _shortfall(self) -> str | None:
        """Return which side has more runs than were seen; not looked at where the selection ends before they do."""
        if self._comparing.selection.newest is not None:
            return None
        sides = _SIDES[:1] if self._comparing.one_way else _SIDES
        for side, count in zip(sides, self._runs, strict=False):
            seen = await self._comparing.store.seen(self._dag_id, side)
            if seen < count:
                return f"{side}: {seen} of {count} runs seen"
        return None
