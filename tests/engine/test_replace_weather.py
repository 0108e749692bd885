"""Replacing runs over HTTP while answers get lost, sessions end and ids are not what they should be."""

from pathlib import Path

import anyio
import pytest

from transfer.checkpoint import Remedy
from transfer.emulator import Answer, Reset, Rule, TableHistory, Truncate, web_page
from transfer.emulator.faults import Action
from transfer.emulator.rows import run_row
from transfer.errors import UnavailableError
from transfer.kinds import DAG_RUNS
from transfer.model import Outcome

from .tables import DAG, add_run, empty_like, history
from .test_stopping import after
from .test_weather import PATIENT, weather
from .versions import is_part, run_again, version
from .worlds import World, behaviour, world

REMOVALS: list[Action] = [
    Reset(),
    Reset(after=True),
    Answer(500),
    Answer(500, after=True),
    Answer(502, after=True),
    Answer(503),
    Answer(429, retry_after="0"),
    web_page(after=True),
    Truncate(0.4),
]


async def changed(job: World, *numbers: int) -> list[str]:
    """Move everything, run some runs again at the source, and mark them."""
    assert (await job.run()).problems == {}
    source = job.source.history
    assert isinstance(source, TableHistory)
    run_ids = [run["run_id"] for run in source.runs(DAG)]
    again = [run_ids[number] for number in numbers]
    for day, run_id in enumerate(again, start=400):
        run_again(source, run_id, day=day)
    async with job.checkpoint() as checkpoint:
        await checkpoint.reopen(DAG, [(run_id, Remedy.REPLACE) for run_id in again], "v1")
    return again


async def assert_replaced(job: World, again: list[str]) -> None:
    """Hold that everything is there in its new version."""
    ending = await job.run(replace=True)
    assert (ending.problems, job.differences(), job.open_pages) == ({}, [], 0)
    assert set(await job.outcomes(*again, dag_id=DAG)) == {Outcome.MOVED}


@pytest.mark.parametrize("seed", range(8))
async def test_in_bad_weather(tmp_path: Path, seed: int) -> None:
    """Whatever answers get lost on either side, to removals too, every run ends up in its new version."""
    source = history(20)
    of_source, of_target = weather(seed, 0.3)
    of_target.rules.extend(Rule(action, method="DELETE", probability=0.06) for action in REMOVALS)
    rules, of_target.rules[:] = list(of_target.rules), []
    servers = (behaviour(faults=of_source), behaviour(faults=of_target))
    limits = {"window_runs": 4, "batch_rows": 5 + seed}
    async with world(tmp_path, source, empty_like(source), behaviours=servers, retry=PATIENT, **limits) as job:
        again = await changed(job, 1, 2, 7, 11, 18)
        of_target.rules.extend(rules)
        await assert_replaced(job, again)


@pytest.mark.parametrize("requests", range(1, 60, 4))
async def test_killed_at_any_request(tmp_path: Path, requests: int) -> None:
    """Cancelled at any request to the target, no run is left in two versions, and the next run completes it."""
    source = history(12)
    target = empty_like(source)
    async with world(tmp_path, source, target, window_runs=3, batch_rows=4) as job:
        again = await changed(job, 1, 4, 5, 9)
        old = {run_id: version(target, run_id) for run_id in again}
        with anyio.CancelScope() as scope:
            job.target.behaviour.on_request = after(requests, scope.cancel)
            await job.run(replace=True)
        job.target.behaviour.on_request = None
        for run_id in again:
            there = version(target, run_id)
            assert there == old[run_id] or is_part(there, version(source, run_id))
        await assert_replaced(job, again)


async def test_a_target_that_never_removes_ends_the_job(tmp_path: Path) -> None:
    """When no removal is ever answered the job ends, and nothing is settled that is not there."""
    source = history(8)
    async with world(tmp_path, source, empty_like(source)) as job:
        again = await changed(job, 2)
        job.target.faults.rules.append(Rule(Answer(502), method="DELETE"))
        with pytest.raises(UnavailableError):
            await job.run(replace=True)
        assert await job.outcomes(*again, dag_id=DAG) == [Outcome.REPLACING]
        job.target.faults.rules.clear()
        await assert_replaced(job, again)


async def test_an_id_that_is_no_path_is_left_alone(tmp_path: Path) -> None:
    """A run whose id cannot be part of an address keeps its version, and is named with the reason."""
    source = history(4)
    awkward = add_run(source, 50, run_id="by/hand")["run_id"]
    async with world(tmp_path, source, empty_like(source)) as job:
        again = await changed(job, 0, 2)
        assert awkward in again
        assert (await job.run(replace=True)).problems == {}
        assert await job.outcomes(*again, dag_id=DAG) == [Outcome.CHANGED, Outcome.MOVED]
        assert {difference.key[0] for difference in job.differences()} == {awkward}
        assert (await job.totals()).rows[DAG][DAG_RUNS.name].rejected == 1


async def test_the_scheduler_of_the_target_has_it(tmp_path: Path) -> None:
    """A run that somebody runs on the target at this moment is not removed under his feet."""
    source = history(4)
    target = empty_like(source)
    async with world(tmp_path, source, target) as job:
        again = await changed(job, 1)
        target.move_run(DAG, again[0], start_date=None, state="running")
        await job.run(replace=True)
        assert await job.outcomes(*again, dag_id=DAG) == [Outcome.CHANGED]
        assert run_row(DAG, 0)["run_id"] in {run["run_id"] for run in target.runs(DAG)}
        assert not [exchange for exchange in job.target.requests if exchange.method == "DELETE"]
