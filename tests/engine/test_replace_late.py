"""Requests about an earlier version that are carried out when the new one is written."""

from pathlib import Path

import pytest

from transfer.checkpoint import Remedy
from transfer.kinds import CHILDREN, DAG_RUNS, TASK_INSTANCES, Kind
from transfer.model import Batch

from .reading import TableSide
from .tables import DAG
from .versions import moved, repaired, replaced, rows_of


@pytest.mark.parametrize("kind", [DAG_RUNS, *CHILDREN], ids=lambda kind: kind.name)
async def test_an_insert_of_the_earlier_version_that_comes_late(tmp_path: Path, kind: Kind) -> None:
    """Rows of the earlier version that arrive after its removal are noticed, removed and replaced."""
    job = await moved(tmp_path, again=[2])
    await job.replace_again()
    late = [job.old[job.again[0]]]

    async def arrive(batch: Batch) -> None:
        if batch.kind is kind and late:
            old = late.pop()
            for one in (DAG_RUNS, *CHILDREN):
                job.target.table.insert(one, old[one.name])

    job.target.writing = arrive
    await replaced(job)
    assert not late


@pytest.mark.parametrize("kind", [*CHILDREN], ids=lambda kind: kind.name)
async def test_a_removal_that_comes_late(tmp_path: Path, kind: Kind) -> None:
    """A run that a late removal takes away again while it is written is written once more."""
    job = await moved(tmp_path, again=[2])
    await job.replace_again()
    late = list(job.again)

    async def arrive(batch: Batch) -> None:
        if batch.kind is kind and late:
            job.target.table.remove_run(DAG, late.pop())

    job.target.writing = arrive
    await replaced(job)
    assert (late, await repaired(job)) == ([], rows_of(job.source.table, job.again))


async def test_children_of_the_earlier_version_that_come_late(tmp_path: Path) -> None:
    """They are noticed too where the target is asked what it has before anything is sent to it."""
    job = await moved(tmp_path, again=[2], window_runs=50, batch_rows=500)
    beside = [run["run_id"] for run in job.source.table.runs(DAG)][-1]
    await job.reopen([(beside, Remedy.COMPLETE), (job.again[0], Remedy.REPLACE)])
    late = [job.old[job.again[0]]]

    def arrive(_side: TableSide) -> None:
        run = job.target.table.run(DAG, job.again[0])
        if late and run is not None and run["clear_number"]:
            job.target.table.insert(TASK_INSTANCES, late.pop()["task_instances"])

    job.target.before = arrive
    await replaced(job)
    assert (late, await repaired(job)) == ([], rows_of(job.source.table, job.again))
