"""Where reading goes on, and when a pass or a DAG is over."""

from pathlib import Path

import pytest

from transfer.checkpoint import Checkpoint, PlannedDag, ResumePoint
from transfer.model import Outcome

from .samples import DAG, JOB, move, run_ids, runs, settlement, started, window


async def test_first_pass_starts_at_the_front(tmp_path: Path) -> None:
    """A DAG that was never read is read from offset 0 in pass 1."""
    async with Checkpoint.open(tmp_path, JOB) as checkpoint:
        await checkpoint.store_plan([PlannedDag(DAG, 20, listed=True, on_target=True)])
        assert await checkpoint.resume_point(DAG) == ResumePoint(1, 0, 0, None, fresh=True)


async def test_resume_behind_the_last_done_window(tmp_path: Path) -> None:
    """After a restart the pass goes on behind its done windows, with the start date of their last run."""
    async with started(tmp_path) as checkpoint:
        await move(checkpoint, window(0), window(1))
    async with Checkpoint.open(tmp_path, JOB) as checkpoint:
        point = await checkpoint.resume_point(DAG)
    assert point == ResumePoint(1, 2, 10, window(1).end, fresh=False)


async def test_resume_at_the_first_gap(tmp_path: Path) -> None:
    """A window that was cut but not done is read again with all that follow it, and its runs stay in flight."""
    async with started(tmp_path) as checkpoint:
        await move(checkpoint, window(0))
        await checkpoint.cut(window(1), runs(5, 5, Outcome.IN_FLIGHT))
        await move(checkpoint, window(2))
        assert await checkpoint.resume_point(DAG) == ResumePoint(1, 1, 5, window(0).end, fresh=False)
        known = await checkpoint.recall(DAG, run_ids(0, 15))
    assert [known[name].outcome for name in run_ids(0, 15)] == (
        [Outcome.MOVED] * 5 + [Outcome.IN_FLIGHT] * 5 + [Outcome.MOVED] * 5
    )


async def test_overtaken_windows_keep_their_counts(tmp_path: Path) -> None:
    """A done window behind a gap gives up its number to a window of another size, and still counts."""
    async with started(tmp_path) as checkpoint:
        await move(checkpoint, window(1))
        await checkpoint.resume_point(DAG)
        await move(checkpoint, window(0, size=7), window(1, size=7))
        totals = await checkpoint.totals()
    assert totals.rows[DAG]["task_instances"].moved == 30
    assert totals.rows[DAG]["dag_runs"].moved == 14
    assert totals.windows_done == 3


async def test_finished_pass_is_followed_by_the_next(tmp_path: Path) -> None:
    """After a pass was finished the DAG is read from the front again, in a new pass."""
    async with started(tmp_path) as checkpoint:
        await move(checkpoint, window(0))
        await checkpoint.finish_pass(DAG, 1)
        assert await checkpoint.resume_point(DAG) == ResumePoint(2, 0, 0, None, fresh=True)
        assert await checkpoint.resume_point(DAG) == ResumePoint(2, 0, 0, None, fresh=True)


async def test_restarted_pass_leaves_windows_on_their_way_alone(tmp_path: Path) -> None:
    """A window of a pass that was given up may still be settled, and does not count as seen in the new pass."""
    async with started(tmp_path) as checkpoint:
        await checkpoint.cut(window(0), runs(0, 5, Outcome.IN_FLIGHT))
        assert await checkpoint.restart_pass(DAG) == ResumePoint(2, 0, 0, None, fresh=True)
        await checkpoint.settle(settlement(window(0)))
        assert (await checkpoint.recall(DAG, run_ids(0, 1)))[run_ids(0, 1)[0]].outcome is Outcome.MOVED
        assert await checkpoint.seen_in_pass(DAG, 2) == 0


async def test_seen_counts_distinct_runs_once(tmp_path: Path) -> None:
    """Overlapping windows settle a run twice but it is seen once; runs in flight are not seen."""
    async with started(tmp_path) as checkpoint:
        await move(checkpoint, window(0, size=5), window(1, size=5, offset=4))
        await checkpoint.cut(window(2, offset=9), runs(9, 5, Outcome.IN_FLIGHT))
        assert await checkpoint.seen_in_pass(DAG, 1) == 9


async def test_run_that_is_cut_again_is_not_seen(tmp_path: Path) -> None:
    """A run that was settled in this pass and is in flight again has to be settled again to count as seen."""
    async with started(tmp_path) as checkpoint:
        await move(checkpoint, window(1))
        assert await checkpoint.seen_in_pass(DAG, 1) == 5
        await checkpoint.resume_point(DAG)
        await checkpoint.cut(window(0, size=7), runs(0, 7, Outcome.IN_FLIGHT))
        assert await checkpoint.seen_in_pass(DAG, 1) == 3


async def test_pass_with_an_open_window_cannot_be_finished(tmp_path: Path) -> None:
    """Finishing a pass one of whose windows is not done is refused, for its runs would be forgotten."""
    async with started(tmp_path) as checkpoint:
        await checkpoint.cut(window(0), runs(0, 5, Outcome.IN_FLIGHT))
        with pytest.raises(ValueError, match="window 0 is not done"):
            await checkpoint.finish_pass(DAG, 1)


async def test_finished_pass_forgets_windows_without_counts(tmp_path: Path) -> None:
    """Windows in which nothing moved are dropped with their pass, so that repeated runs do not grow the file."""
    async with started(tmp_path) as checkpoint:
        await move(checkpoint, window(0))
        await checkpoint.settle(settlement(window(1), Outcome.ALREADY))
        await checkpoint.finish_pass(DAG, 1)
        totals = await checkpoint.totals()
    assert totals.windows_done == 1
    assert totals.rows[DAG]["dag_runs"].already == 5


async def test_dag_is_done_until_a_newer_plan_counts_more(tmp_path: Path) -> None:
    """A DAG is done when its pass is finished, and no longer when a new plan finds more runs at the source."""
    async with started(tmp_path, run_count=10) as checkpoint:
        await move(checkpoint, window(0), window(1))
        assert not (await checkpoint.totals()).dags_done
        await checkpoint.finish_pass(DAG, 1)
        assert (await checkpoint.totals()).dags_done == {DAG}
        await checkpoint.store_plan([PlannedDag(DAG, 11, listed=True, on_target=True)])
        assert not (await checkpoint.totals()).dags_done


async def test_empty_dag_can_be_done(tmp_path: Path) -> None:
    """A DAG without runs is done once its pass is finished."""
    async with started(tmp_path, run_count=0) as checkpoint:
        await checkpoint.finish_pass(DAG, 1)
        assert (await checkpoint.totals()).dags_done == {DAG}


async def test_plan_is_replaced_but_history_is_kept(tmp_path: Path) -> None:
    """A DAG that is no longer planned leaves the plan, and what was moved of it still counts."""
    other = PlannedDag("another_dag", 3, listed=False, on_target=False, note="not on the target")
    async with started(tmp_path) as checkpoint:
        await move(checkpoint, window(0))
        await checkpoint.store_plan([other])
        assert await checkpoint.plan() == [other]
        assert (await checkpoint.totals()).runs == {DAG: {Outcome.MOVED: 5}}


async def test_unplanned_dag_is_a_mistake(tmp_path: Path) -> None:
    """Asking for a DAG that never was in a plan is a caller's mistake, not an answer."""
    async with started(tmp_path) as checkpoint:
        with pytest.raises(ValueError, match="not in the plan"):
            await checkpoint.resume_point("unknown")
