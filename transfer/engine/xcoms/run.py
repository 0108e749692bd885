"""Move the XComs of all runs that were moved.

::

    run
    └── everything                   second signal, or the first one's time is over: cancelled
        ├── worker x xcoms_at_once   take a task instance, carry its XComs, remember it
        └── reading                  first signal: cancelled; what is under way is still finished
            ├── walkers              find the runs again (engine/attached)
            └── finder x FINDERS     take a run, find out which of its task instances have any, hand these over

A run is remembered when it is done. One with very many task instances is remembered now and then until it is.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from transfer.checkpoint import Checkpoint
from transfer.checkpoint.attached import piece_name
from transfer.client.xcoms import TaskName, XComs
from transfer.config.settings import Settings
from transfer.engine.attached.lanes import AttachedEnding, walk_all
from transfer.engine.attached.record import Recorder
from transfer.engine.attached.walk import FOUND, OURS, MovedRun, Walking
from transfer.engine.pace import Pace
from transfer.engine.stop import Stop
from transfer.engine.xcoms.account import Account
from transfer.engine.xcoms.capacity import XComCapacity
from transfer.engine.xcoms.carrier import Carried, Carrier, Fate
from transfer.engine.xcoms.holders import Holders
from transfer.engine.xcoms.side import XComSide
from transfer.errors import gravest
from transfer.kinds import TASK_INSTANCES
from transfer.model import Attached, Counts
from transfer.progress import Progress

KIND: Final = Attached.XCOMS
FINDERS: Final = 6
"""Runs of which the list is asked for, or whose task instances are handed over, at once."""

REMEMBERED: Final = 200
"""Task instances of one run after which what became of them is stored before the run is done."""


@dataclass(frozen=True, slots=True)
class Job:
    """Everything one run over the XComs works with.

    ``found`` takes the runs as well that the target had before; ``doubtful`` sends also what Starship seems to have
    changed. With ``again`` runs are taken up again of which something was refused, and what they have there already
    is not counted anew.
    """

    settings: Settings
    source: XComSide
    target: XComSide
    checkpoint: Checkpoint
    progress: Progress
    stop: Stop
    capacity: XComCapacity
    pace: Pace = field(default_factory=Pace)
    found: bool = False
    doubtful: bool = False
    again: bool = False


@dataclass(frozen=True, slots=True)
class _Parcel:
    """One task instance on its way to a worker, with the account of its run."""

    task: TaskName
    account: Account


async def move_xcoms(job: Job) -> AttachedEnding:
    """Move what is not done, and return how it ended; what arrived is in the checkpoint then.

    The caller holds ``job.stop.everything`` as a scope around this. Raises the ``TransferError`` that ended it early;
    it can be resumed after any of them.
    """
    ending = AttachedEnding()
    if job.again:
        await job.checkpoint.take_up_again(KIND)
    wanted = OURS | FOUND if job.found else OURS
    for dag_id, runs in (await job.checkpoint.runs_left(KIND, wanted)).items():
        job.progress.plan(dag_id, runs)
    walking = Walking(
        job.source, job.checkpoint, job.settings.limits, job.pace, KIND, wanted, children=(TASK_INSTANCES,)
    )
    try:
        async with _work(job) as work:
            await _move(work, walking, ending)
    except BaseExceptionGroup as failures:
        raise gravest(failures) from failures
    ending.stopped = job.stop.requested
    return ending


@asynccontextmanager
async def _work(job: Job) -> AsyncIterator["_Work"]:
    work = _Work(job, await job.source.xcoms(), await job.target.xcoms())
    try:
        yield work
    finally:
        with anyio.CancelScope(shield=True):
            await work.store_rest()


async def _move(work: "_Work", walking: Walking, ending: AttachedEnding) -> None:
    sender, receiver = anyio.create_memory_object_stream[_Parcel](0)
    found, runs = anyio.create_memory_object_stream[MovedRun](0)
    async with anyio.create_task_group() as workers:
        with receiver:
            for _ in range(work.job.settings.limits.xcoms_at_once):
                workers.start_soon(work.carry, receiver.clone())
        with sender, runs, work.job.stop.reading:
            async with anyio.create_task_group() as finders:
                finders.start_soon(walk_all, walking, found, ending)
                for _ in range(FINDERS):
                    finders.start_soon(work.find, runs.clone(), sender)


class _Work:
    """What becomes of runs and of their task instances."""

    def __init__(self, job: Job, source: XComs, target: XComs) -> None:
        self.job = job
        asks = job.source.info, job.target.info
        self._holders = Holders(source, job.source.info)
        self._carrier = Carrier(source, target, job.capacity, asks, doubtful=job.doubtful)
        self._recorder = Recorder(job.checkpoint, KIND)
        self._open: dict[int, Account] = {}

    async def find(self, runs: MemoryObjectReceiveStream[MovedRun], parcels: MemoryObjectSendStream[_Parcel]) -> None:
        """Hand over the task instances of one run after the other."""
        with runs:
            async for run in runs:
                await self._hand_over(run, parcels)

    async def _hand_over(self, run: MovedRun, parcels: MemoryObjectSendStream[_Parcel]) -> None:
        await self.job.pace.open()
        tasks = [task for task in await self._holders.of(run) if piece_name(task.key) not in run.pieces]
        account = Account(run, len(tasks))
        if not tasks:
            await self._store(account)
            return
        self._open[id(account)] = account
        for task in tasks:
            await self.job.pace.open()
            await parcels.send(_Parcel(task, account))

    async def carry(self, parcels: MemoryObjectReceiveStream[_Parcel]) -> None:
        """Carry task instances until there are no more."""
        with parcels, suppress(anyio.EndOfStream):
            while True:
                parcel = await parcels.receive()
                carried = await self._carrier.carry(parcel.task)
                if self.job.again:
                    del carried.counts[Fate.ALREADY]
                parcel.account.note(parcel.task, carried)
                self._count(parcel.task.dag_id, carried)
                if not parcel.account.left or len(parcel.account.pieces) >= REMEMBERED:
                    await self._store(parcel.account)

    async def store_rest(self) -> None:
        """Store what is not stored of runs that could not be brought to their end."""
        for account in list(self._open.values()):
            await self._store(account)

    async def _store(self, account: Account) -> None:
        if not account.left:
            self._open.pop(id(account), None)
            self.job.progress.dags[account.run.dag_id].runs_seen += 1
        step = account.step()
        if step is not None:
            await self._recorder.record(step)

    def _count(self, dag_id: str, carried: Carried) -> None:
        progress, counts = self.job.progress, carried.counts
        rows = Counts(moved=counts[Fate.MOVED], already=counts[Fate.ALREADY], rejected=len(carried.refused))
        progress.rows[KIND.value] = progress.rows.get(KIND.value, Counts()) + rows
        progress.sent(dag_id, rows.moved)
