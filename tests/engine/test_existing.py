"""Targets that hold something already: the same runs, parts of them, or rivals."""

from pathlib import Path
from random import Random

import pytest

from transfer.emulator import Answer, Faults, Rule, TableHistory
from transfer.emulator.rows import run_row, task_row
from transfer.errors import TransferError
from transfer.kinds import CHILDREN, DAG_RUNS, TASK_INSTANCES
from transfer.model import Counts, Outcome
from transfer.report import by_kind, rejected_rows

from .tables import DAG, add_run, empty_like, history
from .worlds import behaviour, stored, world


def with_parts(source: TableHistory, seed: int) -> TableHistory:
    """Return a target with a third of the runs whole, a third without children or with a part of them."""
    target = empty_like(source)
    random = Random(seed)  # noqa: S311 - reproducible tests, no secrets
    for run in list(source.runs(DAG)):
        part = random.choice([0.0, 0.0, 0.5, 1.0, None])
        if part is None:
            continue
        target.add(DAG_RUNS, run)
        for kind in CHILDREN:
            children = source.children(kind, DAG, run["run_id"])
            target.add(kind, *children[: round(len(children) * part)])
    return target


@pytest.mark.parametrize("seed", range(4))
async def test_what_is_there_is_completed(tmp_path: Path, seed: int) -> None:
    """Rows that are there already are counted as such; those that lack are added."""
    source = history(40, tasks=4)
    target = with_parts(source, seed)
    before = stored(target)
    async with world(tmp_path, source, target, window_runs=11, batch_rows=25) as job:
        ending = await job.run()
        assert (ending.problems, job.differences()) == ({}, [])
        counts = by_kind(await job.totals())
        there = stored(source)
        assert counts == {kind: Counts(moved=there[kind] - count, already=count) for kind, count in before.items()}


async def test_nothing_is_sent_to_a_whole_target(tmp_path: Path) -> None:
    """On a target that has everything all rows are found there."""
    source = history(30)
    async with world(tmp_path, source, TableHistory.copy_of(source)) as job:
        await job.run()
        assert job.progress.snapshot().rows_sent == 0
        assert by_kind(await job.totals()) == {kind: Counts(already=count) for kind, count in stored(source).items()}


async def test_a_rival_run_is_rejected_alone(tmp_path: Path) -> None:
    """A run whose logical date another run has is rejected with its children; everything else moves."""
    source = history(12)
    target = empty_like(source)
    target.add(DAG_RUNS, run_row(DAG, 5, run_id="manual__rival", start_date="2026-01-01 00:00:00+00:00"))
    refused = run_row(DAG, 5)["run_id"]
    async with world(tmp_path, source, target) as job:
        ending = await job.run()
        totals = await job.totals()
        assert (ending.problems, rejected_rows(totals)) == ({}, 1 + 2 + 1)
        assert await job.outcomes(refused, dag_id=DAG) == [Outcome.REJECTED]
        missing = {difference.key[0] for difference in job.differences() if difference.what == "missing"}
        assert (missing, target.run_count(DAG)) == ({refused}, 12)


async def test_a_run_that_changed_after_it_was_moved_is_said_to_have_changed(tmp_path: Path) -> None:
    """A run that is cleared and finished again is not sent a second time, but reported."""
    source = history(5)
    run_id = run_row(DAG, 2)["run_id"]
    async with world(tmp_path, source, empty_like(source)) as job:
        await job.run()
        sent = job.posts()
        source.clear_run(DAG, run_id)
        source.move_run(DAG, run_id, start_date="2025-03-01 00:00:00+00:00", state="success")
        await job.run()
        assert (await job.outcomes(run_id, dag_id=DAG), job.posts()) == ([Outcome.CHANGED], sent)
        assert rejected_rows(await job.totals()) == 1


async def test_a_moved_run_that_runs_again_stays_known(tmp_path: Path) -> None:
    """A moved run that is met unfinished and later finished is reported as changed, not as refused."""
    source = history(5)
    run_id = run_row(DAG, 2)["run_id"]
    async with world(tmp_path, source, empty_like(source)) as job:
        await job.run()
        source.clear_run(DAG, run_id)
        await job.run()
        source.move_run(DAG, run_id, start_date="2025-03-01 00:00:00+00:00", state="success")
        await job.run()
        assert await job.outcomes(run_id, dag_id=DAG) == [Outcome.CHANGED]


