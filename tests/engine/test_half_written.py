"""Runs that were claimed, and perhaps written in part, when a run of the program ended."""

from pathlib import Path

import pytest

from transfer.emulator import Answer, Rule
from transfer.kinds import TASK_INSTANCE_HISTORY
from transfer.model import Outcome

from .tables import DAG, add_run, empty_like, history
from .worlds import World, world


async def stopped_before_the_tries(job: World) -> None:
    """Let a run of the program die when it writes the first task instance history."""
    job.target.faults.rules.append(Rule(Answer(401), method="POST", route=TASK_INSTANCE_HISTORY.route))
    with pytest.raises(Exception, match="401"):
        await job.run()
    job.target.faults.rules.clear()


async def test_they_are_completed_beyond_the_newest(tmp_path: Path) -> None:
    """Runs that newer ones have pushed out of the newest N are completed all the same."""
    source = history(12)
    async with world(tmp_path, source, empty_like(source), newest=5) as job:
        await stopped_before_the_tries(job)
        for number in range(100, 104):
            add_run(source, number)
        assert (await job.run()).problems == {}
        assert {found.what for found in job.differences()} == {"missing"}
        on_target = {run["run_id"] for run in job.target.history.runs(DAG)}
        outcomes = await job.outcomes(*on_target, dag_id=DAG)
        assert not {Outcome.IN_FLIGHT, Outcome.FILLING} & set(outcomes)
        assert not [found for found in job.differences() if found.key[0] in on_target]


async def test_they_are_reported_when_they_are_gone_at_the_source(tmp_path: Path) -> None:
    """A run that was deleted at the source before all of it was moved ends as a rejected row."""
    source = history(6)
    async with world(tmp_path, source, empty_like(source)) as job:
        await stopped_before_the_tries(job)
        gone = next(iter(job.target.history.runs(DAG)))["run_id"]
        source.remove_run(DAG, gone)
        assert (await job.run()).problems == {}
        totals = await job.totals()
        assert totals.rows[DAG]["dag_runs"].rejected == 1
