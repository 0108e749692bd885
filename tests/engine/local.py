"""Jobs between two sides in memory, without HTTP: for what has to be looked at from inside."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from transfer.checkpoint import Checkpoint, Job
from transfer.config.settings import Endpoint, Limits, NoAuth, Settings, SideLimits
from transfer.engine import run as engine
from transfer.engine.ending import Ending
from transfer.engine.pace import Pace
from transfer.engine.plan import make_plan
from transfer.engine.stop import Stop
from transfer.progress import Progress

from .reading import TableSide

READERS, WRITERS = 2, 3


def local_settings(state_dir: Path, **limits: Any) -> Settings:
    """Return settings for sides that are never connected to."""
    nobody = NoAuth(kind="none")
    return Settings(
        source=Endpoint(url="http://source", auth=nobody, limits=SideLimits(concurrency=READERS)),
        target=Endpoint(url="http://target", auth=nobody, limits=SideLimits(concurrency=WRITERS)),
        limits=Limits(**limits),
        state_dir=state_dir / "state",
    )


def as_it_is(checkpoint: Checkpoint) -> Checkpoint:
    """Return the checkpoint itself."""
    return checkpoint


async def move(
    source: TableSide,
    target: TableSide,
    settings: Settings,
    *,
    watched: Callable[[Checkpoint], Any] = as_it_is,
    replace: bool = False,
    pace: Pace | None = None,
) -> Ending:
    """Run the program once; ``watched`` may put something in front of the checkpoint."""
    identity = Job(settings.source.url, settings.target.url, "{}")
    async with Checkpoint.open(settings.state_dir, identity) as checkpoint:
        plan = await make_plan(source, target, settings.selection)
        await checkpoint.store_plan(plan.dags)
        stop = Stop()
        job = engine.Job(
            settings,
            source,
            target,
            watched(checkpoint),
            Progress(),
            stop,
            mapping=plan.mapping,
            replace=replace,
            pace=pace or Pace(),
        )
        with stop.everything:
            return await engine.run(job, plan.dags)
    return Ending(stopped=True)
