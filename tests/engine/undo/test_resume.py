"""An undo that ends anywhere can be gone on with, or given up."""

from pathlib import Path

import anyio
import pytest

from tests.engine.reading import TableSide
from tests.engine.tables import DAG, add_run, empty_like, history
from transfer.engine.undo.remove import AT_ONCE
from transfer.errors import UnavailableError
from transfer.model import Outcome

from .undoing import Undone, assert_undone, moved


async def job_with_others(folder: Path) -> Undone:
    """Return a job whose target had one run of its own, and one of the source's."""
    source = history(9)
    target = empty_like(source)
    add_run(target, 4)
    add_run(target, 50)
    return await moved(folder, source, target)


@pytest.mark.parametrize("again", ["undo", "run"])
@pytest.mark.parametrize("request_", range(1, 22))
async def test_killed_anywhere(tmp_path: Path, request_: int, again: str) -> None:
    """Cancelled at any request to the target, another undo ends with what was, an ordinary run with everything."""
    job = await job_with_others(tmp_path)
    held = job.table.snapshot()
    with anyio.CancelScope() as scope:
        at = job.target.requests + request_
        job.target.before = lambda seen: scope.cancel() if seen.requests == at else None
        await job.undo()
    assert {row["run_id"] for row in job.before["dag_runs"]} <= job.there()
    if again == "undo":
        assert (await job.undo()).problems == {}
        await assert_undone(job)
    else:
        assert (await job.run()).problems == {}
        assert job.table.snapshot() == held
        assert set(await job.outcomes(job.ids())) == {Outcome.MOVED, Outcome.ALREADY}


@pytest.mark.parametrize("carried_out", [False, True])
@pytest.mark.parametrize("nth", [1, 4, 8])
async def test_a_removal_that_is_never_answered(tmp_path: Path, nth: int, *, carried_out: bool) -> None:
    """Whether it was carried out or not when the target died, the run counts as begun, and the others as removed."""
    job = await job_with_others(tmp_path)
    asked: list[str] = []

    async def die(run_id: str) -> None:
        asked.append(run_id)
        if len(asked) == nth:
            if carried_out:
                job.table.remove_run(DAG, run_id)
            job.target.before = dead
            raise UnavailableError("target", "remove run", "gone")

    job.target.removing = die
    with pytest.raises(UnavailableError):
        await job.undo()
    assert await job.outcomes([asked[nth - 1]]) == [Outcome.IN_FLIGHT]
    job.target.removing, job.target.before = alive, lambda _side: None
    await job.undo()
    await assert_undone(job)
    (removed,) = job.removed().values()
    assert removed == 8 - carried_out


def dead(_side: TableSide) -> None:
    """Answer nothing any more."""
    raise UnavailableError("target", "info", "gone")


async def alive(_run_id: str) -> None:
    """Remove what is asked for."""


async def test_trouble_with_one_dag_does_not_end_the_others(tmp_path: Path) -> None:
    """A DAG of which a removal gets no answer is reported, the others are undone."""
    job = await moved(tmp_path, history(6, dags=("a", "b")))
    bad = next(iter(job.there("a")))

    async def fail(run_id: str) -> None:
        if run_id == bad and job.target.table.has_run("a", bad) and not job.there("b"):
            raise UnavailableError("target", "remove run", "no answer")

    job.target.removing = fail
    ending = await job.undo()
    job.target.removing = alive
    assert job.there("b") == set()
    assert ending.problems.keys() <= {"a"}
    await job.undo()
    await assert_undone(job)


async def test_stopped_in_the_middle(tmp_path: Path) -> None:
    """After the first request to stop nothing new is removed; what was is remembered, what was not is as it was."""
    job = await moved(tmp_path, history(60), window_runs=50)
    asked: list[str] = []

    async def stop(run_id: str) -> None:
        asked.append(run_id)
        if len(asked) == 3:
            job.stop.request()

    job.target.removing = stop
    ending = await job.undo()
    assert ending.stopped
    there = job.there()
    assert 0 < ending.dags[DAG].removed == 60 - len(there) <= AT_ONCE
    left = [run_id for run_id in job.ids() if run_id in there]
    assert Outcome.IN_FLIGHT not in await job.outcomes(left)
    job.target.removing = alive
    await job.undo()
    await assert_undone(job)


async def test_stopped_before_it_begins(tmp_path: Path) -> None:
    """A request to stop that is there already lets nothing be removed."""
    job = await job_with_others(tmp_path)
    held = job.table.snapshot()
    job.target.before = lambda _side: None if job.stop.requested else job.stop.request()
    ending = await job.undo()
    assert (ending.stopped, job.table.snapshot()) == (True, held)


async def test_paused_in_the_middle(tmp_path: Path) -> None:
    """While it is paused nothing is asked; then it goes on, in the same run of the program."""
    job = await moved(tmp_path, history(60), window_runs=50)
    asked: list[str] = []
    paused = anyio.Event()

    async def pause(run_id: str) -> None:
        asked.append(run_id)
        if len(asked) == 2:
            job.pace.close("for a while")
            paused.set()

    job.target.removing = pause
    async with anyio.create_task_group() as group:
        group.start_soon(job.undo)
        await paused.wait()
        await anyio.wait_all_tasks_blocked()
        at = job.target.requests
        await anyio.wait_all_tasks_blocked()
        assert job.target.requests == at
        assert len(job.there()) >= 60 - AT_ONCE
        job.pace.release()
    await assert_undone(job)


@pytest.mark.parametrize("page", range(1, 9))
async def test_cleared_while_it_is_walked(tmp_path: Path, page: int) -> None:
    """A run that somebody clears meanwhile moves to the front of the DAG: it is found there, left and named."""
    job = await job_with_others(tmp_path)
    cleared: list[str] = []

    def clear(side: TableSide) -> None:
        if side.requests == at:
            last = [run["run_id"] for run in side.table.runs(DAG) if run["run_id"] in set(job.ids()) - theirs][-1:]
            for run_id in last:
                side.table.clear_run(DAG, run_id)
                cleared.append(run_id)

    theirs = {row["run_id"] for row in job.before["dag_runs"]}
    at = job.target.requests + page
    job.target.before = clear
    found = (await job.undo()).dags[DAG]
    assert list(found.left) == cleared
    assert job.there() == theirs | set(cleared)
