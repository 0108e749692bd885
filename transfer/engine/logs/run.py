"""Move the logs of all runs that were moved.

::

    run
    └── everything                   second signal, or the first one's time is over: cancelled
        ├── worker x 2 logs_at_once  take a log, copy it, remember it
        └── reading                  first signal: cancelled; logs under way are still finished
            ├── walkers              find the runs again (engine/attached)
            └── the rest of this     take a run, hand over its logs, each when there is a slot

A log is remembered by itself until its run is done; a run with a log that was refused is not, and that one is tried
again by the next run of the program.
"""

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from transfer.checkpoint import AttachedStep, Checkpoint
from transfer.checkpoint.attached import piece_name
from transfer.client.logs import LogName
from transfer.config.settings import Settings
from transfer.engine.attached.lanes import AttachedEnding, walk_all
from transfer.engine.attached.record import Recorder
from transfer.engine.attached.walk import FOUND, OURS, MovedRun, Walking
from transfer.engine.logs.capacity import LogCapacity
from transfer.engine.logs.copier import Copier, Fate, LogRefusedError
from transfer.engine.logs.side import LogSide
from transfer.engine.logs.tries import logs_of
from transfer.engine.pace import Pace
from transfer.engine.stop import Stop
from transfer.errors import gravest
from transfer.model import Attached, Counts, RejectedRow
from transfer.progress import Progress

KIND = Attached.TASK_LOGS
BYTES = "bytes"
"""The name under which the bytes of moved logs are counted."""


@dataclass(frozen=True, slots=True)
class Job:
    """Everything one run over the logs works with.

    ``found`` takes the runs as well that the target had before; ``verify`` reads back what was sent.
    """

    settings: Settings
    source: LogSide
    target: LogSide
    checkpoint: Checkpoint
    progress: Progress
    stop: Stop
    capacity: LogCapacity
    pace: Pace = field(default_factory=Pace)
    found: bool = False
    verify: bool = False


@dataclass(slots=True)
class _OfRun:
    """The logs of one run: how many are not settled yet, and whether one was refused."""

    run: MovedRun
    left: int
    refused: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class _Parcel:
    """One log on its way to a worker, with the account of its run."""

    name: LogName
    account: _OfRun


async def move_logs(job: Job) -> AttachedEnding:
    """Move what is not done, and return how it ended; what arrived is in the checkpoint then.

    The caller holds ``job.stop.everything`` as a scope around this. Raises the ``TransferError`` that ended it early;
    it can be resumed after any of them.
    """
    ending = AttachedEnding()
    wanted = OURS | FOUND if job.found else OURS
    for dag_id, runs in (await job.checkpoint.runs_left(KIND, wanted)).items():
        job.progress.plan(dag_id, runs)
    walking = Walking(job.source, job.checkpoint, job.settings.limits, job.pace, KIND, wanted)
    try:
        await _move(_Work(job), walking, ending)
    except BaseExceptionGroup as failures:
        raise gravest(failures) from failures
    ending.stopped = job.stop.requested
    return ending


async def _move(work: "_Work", walking: Walking, ending: AttachedEnding) -> None:
    sender, receiver = anyio.create_memory_object_stream[_Parcel](0)
    found, runs = anyio.create_memory_object_stream[MovedRun](0)
    async with anyio.create_task_group() as workers:
        with receiver:
            for _ in range(2 * work.job.settings.limits.logs_at_once):
                workers.start_soon(work.carry, receiver.clone())
        with sender, runs, work.job.stop.reading:
            async with anyio.create_task_group() as walkers:
                walkers.start_soon(walk_all, walking, found, ending)
                async for run in runs:
                    await work.hand_over(run, sender)


class _Work:
    """What becomes of runs and of their logs."""

    def __init__(self, job: Job) -> None:
        self.job = job
        source, target = job.source.task_logs(), job.target.task_logs()
        asks = job.source.info, job.target.info
        self._copier = Copier(source, target, job.capacity, asks, verify=job.verify)
        self._recorder = Recorder(job.checkpoint, KIND)
        self._slots = anyio.CapacityLimiter(job.settings.limits.logs_at_once)

    async def hand_over(self, run: MovedRun, parcels: MemoryObjectSendStream[_Parcel]) -> None:
        """Hand over the logs of a run that are not settled yet."""
        names = [name for name in logs_of(run) if piece_name(name.key) not in run.pieces]
        account = _OfRun(run, len(names))
        if not names:
            await self._recorder.record(AttachedStep(run.dag_id, run.run_id, done=True))
            self._count(account, Counter(), 0)
        for name in names:
            parcel = _Parcel(name, account)
            # Given back by whoever copies it; on the way there only a stop comes in between, and then nobody waits.
            await self._slots.acquire_on_behalf_of(parcel)
            await self.job.pace.open()
            await parcels.send(parcel)

    async def carry(self, parcels: MemoryObjectReceiveStream[_Parcel]) -> None:
        """Copy logs until there are no more."""
        with parcels, suppress(anyio.EndOfStream):
            while True:
                await self._settle(await parcels.receive())

    async def _settle(self, parcel: _Parcel) -> None:
        counts: Counter[str] = Counter()
        rejected = []
        try:
            fate, size = await self._copy(parcel)
        except LogRefusedError as refusal:
            rejected.append(_rejected(parcel.name, refusal.told))
        else:
            counts[fate.value] = 1
            counts[BYTES] = size
        finally:
            self._slots.release_on_behalf_of(parcel)  # while it is remembered, another one may be copied
        await self._store(parcel, counts, rejected)

    async def _copy(self, parcel: _Parcel) -> tuple[Fate, int]:
        """Copy a log; one of a run that we did not write only once nothing is there, which is ours from then on."""
        run, name = parcel.account.run, parcel.name
        begun = f"begun {name.key}"
        if run.outcome in OURS or piece_name(begun) in run.pieces:
            return await self._copier.copy(name)

        async def claim() -> None:
            await self._recorder.record(AttachedStep(run.dag_id, run.run_id, [begun]))

        return await self._copier.copy(name, claim)

    async def _store(self, parcel: _Parcel, counts: Counter[str], rejected: list[RejectedRow]) -> None:
        account, run = parcel.account, parcel.account.run
        account.refused |= bool(rejected)
        account.left -= 1
        done = not account.left and not account.refused
        keys = [] if rejected else [parcel.name.key]
        await self._recorder.record(AttachedStep(run.dag_id, run.run_id, keys, counts, rejected, done))
        self._count(account, counts, len(rejected))

    def _count(self, account: _OfRun, counts: Counter[str], rejected: int) -> None:
        progress, dag_id = self.job.progress, account.run.dag_id
        moved = Counts(moved=counts[Fate.MOVED], already=counts[Fate.ALREADY], rejected=rejected)
        progress.rows[KIND.value] = progress.rows.get(KIND.value, Counts()) + moved
        progress.sent(dag_id, moved.moved)
        progress.bytes_sent += counts[BYTES]
        if not account.left:
            dag = progress.dags[dag_id]
            dag.runs_seen += 1
            dag.finished = dag.runs_seen >= dag.run_count


def _rejected(name: LogName, reason: str) -> RejectedRow:
    return RejectedRow(KIND.value, name.dag_id, name.run_id, name.key, reason)
