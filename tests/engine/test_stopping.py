"""Stopping at any moment, softly or at once, and going on."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio
import pytest

from transfer.emulator import Exchange, Rule, Stall
from transfer.engine.stop import Stop

from .tables import DAG, empty_like, history, tied
from .worlds import World, stored, world

Hook = Callable[[Exchange], Awaitable[None]]


def after(requests: int, act: Callable[[], None]) -> Hook:
    """Return a hook that acts at request number ``requests``."""
    seen = 0

    async def hook(_exchange: Exchange) -> None:
        nonlocal seen
        seen += 1
        if seen == requests:
            act()

    return hook


async def assert_resumes(job: World) -> None:
    """Run the program again without trouble and check that the target and the counts are exactly right."""
    for emulator in (job.source, job.target):
        emulator.behaviour.on_request = None
        emulator.faults.rules.clear()
    ending = await job.run()
    assert (ending.problems, ending.stopped, job.differences(), job.open_pages) == ({}, False, [], 0)
    assert await job.moved() == stored(job.source.history)


@pytest.mark.parametrize("requests", [1, 3, 5, 8, 11, 15, 20, 26, 35])
@pytest.mark.parametrize("side", ["source", "target"])
async def test_a_soft_stop_writes_what_was_handed_over(tmp_path: Path, side: str, requests: int) -> None:
    """The first request to stop ends reading; everything claimed and sent is whole, and a later run completes it."""
    source = tied(40, 2)
    async with world(tmp_path, source, empty_like(source), window_runs=3) as job:
        stop = Stop()
        emulator = job.source if side == "source" else job.target
        emulator.behaviour.on_request = after(requests, stop.request)
        ending = await job.run(stop)
        assert (ending.stopped, job.open_pages) == (True, 0)
        assert {difference.what for difference in job.differences()} <= {"missing"}
        assert await job.moved() == stored(job.target.history)
        await assert_resumes(job)


@pytest.mark.parametrize("requests", range(1, 40, 2))
@pytest.mark.parametrize("side", ["source", "target"])
async def test_a_killed_job_goes_on(tmp_path: Path, side: str, requests: int) -> None:
    """Cancelled at any request, the job loses nothing, doubles nothing, counts everything once when it goes on."""
    source = tied(30, 2)
    async with world(tmp_path, source, empty_like(source), window_runs=3, batch_rows=4) as job:
        emulator = job.source if side == "source" else job.target
        with anyio.CancelScope() as scope:
            emulator.behaviour.on_request = after(requests, scope.cancel)
            await job.run()
        assert job.open_pages == 0
        await assert_resumes(job)


async def test_killed_again_and_again(tmp_path: Path) -> None:
    """A job that is killed every few requests comes to its end all the same, each row counted once."""
    source = tied(24, 3)
    async with world(tmp_path, source, empty_like(source), window_runs=3) as job:
        for attempt in range(8):
            with anyio.CancelScope() as scope:
                job.target.behaviour.on_request = after(9 + attempt, scope.cancel)
                await job.run()
            assert job.open_pages == 0
        await assert_resumes(job)


async def test_a_second_request_stops_at_once(tmp_path: Path) -> None:
    """Asked twice, the job does not wait for a target that never answers."""
    source = history(20)
    async with world(tmp_path, source, empty_like(source), window_runs=3) as job:
        stop = Stop()
        job.target.faults.rules.append(Rule(Stall(), method="POST"))

        def twice() -> None:
            stop.request()
            stop.request()

        job.target.behaviour.on_request = after(4, twice)
        ending = await job.run(stop)
        assert (ending.stopped, job.open_pages) == (True, 0)


async def test_the_time_to_write_is_limited(tmp_path: Path) -> None:
    """After the first request what was handed over may take ``grace`` seconds, and no more."""
    source = history(20)
    async with world(tmp_path, source, empty_like(source), window_runs=3) as job:
        stop = Stop(grace=0.05)
        job.target.faults.rules.append(Rule(Stall(), method="POST"))
        job.target.behaviour.on_request = after(4, stop.request)
        ending = await job.run(stop)
        assert (ending.stopped, job.open_pages) == (True, 0)
        await assert_resumes(job)


async def test_a_stop_before_the_start_moves_nothing(tmp_path: Path) -> None:
    """A job that was asked to stop before it began ends without having read a window."""
    source = history(20)
    async with world(tmp_path, source, empty_like(source)) as job:
        stop = Stop(grace=60)
        stop.requests = 1
        stop.reading.cancel()
        ending = await job.run(stop)
        assert (ending.stopped, job.posts(), job.target.history.run_count(DAG)) == (True, 0, 0)
