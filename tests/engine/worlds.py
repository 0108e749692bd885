"""Whole jobs between two emulators: real HTTP, a real checkpoint, waits of a few milliseconds."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from transfer.checkpoint import Checkpoint, Job, Totals
from transfer.client.stack import open_side
from transfer.config.settings import Auth, Endpoint, Limits, NoAuth, Retry, Selection, Settings, SideLimits
from transfer.emulator import Behaviour, Emulator, History, Open, compare
from transfer.engine import run as engine
from transfer.engine.ending import Ending
from transfer.engine.plan import make_plan, make_ready
from transfer.engine.stop import Stop
from transfer.kinds import DAG_RUNS, KINDS
from transfer.model import Outcome
from transfer.progress import Progress
from transfer.report import by_kind


class Watched:
    """A side that counts the child pages that it gave out and that nobody has closed."""

    def __init__(self, side: Any) -> None:
        self._side = side
        self.open_pages = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._side, name)

    async def children(self, *args: Any, **named: Any) -> Any:
        """Give out a page."""
        page = await self._side.children(*args, **named)
        self.open_pages += 1
        return WatchedPage(page, self)


class WatchedPage:
    """A page that tells its side when it is closed."""

    def __init__(self, page: Any, side: Watched) -> None:
        self._page = page
        self._side = side
        self._closed = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._page, name)

    def close(self) -> None:
        """Close the page."""
        self._side.open_pages -= not self._closed
        self._closed = True
        self._page.close()


RETRY = Retry(attempts=4, wait_initial=0.001, wait_max=0.002, retry_after_max=0.002)
"""Patience that tests can afford."""

NOBODY = NoAuth(kind="none")


@dataclass(slots=True)
class World:
    """Two deployments and a state directory; every ``run`` is one run of the program."""

    source: Emulator
    target: Emulator
    settings: Settings
    stop: Stop = field(default_factory=Stop)
    progress: Progress = field(default_factory=Progress)
    probes: bool = False
    """Whether a run finds out how the target's database takes dates, which is one POST."""
    open_pages: int = 0
    """Pages that the last run left open."""

    async def run(self, stop: Stop | None = None, *, replace: bool = False) -> Ending:
        """Plan and move; the counters and the stop are new each time."""
        self.stop = stop or Stop()
        self.progress = Progress()
        async with self.checkpoint() as checkpoint, self.sides() as (source, target):
            plan = await make_plan(source, target, self.settings.selection)
            if self.probes:
                plan = await make_ready(plan, target)
            await checkpoint.store_plan(plan.dags)
            job = engine.Job(
                self.settings,
                source,
                target,
                checkpoint,
                self.progress,
                self.stop,
                mapping=plan.mapping,
                replace=replace,
            )
            with self.stop.everything:
                return await engine.run(job, plan.dags)
            return Ending(stopped=True)

    @asynccontextmanager
    async def checkpoint(self) -> AsyncIterator[Checkpoint]:
        """Open the job's checkpoint."""
        selection = self.settings.selection.model_dump_json()
        job = Job(self.settings.source.url, self.settings.target.url, selection)
        async with Checkpoint.open(self.settings.state_dir, job) as checkpoint:
            yield checkpoint

    @asynccontextmanager
    async def sides(self) -> AsyncIterator[tuple[Any, Any]]:
        """Open both deployments."""
        retry, limits = self.settings.retry, self.settings.limits
        async with (
            open_side("source", self.settings.source, retry, limits) as source,
            open_side("target", self.settings.target, retry, limits) as target,
        ):
            watched = Watched(source), Watched(target)
            try:
                yield watched
            finally:
                self.open_pages = sum(side.open_pages for side in watched)

    async def totals(self) -> Totals:
        """Return what the checkpoint has counted over all runs of the program."""
        async with self.checkpoint() as checkpoint:
            return await checkpoint.totals()

    async def outcomes(self, *run_ids: str, dag_id: str) -> list[Outcome]:
        """Return what the checkpoint remembers of runs."""
        async with self.checkpoint() as checkpoint:
            known = await checkpoint.recall(dag_id, run_ids)
        return [known[run_id].outcome for run_id in run_ids]

    async def moved(self) -> dict[str, int]:
        """Return the moved rows of each kind as the checkpoint counts them."""
        return {kind: counts.moved for kind, counts in by_kind(await self.totals()).items()}

    def posts(self) -> int:
        """Return how many batches were sent to the target so far."""
        return sum(len(self.target.asked("POST", kind.route)) for kind in KINDS)

    def differences(self) -> list[Any]:
        """Return how the target differs from the finished runs of the source."""
        return compare(self.source.history, self.target.history)


def stored(history: History) -> dict[str, int]:
    """Return the rows of each kind in a history."""
    counts = dict.fromkeys((kind.name for kind in KINDS), 0)
    for dag_id in history.dag_ids():
        for run in history.runs(dag_id):
            counts[DAG_RUNS.name] += 1
            for kind in KINDS[1:]:
                counts[kind.name] += len(history.children(kind, dag_id, run["run_id"]))
    return counts


def behaviour(**changes: Any) -> Behaviour:
    """Return a server that lets everybody in and keeps its connections."""
    values: dict[str, Any] = {"door": Open(), "exact": False, "keep_alive": True}
    return Behaviour(**values | changes)


@asynccontextmanager
async def world(
    state_dir: Path,
    source: History,
    target: History,
    *,
    behaviours: tuple[Behaviour, Behaviour] | None = None,
    **settings: Any,
) -> AsyncIterator[World]:
    """Start both deployments; ``settings`` are fields of ``Limits`` and ``Selection``, or a whole ``retry``."""
    of_source, of_target = behaviours or (behaviour(), behaviour())
    async with Emulator(source, of_source) as left, Emulator(target, of_target) as right:
        limits = {name: settings.pop(name) for name in list(settings) if name in Limits.model_fields}
        retry = settings.pop("retry", RETRY)
        yield World(
            left,
            right,
            Settings(
                source=endpoint(left.url),
                target=endpoint(right.url),
                selection=Selection(**settings),
                limits=Limits(**limits),
                retry=retry,
                state_dir=state_dir / "state",
            ),
        )


def endpoint(url: str, auth: Auth = NOBODY) -> Endpoint:
    """Return a deployment of which little is asked at once."""
    return Endpoint(url=url, auth=auth, limits=SideLimits(concurrency=3), read_timeout=5)


class SmallDoor(Open):
    """A proxy in front of a server that takes bodies up to ``most`` bytes."""

    def __init__(self, most: int) -> None:
        self._most = most

    def refuse(self, request: web.Request) -> web.Response | None:
        """Answer 413 to a larger one."""
        large = (request.content_length or 0) > self._most
        return web.Response(status=413, text="Request Entity Too Large") if large else None


def small(most: int) -> Behaviour:
    """Return a server behind a proxy that takes bodies up to ``most`` bytes."""
    return behaviour(door=SmallDoor(most))
