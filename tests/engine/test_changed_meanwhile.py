"""Runs that change at the source between two runs of the program, of which the target has a part."""

from pathlib import Path

from transfer.emulator.rows import run_row
from transfer.engine.choose import Choice
from transfer.engine.window import LoadedWindow
from transfer.kinds import DAG_RUNS, TASK_INSTANCES
from transfer.model import Outcome, Window
from transfer.report import rejected_rows

from .tables import DAG, empty_like, history
from .test_half_written import stopped_before_the_tries
from .worlds import stored, world


async def test_a_half_written_run_that_was_marked_is_not_taken_for_the_new_version(tmp_path: Path) -> None:
    """A run that was begun and then marked by hand, so that only its state differs, is reported as changed."""
    source = history(3)
    run = next(source.runs(DAG))
    async with world(tmp_path, source, empty_like(source)) as job:
        await stopped_before_the_tries(job)
        run["state"] = "failed"
        assert (await job.run()).problems == {}
        assert await job.outcomes(run["run_id"], dag_id=DAG) == [Outcome.CHANGED]
        assert rejected_rows(await job.totals()) > 0


async def test_a_half_written_run_that_ran_again_is_reported_as_changed(tmp_path: Path) -> None:
    """A run that was begun, cleared and finished again is there in its earlier version, unmixed."""
    source = history(3)
    run_id = next(source.runs(DAG))["run_id"]
    async with world(tmp_path, source, empty_like(source)) as job:
        await stopped_before_the_tries(job)
        before = stored(job.target.history)
        source.clear_run(DAG, run_id)
        source.move_run(DAG, run_id, start_date="2025-05-01 00:00:00+00:00", state="success")
        assert (await job.run()).problems == {}
        assert await job.outcomes(run_id, dag_id=DAG) == [Outcome.CHANGED]
        assert stored(job.target.history) == before | {"task_instance_history": 2}


def test_a_partial_run_is_looked_for_before_it_is_sent() -> None:
    """A lost answer must not make rows that were counted in an earlier try count once more."""
    choice = Choice(to_move=[run_row(DAG, 1)])
    before = {run_row(DAG, 1)["run_id"]: Outcome.PARTIAL}
    assert LoadedWindow(Window(DAG, 1, 0, 0, 1, None), choice, set(), 1, before).in_doubt


def test_a_run_that_stays_as_it_is_is_not_claimed() -> None:
    """Until its rejected row is stored, a begun run that has changed is remembered as begun: it is met again."""
    row = run_row(DAG, 1)
    choice = Choice(to_move=[row], fingerprints={row["run_id"]: 1})
    loaded = LoadedWindow(Window(DAG, 1, 0, 0, 1, None), choice, set(), 1, {row["run_id"]: Outcome.CHANGED})
    assert loaded.claims({row["run_id"]}) == []
    assert [claim.outcome for claim in loaded.claims(set())] == [Outcome.IN_FLIGHT]


async def test_a_partial_run_that_runs_again_stays_in_the_list(tmp_path: Path) -> None:
    """The rejected rows of a partial run are named until it is tried again, also while it is running."""
    source = history(3)
    run_id = run_row(DAG, 1)["run_id"]
    source.children(TASK_INSTANCES, DAG, run_id)[1]["queue"] = "q" * 300
    async with world(tmp_path, source, empty_like(source)) as job:
        await job.run()
        source.clear_run(DAG, run_id)
        await job.run()
        assert rejected_rows(await job.totals()) == 1


async def test_a_second_look_at_the_front_takes_the_newest_too(tmp_path: Path) -> None:
    """A refused run stays refused when the front is read once more, in search of a run that is gone."""
    source = history(8)
    target = empty_like(source)
    rival = run_row(DAG, 7, run_id="rival", start_date="2025-06-01 00:00:00+00:00")
    async with world(tmp_path, source, target, window_runs=1, newest=3) as job:
        await stopped_before_the_tries(job)
        gone = [run["run_id"] for run in target.runs(DAG)]
        assert gone
        for run_id in gone:
            source.remove_run(DAG, run_id)
        left = next(source.runs(DAG))
        target.add(DAG_RUNS, rival | {"execution_date": left["execution_date"]})
        await job.run()
        assert await job.outcomes(left["run_id"], dag_id=DAG) == [Outcome.REJECTED]
