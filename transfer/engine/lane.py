"""Bring one DAG to the writers, pass after pass, until every run that the source counts was seen.

A pass walks the DAG once, and then its front again, where runs have started meanwhile. It is whole when no window of it
got lost between reading and writing and the distinct runs that were seen are as many as the source counts. Otherwise
the next pass begins at the front, skips what is settled and reads what is not. A pass that an earlier run of the
program began is followed by one from the front as well: what was unfinished or rejected then may be ready now.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field

import anyio
from anyio.streams.memory import MemoryObjectSendStream

from transfer.checkpoint import PlannedDag, ResumePoint
from transfer.engine.ahead import read_ahead
from transfer.engine.cut import Reading
from transfer.engine.read import DagReader
from transfer.engine.tally import Tally
from transfer.engine.window import LoadedWindow
from transfer.errors import DriftError

MOST_FRONTS = 5
"""Looks at the front of a DAG after a pass, for runs that have started meanwhile."""

MOST_PASSES = 6
"""Passes over one DAG in one run of the program."""


@dataclass(slots=True)
class InFlight:
    """The windows of one DAG that were handed over and are not settled."""

    count: int = 0
    lost: list[str] = field(default_factory=list)
    """Why windows of this pass have to be read again."""
    changed: anyio.Event = field(default_factory=anyio.Event)

    def taken(self) -> None:
        """Count a window as handed over."""
        self.count += 1

    def done(self, lost: str | None = None) -> None:
        """Count a window as settled, or as lost with the reason."""
        self.count -= 1
        self.lost += [lost] if lost else []
        self.changed.set()
        self.changed = anyio.Event()

    async def drained(self) -> None:
        """Wait until nothing is under way."""
        while self.count:
            await self.changed.wait()


@dataclass(slots=True)
class Parcel:
    """A window on its way to a writer, with the account of its DAG."""

    loaded: LoadedWindow
    in_flight: InFlight
    had_history: bool
    """Whether the target had runs of the DAG before the job."""
    taken: bool = False
    """Whether a writer has it, who then closes it."""


class Lane:
    """Reads DAGs one after the other and hands their windows over."""

    def __init__(self, reading: Reading, parcels: MemoryObjectSendStream[Parcel]) -> None:
        self._reading = reading
        self._parcels = parcels

    async def carry(self, dag: PlannedDag) -> str | None:
        """Read ``dag`` until it is whole; return why it is not, None if it is.

        Raises ``SideError`` when the source stops answering.
        """
        problem: str | None = None
        point = await self._start(dag)
        for _ in range(MOST_PASSES):
            problem = await self._pass(dag, point)
            if problem is None and point.fresh:
                forgotten = await self._reading.checkpoint.finish_pass(dag.dag_id, point.pass_number)
                self._reading.progress.forgot(dag.dag_id, forgotten)
                self._reading.progress.finished(dag.dag_id)
                return None
            self._reading.progress.again(dag.dag_id)
            point = await self._reading.checkpoint.restart_pass(dag.dag_id)
        return problem

    async def _start(self, dag: PlannedDag) -> ResumePoint:
        """Go on where the last run of the program stopped; "newest" has to be counted from the front."""
        point = await self._reading.checkpoint.resume_point(dag.dag_id)
        if not point.fresh and self._reading.selection.newest is not None:
            point = await self._reading.checkpoint.restart_pass(dag.dag_id)
        self._reading.progress.skipped(dag.dag_id, point.offset)
        return point

    async def _pass(self, dag: PlannedDag, point: ResumePoint) -> str | None:
        in_flight = InFlight()
        try:
            async with read_ahead() as ahead:
                return await self._walk(dag, point, DagReader(self._reading, dag.dag_id, point, ahead), in_flight)
        except DriftError as drift:
            await in_flight.drained()
            return drift.told

    async def _walk(self, dag: PlannedDag, point: ResumePoint, reader: DagReader, in_flight: InFlight) -> str | None:
        await self._carry_all(dag, reader.windows(), in_flight)
        shortfall = await self._shortfall(dag, reader, point, in_flight)
        for _ in range(MOST_FRONTS if point.fresh and not reader.was_instant else 0):
            await self._carry_all(dag, reader.front(), in_flight)
            shortfall = await self._shortfall(dag, reader, point, in_flight)
            if shortfall is None:
                break
        return shortfall

    async def _carry_all(self, dag: PlannedDag, windows: AsyncGenerator[LoadedWindow], in_flight: InFlight) -> None:
        """Hand over ``windows`` and wait until all of them are settled."""
        async with aclosing(windows):
            async for loaded in windows:
                await self._hand_over(Parcel(loaded, in_flight, had_history=dag.target_runs > 0))
        await in_flight.drained()

    async def _hand_over(self, parcel: Parcel) -> None:
        if not parcel.loaded.rows:
            await self._settle(parcel.loaded)
            return
        parcel.in_flight.taken()
        handed = False
        try:
            await self._parcels.send(parcel)
            handed = True
        finally:
            # A sender that is cancelled in the moment in which a writer takes its parcel does not hear that it did.
            if not handed and not parcel.taken:
                parcel.loaded.close()

    async def _settle(self, loaded: LoadedWindow) -> None:
        """Settle a window of which nothing has to be sent."""
        loaded.close()
        settlement = Tally(loaded).settlement()
        await self._reading.checkpoint.settle(settlement)
        self._reading.progress.settled(settlement)

    async def _shortfall(
        self, dag: PlannedDag, reader: DagReader, point: ResumePoint, in_flight: InFlight
    ) -> str | None:
        if in_flight.lost:
            return in_flight.lost[-1]
        if self._reading.selection.newest is not None:
            return None
        seen = await self._reading.checkpoint.seen_in_pass(dag.dag_id, point.pass_number)
        if seen < reader.run_count:
            return f"{seen} of {reader.run_count} runs seen"
        return None
