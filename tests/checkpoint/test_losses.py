"""What of the values of moved rows did not arrive as it was is counted once."""

from dataclasses import replace
from pathlib import Path

from transfer.model import Loss

from .samples import DAG, settlement, started, window

JOB_ID = Loss("task_instances", "job_id", "refers to another row")
HASH = Loss("dag_runs", "dag_hash", "no such column")


async def test_losses_add_up_over_windows(tmp_path: Path) -> None:
    """The job's losses are the sums of those of its windows."""
    async with started(tmp_path) as checkpoint:
        await checkpoint.settle(replace(settlement(window(0)), losses={JOB_ID: 50, HASH: 5}))
        await checkpoint.settle(replace(settlement(window(1)), losses={JOB_ID: 7}))
        assert (await checkpoint.totals()).losses == {HASH: 5, JOB_ID: 57}


async def test_a_repeated_settlement_counts_once(tmp_path: Path) -> None:
    """What is stored of a window is replaced."""
    async with started(tmp_path) as checkpoint:
        for count in (50, 3):
            await checkpoint.settle(replace(settlement(window(0)), losses={JOB_ID: count}))
        assert (await checkpoint.totals()).losses == {JOB_ID: 3}


async def test_losses_outlive_their_pass(tmp_path: Path) -> None:
    """Windows of a finished pass that have moved no children stay for what their runs have lost."""
    async with started(tmp_path) as checkpoint:
        await checkpoint.settle(replace(settlement(window(0)), losses={HASH: 5}))
        await checkpoint.finish_pass(DAG, 1)
        assert (await checkpoint.totals()).losses == {HASH: 5}
