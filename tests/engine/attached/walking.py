"""Jobs that have moved a history in memory, for whoever goes over it again."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio

from tests.engine.local import local_settings, move
from tests.engine.reading import TableSide
from tests.engine.tables import empty_like
from transfer.checkpoint import AttachedStep, Checkpoint, Job
from transfer.config.settings import Limits
from transfer.emulator import TableHistory
from transfer.engine.attached.lanes import AttachedEnding, walk_all
from transfer.engine.attached.walk import MovedRun, Walking
from transfer.engine.pace import Pace
from transfer.model import Attached

LOGS = Attached.TASK_LOGS


@asynccontextmanager
async def moved(state_dir: Path, source: TableHistory, target: TableHistory | None = None) -> AsyncIterator[Checkpoint]:
    """Move ``source``, and open the checkpoint of the job that did."""
    settings = local_settings(state_dir)
    await move(TableSide(source), TableSide(target or empty_like(source)), settings)
    async with Checkpoint.open(settings.state_dir, Job(settings.source.url, settings.target.url, "{}")) as checkpoint:
        yield checkpoint


def walking(checkpoint: Checkpoint, side: TableSide, *, window_runs: int = 4, **changes: Any) -> Walking:
    """Return what a walk over task logs needs, in slices of few runs."""
    return Walking(side, checkpoint, Limits(window_runs=window_runs), Pace(), LOGS, **changes)


async def walk(of: Walking, *, done: bool = False) -> tuple[list[MovedRun], AttachedEnding]:
    """Return all that is handed over and how it ended; with ``done`` each run is marked as done at once."""
    ending, runs = AttachedEnding(), list[MovedRun]()
    sender, receiver = anyio.create_memory_object_stream[MovedRun](0)
    async with anyio.create_task_group() as group, receiver:
        group.start_soon(walk_all, of, sender, ending)
        async for run in receiver:
            runs.append(run)
            if done:
                await of.checkpoint.attach(of.kind, [AttachedStep(run.dag_id, run.run_id, done=True)])
    return runs, ending


def names(runs: Iterable[MovedRun]) -> list[str]:
    """Return the runs by name."""
    return sorted(run.run_id for run in runs)
