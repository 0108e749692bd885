"""A run that came to the front meanwhile stands in two windows: the later look must not undo what the other one did."""

from pathlib import Path

from transfer.model import Outcome, RejectedRow, SettledRun, Settlement

from .samples import DAG, move, run_ids, runs, settlement, started, window

RUN = run_ids(0, 1)[0]
SEEN_UNFINISHED = SettledRun(RUN, 5, Outcome.UNFINISHED)


async def test_an_earlier_look_does_not_undo_a_later_settlement(tmp_path: Path) -> None:
    """What a window noted of a run that another one has moved since is not taken, nor is its rejected row."""
    stale = RejectedRow("dag_runs", DAG, RUN, "", "changed")
    async with started(tmp_path) as checkpoint:
        await move(checkpoint, window(0, size=1))
        late = Settlement(window(1), [SEEN_UNFINISHED, *runs(7, 1)], {}, [stale], {RUN: None})
        await checkpoint.settle(late)
        known = await checkpoint.recall(DAG, [RUN, *run_ids(7, 1)])
        assert {run.outcome for run in known.values()} == {Outcome.MOVED}
        assert (await checkpoint.totals()).rows[DAG]["dag_runs"].rejected == 0


async def test_what_was_noted_of_an_untouched_run_is_taken(tmp_path: Path) -> None:
    """A run of which the same is remembered as when it was looked at becomes what the window says."""
    async with started(tmp_path) as checkpoint:
        await checkpoint.settle(settlement(window(0, size=1), Outcome.UNSELECTED))
        before = await checkpoint.recall(DAG, [RUN])
        await checkpoint.settle(Settlement(window(1), [SEEN_UNFINISHED], {}, [], dict(before)))
        assert await checkpoint.recall(DAG, [RUN]) == {RUN: SEEN_UNFINISHED}


async def test_a_run_that_another_window_has_dealt_with_is_not_claimed(tmp_path: Path) -> None:
    """A window is not cut, and claims nothing, if one of its runs is remembered otherwise than when it was read."""
    async with started(tmp_path) as checkpoint:
        await move(checkpoint, window(0, size=1))
        claims = [SettledRun(RUN, 5, Outcome.IN_FLIGHT), *runs(7, 1, Outcome.IN_FLIGHT)]
        assert not await checkpoint.cut(window(1), claims, {RUN: None})
        assert set(await checkpoint.recall(DAG, [RUN, *run_ids(7, 1)])) == {RUN}
        assert await checkpoint.cut(window(1), claims, await checkpoint.recall(DAG, [RUN]))