async def test_a_refused_row_is_tried_again(tmp_path: Path) -> None:
    """A run of ours that was rejected for one child is moved when the next run of the program brings that child."""
    source = history(4)
    run = next(source.runs(DAG))
    parent = task_row(run, "task_1")
    source.children(TASK_INSTANCES, DAG, run["run_id"])[1]["queue"] = "q" * 300
    async with world(tmp_path, source, empty_like(source)) as job:
        await job.run()
        assert (rejected_rows(await job.totals()), (await job.moved())["dag_runs"]) == (1, 4)
        source.children(TASK_INSTANCES, DAG, run["run_id"])[1]["queue"] = parent["queue"]
        await job.run()
        assert job.differences() == []
        assert (rejected_rows(await job.totals()), await job.moved()) == (0, stored(source))


async def test_a_second_try_that_dies_counts_nothing_twice(tmp_path: Path) -> None:
    """Rows of a rejected run that are on the target are counted once, also when the run that tried again died."""
    source = history(4)
    run = next(source.runs(DAG))
    source.children(TASK_INSTANCES, DAG, run["run_id"])[1]["queue"] = "q" * 300
    async with world(tmp_path, source, empty_like(source)) as job:
        await job.run()
        job.target.faults.rules.append(Rule(Answer(401), method="POST"))
        with pytest.raises(TransferError, match="401"):
            await job.run()
        job.target.faults.rules.clear()
        await job.run()
        moved = await job.moved()
        assert moved["task_instances"] == stored(job.target.history)["task_instances"]


async def test_a_rejected_run_whose_cause_is_gone_is_counted_once(tmp_path: Path) -> None:
    """A run that was refused and then sent by a run of the program that died is moved, and all its rows are counted."""
    source = history(4)
    target = empty_like(source)
    target.add(DAG_RUNS, run_row(DAG, 2, run_id="manual__rival", start_date="2026-01-01 00:00:00+00:00"))
    async with world(tmp_path, source, target) as job:
        await job.run()
        target.remove_run(DAG, "manual__rival")
        job.target.faults.rules.append(Rule(Answer(401), method="POST", route="task_instance_history"))
        with pytest.raises(TransferError, match="401"):
            await job.run()
        job.target.faults.rules.clear()
        await job.run()
        assert (job.differences(), await job.moved()) == ([], stored(source))


async def test_rows_that_were_there_are_not_ours_after_a_crash(tmp_path: Path) -> None:
    """What stood on the target before the job is not counted as moved by a job that died and was resumed."""
    source = history(10)
    target = empty_like(source)
    target.add(DAG_RUNS, *source.runs(DAG))
    faults = Faults([Rule(Answer(401), method="POST", times=1)])
    servers = (behaviour(), behaviour(faults=faults))
    async with world(tmp_path, source, target, behaviours=servers) as job:
        with pytest.raises(TransferError, match="401"):
            await job.run()
        await job.run()
        assert (job.differences(), await job.moved()) == ([], stored(source) | {"dag_runs": 0})


async def test_a_late_commit_is_ours(tmp_path: Path) -> None:
    """Rows whose answer was lost count as moved when they turn out to be there."""
    source = history(6)
    faults = Faults([Rule(Answer(502, after=True), method="POST")])
    async with world(tmp_path, source, empty_like(source), behaviours=(behaviour(), behaviour(faults=faults))) as job:
        ending = await job.run()
        assert (ending.problems, job.differences(), await job.moved()) == ({}, [], stored(source))


async def test_an_added_run_without_children_moves(tmp_path: Path) -> None:
    """A run that has no task instance at all is moved like any other."""
    source = history(3)
    add_run(source, 7, tasks=0)
    async with world(tmp_path, source, empty_like(source)) as job:
        await job.run()
        assert job.differences() == []


async def test_a_resumed_pass_is_followed_by_one_from_the_front(tmp_path: Path) -> None:
    """What was unfinished when an interrupted pass went by it is moved by the run that completes the pass."""
    source = history(12)
    waiting = next(source.runs(DAG))
    waiting["state"] = "running"
    faults = Faults([Rule(Answer(401), method="POST", nth=range(8, 10_000))])
    servers = (behaviour(), behaviour(faults=faults))
    async with world(tmp_path, source, empty_like(source), behaviours=servers, window_runs=2) as job:
        with pytest.raises(Exception, match="401"):
            await job.run()
        faults.rules.clear()
        waiting["state"] = "success"
        await job.run()
        assert job.differences() == []
