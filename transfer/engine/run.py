"""The main job: move what is planned, and say what became of it.

The task tree of one run of the program::

    run
    └── everything                     second signal, or the first one's time is over: cancelled
        ├── writer x target.concurrency    take a window, write it, mark it done
        └── reading                    first signal: cancelled; what was handed over is still written
            └── reader x source.concurrency    take a DAG, read it window by window

Readers and writers meet in a stream without capacity: a reader that is ahead waits, so memory holds at most one window
per task. The stream ends when the last reader is gone, and with it the writers.
"""

from collections import deque
from dataclasses import dataclass

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from transfer.checkpoint import Checkpoint, PlannedDag
from transfer.client.base import Source, Target
from transfer.config.settings import Settings
from transfer.engine.batch import Batcher
from transfer.engine.ending import Ending
from transfer.engine.lane import Lane, Parcel
from transfer.engine.read import Reading
from transfer.engine.reconcile import Reconciler
from transfer.engine.stop import Stop
from transfer.engine.write import Writer
from transfer.errors import DriftError, UnavailableError, gravest
from transfer.progress import Progress


@dataclass(frozen=True, slots=True)
class Job:
    """Everything one run of the program works with."""

    settings: Settings
    source: Source
    target: Target
    checkpoint: Checkpoint
    progress: Progress
    stop: Stop
    replace: bool = False
    """Whether runs that are marked for it are removed from the target and sent anew."""


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
    writer = _writer(job)
    settings = job.settings
    reading = Reading(
        job.source, job.checkpoint, settings.selection, settings.limits, job.progress, replace=job.replace
    )
    async with anyio.create_task_group() as writers:
        with receiver:
            for _ in range(job.settings.target.limits.concurrency):
                writers.start_soon(_write_windows, job, writer, receiver.clone())
        with sender, job.stop.reading:
            async with anyio.create_task_group() as readers:
                for _ in range(job.settings.source.limits.concurrency):
                    readers.start_soon(_read_dags, reading, sender.clone(), dags, ending)


def _writer(job: Job) -> Writer:
    limits = job.settings.limits
    batcher = Batcher(job.checkpoint.job_id, max_rows=limits.batch_rows, max_bytes=limits.batch_bytes)
    return Writer(job.target, batcher, Reconciler(job.target, slice_runs=limits.window_runs), job.progress)


async def _read_dags(
    reading: Reading, parcels: MemoryObjectSendStream[Parcel], dags: deque[PlannedDag], ending: Ending
) -> None:
    with parcels:
        lane = Lane(reading, parcels)
        while dags:
            dag = dags.popleft()
            try:
                problem = await lane.carry(dag)
            except UnavailableError as error:
                await reading.source.info()  # a source that is gone altogether ends the run; one DAG's trouble does not
                problem = error.told
            if problem is not None:
                ending.problems[dag.dag_id] = problem


async def _write_windows(job: Job, writer: Writer, parcels: MemoryObjectReceiveStream[Parcel]) -> None:
    with parcels:
        async for parcel in parcels:
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
