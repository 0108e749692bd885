"""Runs that changed at the source after they were claimed, when the target may have the earlier version in part."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from transfer.emulator import Answer, Rule, TableHistory
from transfer.kinds import TASK_INSTANCE_HISTORY, Row
from transfer.model import Outcome

from .tables import DAG, empty_like, history
from .worlds import World, world

Change = Callable[[TableHistory, Row, Row], None]


async def stopped_before_the_tries(job: World) -> None:
    """Let a run of the program die when all runs and task instances are on the target."""
    job.target.faults.rules.append(Rule(Answer(401), method="POST", route=TASK_INSTANCE_HISTORY.route))
    with pytest.raises(Exception, match="401"):
        await job.run()
    job.target.faults.rules.clear()


def run_again(source: TableHistory, run: Row, later: Row) -> None:
    """Let a run be cleared and run again, so that it now stands between two others."""
    start = str(datetime.fromisoformat(later["start_date"]) + timedelta(seconds=1))
    source.move_run(DAG, run["run_id"], start_date=start, state="success")


def marked(source: TableHistory, run: Row, _later: Row) -> None:
    """Let a person mark a run as failed: it keeps its start date."""
    source.move_run(DAG, run["run_id"], start_date=run["start_date"], state="failed")


@pytest.mark.parametrize("change", [run_again, marked])
@pytest.mark.parametrize("again", [1, 3])
async def test_versions_are_not_mixed(tmp_path: Path, change: Change, again: int) -> None:
    """The target keeps what it has of the earlier version, and the run is reported, however often the job is run."""
    source = history(8)
    async with world(tmp_path, source, empty_like(source)) as job:
        await stopped_before_the_tries(job)
        runs = [dict(run) for run in source.runs(DAG)]
        change(source, runs[4], runs[2])
        for _ in range(again):
            assert (await job.run()).problems == {}
        there = {run["run_id"]: run for run in job.target.history.runs(DAG)}
        assert there[runs[4]["run_id"]]["start_date"] == runs[4]["start_date"]
        assert {found.key[0] for found in job.differences()} == {runs[4]["run_id"]}
        assert set(await job.outcomes(runs[4]["run_id"], dag_id=DAG)) == {Outcome.CHANGED}
