"""Runs that are marked to be replaced and stay on the target."""

from pathlib import Path

import pytest

from transfer.checkpoint import Remedy
from transfer.emulator.rows import run_row
from transfer.errors import NotRemovableError, NotStarshipError, SideError, UnavailableError, UnexpectedAnswerError
from transfer.kinds import DAG_RUNS, TASK_INSTANCES
from transfer.model import Batch, Outcome

from .reading import no_removal, nothing
from .tables import DAG, add_run
from .versions import Moved, moved, replaced, run_again, version


async def unavailable(_batch: Batch) -> None:
    """Be gone when something is to be written."""
    raise UnavailableError("target", "insert", "gone")


async def begin(job: Moved) -> None:
    """Let the process end when it has claimed runs and is about to remove them."""

    async def gone(_run_id: str) -> None:
        raise UnavailableError("target", "remove run", "gone")

    job.target.removing = gone
    with pytest.raises(UnavailableError):
        await job.run(replace=True)


async def test_a_run_that_must_stay_stays(tmp_path: Path) -> None:
    """A run that is going on at the target is not removed: it is said to have changed, and why it was not replaced."""
    job = await moved(tmp_path)
    await job.replace_again()
    stays = job.again[1]
    job.target.table.move_run(DAG, stays, start_date=None, state="running")
    ending = await job.run(replace=True)
    assert ending.problems == {}
    assert await job.outcomes(job.again) == [Outcome.MOVED, Outcome.CHANGED, Outcome.MOVED]
    assert {difference.key[0] for difference in job.differences()} == {stays}
    assert job.target.table.children(TASK_INSTANCES, DAG, stays) == job.old[stays]["task_instances"]
    assert (await job.counts())["task_instances"].rejected == 2


async def test_a_run_that_must_stay_beside_one_that_is_there(tmp_path: Path) -> None:
    """A run that keeps its place is not taken for one that came back, also where the window is read back."""
    job = await moved(tmp_path, again=[], window_runs=50, batch_rows=500)
    run_ids = [run["run_id"] for run in job.source.table.runs(DAG)]
    await job.reopen([(run_ids[1], Remedy.REPLACE), (run_ids[2], Remedy.COMPLETE), (run_ids[3], Remedy.REPLACE)])

    async def refuse(run_id: str) -> None:
        if run_id == run_ids[1]:
            raise NotRemovableError("target", "remove run", "no")

    job.target.removing = refuse
    ending = await job.run(replace=True)
    assert (ending.problems, job.differences()) == ({}, [])
    assert await job.outcomes(run_ids[1:4]) == [Outcome.CHANGED, Outcome.MOVED, Outcome.MOVED]


async def test_a_rival_of_the_new_version(tmp_path: Path) -> None:
    """If the target refuses the new version the run is rejected with the reason; the earlier one is gone."""
    job = await moved(tmp_path, again=[2])
    run_id = job.again[0]
    await job.replace_again()

    async def rival(_run_id: str) -> None:
        run = job.target.table.run(DAG, run_id)
        if run is not None:
            job.target.table.remove_run(DAG, run_id)
            job.target.table.add(DAG_RUNS, {**run_row(DAG, 0), **run, "run_id": "rival"})

    job.target.removing = rival
    ending = await job.run(replace=True)
    assert (ending.problems, await job.outcomes([run_id])) == ({}, [Outcome.REJECTED])
    job.target.removing = no_removal
    job.target.table.remove_run(DAG, "rival")
    await replaced(job)


async def test_a_run_that_is_run_once_more_waits(tmp_path: Path) -> None:
    """A marked run that is not over at the source stays on the target until it is."""
    job = await moved(tmp_path, again=[2])
    await job.replace_again()
    run_id = job.again[0]
    job.source.table.clear_run(DAG, run_id)
    await job.run(replace=True)
    assert version(job.target.table, run_id) == job.old[run_id]
    assert await job.outcomes([run_id]) == [Outcome.TO_REPLACE]
    run_again(job.source.table, run_id, day=500)
    await replaced(job)


async def test_a_run_that_is_gone_at_the_source_keeps_its_version(tmp_path: Path) -> None:
    """A marked run that the source no longer has is not removed, and nothing is owed of it any more."""
    job = await moved(tmp_path, again=[2])
    await job.replace_again()
    run_id = job.again[0]
    job.source.table.remove_run(DAG, run_id)
    ending = await job.run(replace=True)
    async with job.checkpoint() as checkpoint:
        assert (ending.problems, await checkpoint.recall(DAG, [run_id])) == ({}, {})
    assert version(job.target.table, run_id) == job.old[run_id]
    assert await job.reasons() == {}


async def test_a_run_that_is_gone_at_the_source_after_its_removal(tmp_path: Path) -> None:
    """Nobody says that something of a run is on the target when its earlier version was removed."""
    job = await moved(tmp_path, again=[2])
    await job.replace_again()
    job.target.writing = unavailable
    with pytest.raises(UnavailableError):
        await job.run(replace=True)
    job.target.writing = nothing
    job.source.table.remove_run(DAG, job.again[0])
    assert (await job.run()).problems == {}
    reason = "its earlier version was removed or was about to be; the source has it no more"
    assert await job.reasons() == {job.again[0]: reason}
    assert job.target.table.run(DAG, job.again[0]) is None


@pytest.mark.parametrize("kind", [NotStarshipError, UnexpectedAnswerError])
@pytest.mark.parametrize("begun", [False, True])
async def test_a_target_that_cannot_remove(tmp_path: Path, kind: type[SideError], *, begun: bool) -> None:
    """Where nothing answers a removal the versions stay, with the reason, and whatever is new is moved as ever."""
    job = await moved(tmp_path)
    await job.replace_again()
    if begun:
        await begin(job)

    async def closed(_run_id: str) -> None:
        raise kind("target", "look for run", "no such page", status=404)

    job.target.removing = closed
    new = add_run(job.source.table, 900)["run_id"]
    ending = await job.run(replace=True)
    assert (ending.problems, await job.outcomes([new])) == ({}, [Outcome.MOVED])
    assert set(await job.outcomes(job.again)) == {Outcome.CHANGED}
    assert all("could not be replaced: no such page" in reason for reason in (await job.reasons()).values())
    assert [version(job.target.table, run_id) for run_id in job.again] == list(job.old.values())
    assert (await job.run()).problems == {}
    job.target.removing = no_removal
    await job.reopen([(run_id, Remedy.REPLACE) for run_id in job.again], "v2")
    await replaced(job)
