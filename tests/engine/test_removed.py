"""What somebody has removed from the target after it was moved."""

from pathlib import Path

from transfer.engine.plan import lost_on_target, make_plan
from transfer.model import Outcome

from .tables import DAG, empty_like, history
from .worlds import world


async def test_removed_runs_are_noticed(tmp_path: Path) -> None:
    """A target with fewer runs of a DAG than this job knows to be there is named, with what to do."""
    source = history(6)
    target = empty_like(source)
    async with world(tmp_path, source, target) as job:
        await job.run()
        target.remove_run(DAG, next(source.runs(DAG))["run_id"])
        async with job.sides() as (left, right):
            plan = await make_plan(left, right, job.settings.selection)
        problems = lost_on_target(plan, await job.totals())
    assert list(problems) == [DAG]
    assert "6 runs were there, now it has 5" in problems[DAG]


async def test_a_changed_run_is_moved_when_its_earlier_version_is_gone(tmp_path: Path) -> None:
    """A run that was run again at the source is moved anew once somebody has deleted it on the target."""
    source = history(6)
    target = empty_like(source)
    async with world(tmp_path, source, target) as job:
        await job.run()
        again = next(source.runs(DAG))
        again["start_date"] = again["end_date"] = "2026-06-01 00:00:00+00:00"
        for _ in range(2):
            await job.run()
            assert await job.outcomes(again["run_id"], dag_id=DAG) == [Outcome.CHANGED]
        target.remove_run(DAG, again["run_id"])
        await job.run()
        assert job.differences() == []
        assert await job.outcomes(again["run_id"], dag_id=DAG) == [Outcome.MOVED]
