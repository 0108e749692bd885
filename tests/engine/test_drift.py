"""Sources that change between any two requests."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random

import pytest

from transfer.emulator import Exchange, TableHistory
from transfer.kinds import KINDS
from transfer.model import Outcome

from .tables import DAG, Mutator, add_run, empty_like, history, tied
from .worlds import World, behaviour, stored, world

Hook = Callable[[Exchange], Awaitable[None]]
ROUTES = {kind.route for kind in KINDS}


def changing(mutator: Mutator, seed: int, probability: float, most: int) -> Hook:
    """Return a hook that lets the source change before some of its pages are read, ``most`` times."""
    random = Random(seed)  # noqa: S311 - reproducible tests, no secrets
    left = most

    async def change(exchange: Exchange) -> None:
        nonlocal left
        if left and exchange.route in ROUTES and random.random() < probability:
            left -= 1
            mutator.step()

    return change


def differing_runs(job: World) -> set[str]:
    """Return the runs that are not on the target as they are at the source."""
    return {difference.key[0] for difference in job.differences()}


@pytest.mark.parametrize("seed", range(12))
async def test_a_changing_source_loses_nothing(tmp_path: Path, seed: int) -> None:
    """Runs that nobody touched arrive in the first run of the program, whatever happened to the others meanwhile."""
    source = tied(40, 1 + seed % 4, tasks=2)
    mutator = Mutator(source, seed)
    servers = (behaviour(on_request=changing(mutator, seed, 0.5, 40)), behaviour())
    async with world(tmp_path, source, empty_like(source), behaviours=servers, window_runs=2 + seed % 7) as job:
        await job.run()
        assert differing_runs(job) <= mutator.touched
        servers[0].on_request = None
        await job.run()
        assert_right_but_for_changes(job, mutator)


def assert_right_but_for_changes(job: World, mutator: Mutator) -> None:
    """Check that the target has every run of the source, and that those that differ were touched after being moved."""
    missing = {difference for difference in job.differences() if difference.what == "missing"}
    assert {difference for difference in missing if difference.kind == "dag_runs"} == set()
    assert differing_runs(job) <= mutator.touched


@pytest.mark.parametrize("seed", range(6))
async def test_inserts_and_finishes_all_arrive_in_the_end(tmp_path: Path, seed: int) -> None:
    """With new and finishing runs only, one more run of the program makes the target equal to the source."""
    source = history(25)
    mutator = Mutator(source, seed)
    random = Random(seed)  # noqa: S311 - reproducible tests, no secrets

    async def grow(exchange: Exchange) -> None:
        if exchange.route in ROUTES and len(mutator.touched) < 25:
            random.choice([mutator._insert, mutator._finish, mutator._rest])()

    servers = (behaviour(on_request=grow), behaviour())
    async with world(tmp_path, source, empty_like(source), behaviours=servers, window_runs=4) as job:
        await job.run()
        servers[0].on_request = None
        mutator.settle()
        ending = await job.run()
        assert (ending.problems, job.differences(), await job.moved()) == ({}, [], stored(source))


@pytest.mark.parametrize("newest", [None, 12])
async def test_a_run_that_comes_and_goes_between_two_requests_takes_no_children_away(
    tmp_path: Path, newest: int | None
) -> None:
    """A run that stands in front while children are read, and only then, does not push those of another run out."""
    source = history(12)
    asked = 0

    async def come_and_go(exchange: Exchange) -> None:
        nonlocal asked
        if exchange.route in {"task_instances", "task_instance_history"}:
            asked += 1
            if asked == 1:
                add_run(source, 500, tasks=0, start_date=None, state="queued")
        elif exchange.route == "dag_runs" and asked and source.run_count(DAG) == 13:
            source.remove_run(DAG, next(source.runs(DAG))["run_id"])

    servers = (behaviour(on_request=come_and_go), behaviour())
    target = empty_like(source)
    async with world(tmp_path, source, target, behaviours=servers, window_runs=4, newest=newest) as job:
        ending = await job.run()
        assert (ending.problems, job.differences()) == ({}, [])


async def test_a_history_that_never_rests_ends_with_a_problem(tmp_path: Path) -> None:
    """A DAG whose runs move before each answer is given up after a while, and named."""
    source = history(12)
    number = 1000

    async def never_rest(exchange: Exchange) -> None:
        nonlocal number
        if exchange.route in ROUTES:
            number += 1
            add_run(source, number, tasks=0)

    servers = (behaviour(on_request=never_rest), behaviour())
    async with world(tmp_path, source, empty_like(source), behaviours=servers, window_runs=4) as job:
        ending = await job.run()
        assert list(ending.problems) == [DAG]


async def test_a_run_deleted_while_it_is_read_is_forgotten(tmp_path: Path) -> None:
    """Deleting everything in the middle of a job ends it well."""
    source = history(20)

    async def delete(exchange: Exchange) -> None:
        if exchange.route == "task_instance_history":
            source.delete_runs(DAG)

    target: TableHistory = empty_like(source)
    servers = (behaviour(on_request=delete), behaviour())
    async with world(tmp_path, source, target, behaviours=servers, window_runs=4) as job:
        ending = await job.run()
        assert (ending.problems, target.run_count(DAG)) == ({}, 0)


async def test_runs_that_finish_while_the_dag_is_read_are_seen(tmp_path: Path) -> None:
    """When the source counts more runs than a pass has seen, another pass brings the rest in the same run."""
    source = history(20)
    asked = 0

    async def add_three(exchange: Exchange) -> None:
        nonlocal asked
        asked += exchange.route == "task_instances"
        if asked == 3 and source.run_count(DAG) == 20:
            for number in range(100, 103):
                add_run(source, number)

    servers = (behaviour(on_request=add_three), behaviour())
    async with world(tmp_path, source, empty_like(source), behaviours=servers, window_runs=3) as job:
        ending = await job.run()
        assert (ending.problems, job.differences(), await job.moved()) == ({}, [], stored(source))


async def test_a_run_that_changes_in_place_while_it_is_read_waits(tmp_path: Path) -> None:
    """A run whose row changes between its two readings is left for the next run of the program, and moved then."""
    source = history(8)
    run = list(source.runs(DAG))[3]

    async def mark_failed(exchange: Exchange) -> None:
        if exchange.route == "task_instances":
            run["state"] = "failed"

    servers = (behaviour(on_request=mark_failed), behaviour())
    async with world(tmp_path, source, empty_like(source), behaviours=servers) as job:
        ending = await job.run()
        assert (ending.problems, differing_runs(job)) == ({}, {run["run_id"]})
        assert await job.outcomes(run["run_id"], dag_id=DAG) == [Outcome.UNFINISHED]
        await job.run()
        assert (job.differences(), await job.moved()) == ([], stored(source))
