"""A source that goes on working while it is read."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from transfer.emulator import Exchange
from transfer.kinds import TASK_INSTANCES

from .tables import DAG, add_run, empty_like, history
from .worlds import behaviour, world


async def test_runs_that_keep_coming_do_not_keep_a_dag_from_ending(tmp_path: Path) -> None:
    """A DAG with a new run every few requests is read to its end, with every run that was there."""
    source = history(150)
    count = 0

    async def work(_exchange: Exchange) -> None:
        nonlocal count
        count += 1
        if count % 6 == 0:
            add_run(source, 1_000 + count)

    behaviours = (behaviour(on_request=work), behaviour())
    async with world(tmp_path, source, empty_like(source), behaviours=behaviours, window_runs=25) as job:
        before = {run["run_id"] for run in source.runs(DAG)}
        assert (await job.run()).problems == {}
        assert before <= {run["run_id"] for run in job.target.history.runs(DAG)}


async def test_a_finished_run_waits_for_its_running_task(tmp_path: Path) -> None:
    """A run that ended an hour ago with a task still running is left for the next run; an old one is not."""
    source = history(4)
    recent, old = [run["run_id"] for run in source.runs(DAG)][:2]
    ended = str(datetime.now(UTC) - timedelta(hours=1))
    next(run for run in source.runs(DAG) if run["run_id"] == recent)["end_date"] = ended
    for run_id in (recent, old):
        source.children(TASK_INSTANCES, DAG, run_id)[0]["state"] = "running"
    async with world(tmp_path, source, empty_like(source)) as job:
        await job.run()
        assert [run["run_id"] for run in job.target.history.runs(DAG)].count(recent) == 0
        assert [run["run_id"] for run in job.target.history.runs(DAG)].count(old) == 1
        source.children(TASK_INSTANCES, DAG, recent)[0]["state"] = "success"
        await job.run()
        assert job.differences() == []
