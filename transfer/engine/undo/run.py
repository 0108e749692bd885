"""Undo a job: first look, then remove.

::

    undo
    └── everything                     second signal, or the first one's time is over: cancelled
        ├── remover x LANES            take some runs, claim them, remove them, forget them
        └── reading                    first signal: cancelled; removals under way are still brought to their end
            └── lane x LANES           take a DAG, walk it, hand over some runs and wait until they are done

A lane waits because removals move what is behind them on the target: it would look for its place in vain.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from transfer.checkpoint.undoing import Undoing, Written
from transfer.client.base import Source, Target
from transfer.config.settings import Settings
from transfer.engine.ending import Ending
from transfer.engine.pace import Pace
from transfer.engine.stop import Stop
from transfer.engine.undo.judge import Judge, Removal
from transfer.engine.undo.remove import Batch, Remover
from transfer.engine.undo.walk import Walk, Walking
from transfer.errors import DriftError, UnavailableError, gravest
from transfer.mapping import Mapping as VersionMapping
from transfer.progress import Progress

LANES: Final = 4
"""DAGs that are walked at once."""

MOST_WALKS: Final = 3
"""Walks over a DAG until runs that are met nowhere count as gone: one that is cleared meanwhile moves to the front."""


@dataclass(frozen=True, slots=True)
class Job:
    """Everything one undo works with; ``delete_gone`` takes those runs, too, that the source has no more."""

    settings: Settings
    source: Source
    target: Target
    undoing: Undoing
    progress: Progress
    stop: Stop
    mapping: VersionMapping = field(kw_only=True)
    pace: Pace = field(default_factory=Pace)
    delete_gone: bool = False


@dataclass(slots=True)
class DagUndone:
    """What an undo found of one DAG, or did to it, in runs.

    ``removed`` are those that are removed, or would be; ``gone`` those that the target has no more without that;
    ``left`` the others, with the reason.
    """

    removed: int = 0
    gone: int = 0
    left: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class UndoEnding(Ending):
    """How an undo ended, DAG by DAG."""

    dags: dict[str, DagUndone] = field(default_factory=dict)


async def look(job: Job, dags: Mapping[str, Written]) -> UndoEnding:
    """Return what an undo of ``dags`` would do; writes nothing on either side nor in the checkpoint.

    The caller holds ``job.stop.everything`` as a scope around this. Raises the ``TransferError`` that ended it early.
    """
    lanes = _Lanes(job, dags)
    return await lanes.ended(partial(_each, lanes, partial(_look_at, lanes)))


async def undo(job: Job, dags: Mapping[str, Written]) -> UndoEnding:
    """Remove what this job wrote of ``dags`` and return how it ended; what was removed is in the checkpoint then.

    The caller holds ``job.stop.everything`` as a scope around this. Raises the ``TransferError`` that ended it early;
    the undo can be resumed after any of them.
    """
    lanes = _Lanes(job, dags)
    return await lanes.ended(partial(_removing, lanes))


@dataclass(slots=True)
class _Parcel:
    """A batch on its way to a remover; ``failure`` is what became of it if that is not known."""

    batch: Batch
    done: anyio.Event = field(default_factory=anyio.Event)
    failure: UnavailableError | None = None


class _Lanes:
    """What all lanes share."""

    def __init__(self, job: Job, dags: Mapping[str, Written]) -> None:
        self.job = job
        self.ending = UndoEnding(dags={dag_id: DagUndone() for dag_id in dags})
        self.dag_ids = deque(dags)
        judge = Judge(job.mapping, delete_gone=job.delete_gone)
        size = job.settings.limits.window_runs
        self.walking = Walking(job.source, job.target, job.undoing, judge, job.pace, size)
        for dag_id, written in dags.items():
            job.progress.plan(dag_id, written.ours)

    async def ended(self, work: Callable[[], Awaitable[None]]) -> UndoEnding:
        """Do ``work`` and return how it ended; raises the gravest of its failures."""
        try:
            await work()
        except BaseExceptionGroup as failures:
            raise gravest(failures) from failures
        self.ending.stopped = self.job.stop.requested
        return self.ending

    def count(self, batch: Batch) -> None:
        """Count what became of a batch, also if whoever handed it over was stopped meanwhile."""
        found = self.ending.dags[batch.dag_id]
        found.removed += len(batch.removed)
        found.left.update(batch.kept)


async def _removing(lanes: _Lanes) -> None:
    job = lanes.job
    remover = Remover(job.target, job.undoing, job.progress, job.stop, job.pace)
    sender, receiver = anyio.create_memory_object_stream[_Parcel](0)

    async def undo_dag(dag_id: str) -> None:
        await _Dag(lanes, dag_id, sender).undo()

    async with anyio.create_task_group() as removers:
        with receiver:
            for _ in range(LANES):
                removers.start_soon(_take, lanes, remover, receiver.clone())
        with sender:
            await _each(lanes, undo_dag)


async def _each(lanes: _Lanes, treat: Callable[[str], Awaitable[None]]) -> None:
    """Treat every DAG, several at once, until it is to stop."""
    with lanes.job.stop.reading:
        async with anyio.create_task_group() as group:
            for _ in range(min(LANES, len(lanes.dag_ids))):
                group.start_soon(_lane, lanes, treat)


async def _take(lanes: _Lanes, remover: Remover, parcels: MemoryObjectReceiveStream[_Parcel]) -> None:
    with parcels, suppress(anyio.EndOfStream):
        while True:
            parcel = await parcels.receive()
            try:
                await remover.remove(parcel.batch)
            except UnavailableError as error:
                parcel.failure = error
            finally:
                lanes.count(parcel.batch)
                parcel.done.set()


async def _lane(lanes: _Lanes, treat: Callable[[str], Awaitable[None]]) -> None:
    while lanes.dag_ids:
        dag_id = lanes.dag_ids.popleft()
        try:
            await treat(dag_id)
        except UnavailableError as error:
            side = lanes.job.source if error.side == "source" else lanes.job.target
            await side.info()  # a side that is gone altogether ends it all; one DAG's trouble does not
            lanes.ending.problems[dag_id] = error.told
        except DriftError as drift:
            lanes.ending.problems[dag_id] = drift.told


async def _look_at(lanes: _Lanes, dag_id: str) -> None:
    walk, found = Walk(lanes.walking, dag_id), lanes.ending.dags[dag_id]
    progress = lanes.job.progress.dags[dag_id]
    async with aclosing(walk.removals()) as batches:
        async for removals in batches:
            found.removed += len(removals)
            progress.runs_seen += len(removals)
            lanes.job.progress.sent(dag_id, len(removals))
    found.left = walk.left
    found.gone = max(progress.run_count - walk.met, 0)
    lanes.job.progress.finished(dag_id)


class _Dag:
    """The undo of one DAG."""

    def __init__(self, lanes: _Lanes, dag_id: str, parcels: MemoryObjectSendStream[_Parcel]) -> None:
        self._lanes = lanes
        self._dag_id = dag_id
        self._parcels = parcels
        self._found = lanes.ending.dags[dag_id]

    async def undo(self) -> None:
        """Remove what is to be removed, and forget what is not there; raises as ``Walk.removals`` does."""
        undoing = self._lanes.job.undoing
        await undoing.begin(self._dag_id)
        for _ in range(MOST_WALKS):
            before = self._settled
            await self._walk()
            if self._settled == before or not await undoing.ours_beside(self._dag_id, self._found.left):
                self._found.gone = await undoing.finish(self._dag_id, self._found.left)
                self._lanes.job.progress.finished(self._dag_id)
                return
        raise DriftError(f"target: DAG {self._dag_id}: its runs move faster than they can be found", hint=_MOVING)

    @property
    def _settled(self) -> int:
        """Return how many runs were met so far that need nothing more."""
        return self._found.removed + len(self._found.left)

    async def _walk(self) -> None:
        walk = Walk(self._lanes.walking, self._dag_id)
        try:
            async with aclosing(walk.removals()) as batches:
                async for removals in batches:
                    walk.removed(await self._removed(removals))
        finally:
            self._found.left.update(walk.left)

    async def _removed(self, removals: list[Removal]) -> int:
        """Have runs removed, after a pause if need be, and return how many were."""
        removed = 0
        while removals:
            await self._lanes.job.pace.open()
            parcel = _Parcel(Batch(self._dag_id, removals))
            await self._parcels.send(parcel)
            await parcel.done.wait()
            if parcel.failure is not None:
                raise parcel.failure
            removed += len(parcel.batch.removed)
            removals = parcel.batch.rest
        return removed


_MOVING: Final = "pause the DAG on the target, then run the undo again"
