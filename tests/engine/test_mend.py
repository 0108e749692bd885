"""Rows that are gone from the target after they were moved."""

from dataclasses import replace
from pathlib import Path

import pytest

from transfer.checkpoint import Remedy
from transfer.emulator import TableHistory
from transfer.kinds import KINDS, TASK_INSTANCES
from transfer.model import Counts, Outcome, Window

from .tables import DAG, history
from .versions import Moved, moved, run_again


def damage(job: Moved) -> tuple[str, str]:
    """Remove a run, and the children of another, from the target; return their ids."""
    lost, hollow = [run["run_id"] for run in job.source.table.runs(DAG)][1:3]
    kept = job.target.table.run(DAG, hollow)
    assert kept is not None
    for run_id in (lost, hollow):
        job.target.table.remove_run(DAG, run_id)
    job.target.table.add(KINDS[0], kept)
    return lost, hollow


def fail(job: Moved, run_id: str) -> None:
    """Mark a run and its tasks at the source as failed, as people do by hand: its start date stays."""
    run = job.source.table.run(DAG, run_id)
    assert run is not None
    run["state"] = "failed"
    for row in job.source.table.children(TASK_INSTANCES, DAG, run_id):
        row["state"] = "failed"


async def test_what_lacks_is_sent_again(tmp_path: Path) -> None:
    """Runs of this job end as moved, the rows are there, and none is counted as moved a second time."""
    job = await moved(tmp_path, again=[])
    before = await job.counts()
    damaged = damage(job)
    assert await job.reopen((run_id, Remedy.COMPLETE) for run_id in damaged)
    assert (await job.counts())["dag_runs"] == Counts(moved=6, unfinished=2)
    assert (await job.run()).problems == {}
    assert (job.differences(), await job.outcomes(damaged)) == ([], [Outcome.MOVED, Outcome.MOVED])
    repaired = {"dag_runs": 1, "task_instances": 4, "task_instance_history": 2}
    for kind, counts in (await job.counts()).items():
        assert counts == Counts(moved=before[kind].moved, repaired=repaired[kind])


async def test_whose_they_are_is_remembered(tmp_path: Path) -> None:
    """A run that was there before the job stays one that was there; one that is sent whole is the job's."""
    table = history(8)
    job = await moved(tmp_path, again=[])
    job.source.table, job.target.table = table, TableHistory.copy_of(table)
    job.settings = job.settings.model_copy(update={"state_dir": tmp_path / "other"})
    await job.run()
    lost, hollow = damage(job)
    await job.reopen([(lost, Remedy.COMPLETE), (hollow, Remedy.COMPLETE)])
    assert await job.outcomes([lost, hollow]) == [Outcome.MENDING_FOUND, Outcome.MENDING_FOUND]
    await job.run()
    assert (job.differences(), await job.outcomes([lost, hollow])) == ([], [Outcome.MOVED, Outcome.ALREADY])
    assert (await job.counts())["dag_runs"] == Counts(moved=1, already=7, repaired=1)


async def test_a_verification_is_applied_once(tmp_path: Path) -> None:
    """Applying the findings of a verification again changes nothing; those of another one do."""
    job = await moved(tmp_path, again=[])
    damaged = damage(job)
    await job.reopen((run_id, Remedy.COMPLETE) for run_id in damaged)
    await job.run()
    assert not await job.reopen([(damaged[0], Remedy.REPLACE)])
    assert await job.outcomes(damaged) == [Outcome.MOVED, Outcome.MOVED]
    assert await job.reopen([(damaged[0], Remedy.REPLACE)], "v2")
    assert await job.outcomes(damaged) == [Outcome.TO_REPLACE, Outcome.MOVED]
    assert await job.reopen([(damaged[1], Remedy.REPLACE)], "v3")
    assert await job.outcomes(damaged) == [Outcome.CHANGED, Outcome.TO_REPLACE]


async def test_a_run_that_changed_meanwhile_is_not_mixed(tmp_path: Path) -> None:
    """A run that lacks rows and was run again since it was verified is changed, not completed."""
    job = await moved(tmp_path, again=[])
    _, hollow = damage(job)
    await job.reopen([(hollow, Remedy.COMPLETE)])
    run_again(job.source.table, hollow)
    await job.run()
    assert await job.outcomes([hollow]) == [Outcome.CHANGED]
    assert job.target.table.children(TASK_INSTANCES, DAG, hollow) == []


async def test_findings_that_are_older_than_a_change_do_not_mix(tmp_path: Path) -> None:
    """A run that lacks rows, and was found to have changed since it was verified, keeps what it has."""
    job = await moved(tmp_path, again=[])
    run_id = list(job.source.table.runs(DAG))[1]["run_id"]
    there = job.target.table._children["task_instances"][DAG, run_id]
    del there[sorted(there)[1]]
    fail(job, run_id)
    await job.run()
    await job.reopen([(run_id, Remedy.COMPLETE)])
    await job.run(replace=True)
    assert await job.outcomes([run_id]) == [Outcome.CHANGED]
    states = [row["state"] for row in job.target.table.children(TASK_INSTANCES, DAG, run_id)]
    assert states == ["success"]


@pytest.mark.parametrize("outcome", [Outcome.UNFINISHED, Outcome.REJECTED, Outcome.IN_FLIGHT, Outcome.REPLACING])
async def test_what_is_taken_up_anyway_stays_what_it_is(tmp_path: Path, outcome: Outcome) -> None:
    """A run that was never brought to an end needs no other memory to be completed."""
    job = await moved(tmp_path, again=[])
    run_id = next(job.source.table.runs(DAG))["run_id"]
    async with job.checkpoint() as checkpoint:
        point = await checkpoint.restart_pass(DAG)
        known = await checkpoint.recall(DAG, [run_id])
        window = Window(DAG, point.pass_number, 0, 0, 1, None)
        await checkpoint.cut(window, [replace(known[run_id], outcome=outcome)])
    await job.reopen([(run_id, Remedy.COMPLETE)])
    assert await job.outcomes([run_id]) == [outcome]
