"""The main job: move what is planned, and say what became of it.

The task tree of one run of the program::

    run
    └── everything                     second signal, or the first one's time is over: cancelled
        ├── writer x WRITERS           in a berth: take a window, write it, mark it done
        └── reading                    first signal: cancelled; what was handed over is still written
            └── reader x DAG           in a lane: take a DAG, read it window by window
                └── loader x window            bring the pages of a window that is next, or soon

Readers and writers meet in a stream without capacity: a reader that is ahead waits. How many windows are held is
bounded by what the sides take at once just now: ``places`` for those that are read or ready, ``berths`` for those that
are written. The stream ends when the last reader is gone, and with it the writers.
"""

from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from transfer.checkpoint import Checkpoint, PlannedDag
from transfer.client.base import Source, Target
from transfer.client.limit import SideLimit
from transfer.config.settings import MOST_AT_ONCE, Settings
from transfer.engine.batch import Batcher
from transfer.engine.berths import Berth
from transfer.engine.ceiling import Ceiling
from transfer.engine.cut import Reading
from transfer.engine.ending import Ending
from transfer.engine.lane import Lane, Parcel
from transfer.engine.pace import Pace
from transfer.engine.reconcile import Reconciler
from transfer.engine.room import Room
from transfer.engine.stop import Stop
from transfer.engine.write import Writer
from transfer.errors import DriftError, UnavailableError, gravest
from transfer.mapping import Mapping
from transfer.progress import Progress

WRITERS = MOST_AT_ONCE
"""Tasks that wait for a berth: as many as there can ever be."""


@dataclass(frozen=True, slots=True)
class Job:
    """Everything one run of the program works with."""

    settings: Settings
    source: Source
    target: Target
    checkpoint: Checkpoint
    progress: Progress
    stop: Stop
    mapping: Mapping = field(kw_only=True)
    replace: bool = False
    """Whether runs that are marked for it are removed from the target and sent anew."""
    pace: Pace = field(default_factory=Pace)
    source_limit: SideLimit | None = None
    target_limit: SideLimit | None = None
    """What the sides take at once; those that their senders obey. None: what the settings say at the beginning."""
    ceiling: Ceiling = field(default_factory=Ceiling)


async def run(job: Job, dags: list[PlannedDag]) -> Ending:
    """Move ``dags`` and return how it ended; everything that was acknowledged is in the checkpoint then.

    The caller holds ``job.stop.everything`` as a scope around this. Raises the ``TransferError`` that ended it early;
    the job can be resumed after any of them.
    """
    ending = Ending()
    for dag in dags:
        job.progress.plan(dag.dag_id, dag.run_count)
    try:
        await _move(job, deque(dags), ending)
    except BaseExceptionGroup as failures:
        raise gravest(failures) from failures
    ending.stopped = job.stop.requested
    return ending


async def _move(job: Job, dags: deque[PlannedDag], ending: Ending) -> None:
    sender, receiver = anyio.create_memory_object_stream[Parcel](0)
    source = job.source_limit or SideLimit("source", job.settings.source.limits)
    target = job.target_limit or SideLimit("target", job.settings.target.limits)
    room = Room(source, target, job.settings.limits)
    reading = _reading(job, room, dags)
    writer = _writer(job, room)
    async with anyio.create_task_group() as writers:
        with receiver:
            for _ in range(WRITERS):
                writers.start_soon(_write_windows, job, writer, room, receiver.clone())
        with sender, job.stop.reading:
            async with anyio.create_task_group() as readers:
                for _ in range(min(MOST_AT_ONCE, len(dags))):
                    readers.start_soon(_read_dags, reading, sender.clone(), dags, ending)


def _reading(job: Job, room: Room, dags: deque[PlannedDag]) -> Reading:
    settings = job.settings
    return Reading(
        job.source,
        job.checkpoint,
        settings.selection,
        settings.limits,
        job.progress,
        replace=job.replace,
        pace=job.pace,
        room=room,
        waiting=dags,
    )


def _writer(job: Job, room: Room) -> Writer:
    limits = job.settings.limits
    batcher = Batcher(job.checkpoint.job_id, max_rows=limits.batch_rows, max_bytes=limits.batch_bytes)
    job.ceiling.bind(batcher)
    reconciler = Reconciler(job.target, slice_runs=limits.window_runs)
    return Writer(job.target, job.mapping, batcher, reconciler, job.progress, room.batches)


async def _read_dags(
    reading: Reading, parcels: MemoryObjectSendStream[Parcel], dags: deque[PlannedDag], ending: Ending
) -> None:
    with parcels:
        lane = Lane(reading, parcels)
        while dags:
            async with reading.room.lanes:
                if dags:  # another reader may have taken the last one meanwhile
                    await _read_dag(lane, reading, dags.popleft(), ending)


async def _read_dag(lane: Lane, reading: Reading, dag: PlannedDag, ending: Ending) -> None:
    try:
        problem = await lane.carry(dag)
    except UnavailableError as error:
        await reading.source.info()  # a source that is gone altogether ends the run; one DAG's trouble does not
        problem = error.told
    if problem is not None:
        ending.problems[dag.dag_id] = problem


async def _write_windows(job: Job, writer: Writer, room: Room, parcels: MemoryObjectReceiveStream[Parcel]) -> None:
    with parcels, suppress(anyio.EndOfStream):
        while True:
            async with room.berths.one() as berth:
                # No name for it here: whoever waits for the next window must not hold the last one.
                await _carry_out(job, writer, _weighed(await parcels.receive(), berth, room))


def _weighed(parcel: Parcel, berth: Berth, room: Room) -> Parcel:
    room.berths.weigh(berth, parcel.loaded.size / room.aim)
    return parcel


async def _carry_out(job: Job, writer: Writer, parcel: Parcel) -> None:
    parcel.taken = True
    lost: str | None = "the run of the program ended"
    try:
        await _write(job, writer, parcel)
        lost = None
    except DriftError as drift:
        job.progress.drifts += 1
        lost = drift.told
    finally:
        parcel.loaded.close()
        parcel.in_flight.done(lost)


async def _write(job: Job, writer: Writer, parcel: Parcel) -> None:
    """Claim, write, mark: what is on the target of a claimed run that was not there before can only be ours.

    Raises ``DriftError`` if a later window, which found one of the runs in another place, was faster.
    """
    loaded = parcel.loaded
    await writer.check(loaded)
    held = await writer.held(loaded) if parcel.had_history or loaded.in_doubt else set()
    claims, remembered = loaded.claims(held), loaded.remembered(loaded.ids_to_move)
    if not await job.checkpoint.cut(loaded.window, claims, remembered):
        raise DriftError(f"source: DAG {loaded.window.dag_id} moved while it was read: a run came in two windows")
    settlement = await writer.write(loaded, held)
    await job.checkpoint.settle(settlement)
    job.progress.settled(settlement)
