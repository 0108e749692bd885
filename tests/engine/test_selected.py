"""What the selection takes: dates, states, the newest, names."""

from datetime import timedelta
from pathlib import Path

import pytest

from transfer.emulator import Exchange, TableHistory
from transfer.emulator.rows import EPOCH, run_row
from transfer.engine.stop import Stop
from transfer.errors import TransferError
from transfer.model import Outcome

from .tables import DAG, add_run, empty_like, history, tied
from .worlds import world


def numbers(target: TableHistory) -> set[int]:
    """Return the numbers of the runs that are there."""
    dates = {run_row(DAG, number)["execution_date"]: number for number in range(400)}
    return {dates[run["execution_date"]] for run in target.runs(DAG)}


async def test_dates_choose(tmp_path: Path) -> None:
    """Runs from ``since`` on, and before ``until``, are moved; no others."""
    source = history(20)
    target = empty_like(source)
    since, until = EPOCH + timedelta(days=4), EPOCH + timedelta(days=9)
    async with world(tmp_path, source, target, since=since, until=until, window_runs=3) as job:
        ending = await job.run()
        assert (ending.problems, numbers(target)) == ({}, {4, 5, 6, 7, 8})
        assert (await job.totals()).runs[DAG] == {Outcome.MOVED: 5, Outcome.UNSELECTED: 15}


async def test_states_choose(tmp_path: Path) -> None:
    """Only the selected states are moved; a run in the other finished state is no unfinished one."""
    source = history(5)
    add_run(source, 6, state="failed")
    add_run(source, 7, state="running")
    target = empty_like(source)
    async with world(tmp_path, source, target, states=("failed",)) as job:
        await job.run()
        assert numbers(target) == {6}
        assert (await job.totals()).runs[DAG] == {Outcome.MOVED: 1, Outcome.UNSELECTED: 5, Outcome.UNFINISHED: 1}


@pytest.mark.parametrize("window_runs", [1, 3, 100])
async def test_the_newest_are_enough(tmp_path: Path, window_runs: int) -> None:
    """With ``newest`` only so many matching runs of each DAG are moved, those that started last."""
    source = history(20)
    target = empty_like(source)
    async with world(tmp_path, source, target, newest=4, window_runs=window_runs) as job:
        ending = await job.run()
        await job.run()
        assert (ending.problems, numbers(target)) == ({}, {16, 17, 18, 19})


async def test_the_newest_of_a_tie_are_no_more_than_asked_for(tmp_path: Path) -> None:
    """A tie is cut by ``newest``, and a second run does not take the rest of it."""
    source = tied(12, 6)
    target = empty_like(source)
    async with world(tmp_path, source, target, newest=4) as job:
        await job.run()
        await job.run()
        assert target.run_count(DAG) == 4


async def test_a_run_that_is_no_longer_among_the_newest_stays_moved(tmp_path: Path) -> None:
    """What was moved is remembered as moved when newer runs push it out of the selection."""
    source = history(6)
    async with world(tmp_path, source, empty_like(source), newest=4) as job:
        await job.run()
        add_run(source, 50)
        add_run(source, 51)
        await job.run()
        assert (await job.totals()).runs[DAG][Outcome.MOVED] == 6


async def test_globs_choose(tmp_path: Path) -> None:
    """DAGs are chosen by globs, and excluded by others."""
    source = history(2, dags=("a_1", "a_2", "b_1"))
    async with world(tmp_path, source, empty_like(source), dags=("a_*",), exclude_dags=("*_2",)) as job:
        await job.run()
        assert list(job.target.history.dag_ids()) == ["a_1"]


async def test_nothing_selected_is_an_error(tmp_path: Path) -> None:
    """A selection that takes no DAG at all is told, before anything is sent."""
    source = history(2)
    async with world(tmp_path, source, empty_like(source), dags=("x*",)) as job:
        with pytest.raises(TransferError, match=r"none of its 1 DAGs is selected by x\*"):
            await job.run()


@pytest.mark.parametrize("requests", [10, 16, 22, 30])
async def test_a_resumed_job_counts_the_newest_from_the_front(tmp_path: Path, requests: int) -> None:
    """A job that was stopped in the middle takes no more runs than asked for when it goes on."""
    source = history(30)
    target = empty_like(source)
    async with world(tmp_path, source, target, newest=10, window_runs=2) as job:
        stop = Stop()
        seen = 0

        async def stop_soon(_exchange: Exchange) -> None:
            nonlocal seen
            seen += 1
            if seen == requests:
                stop.request()

        job.source.behaviour.on_request = stop_soon
        await job.run(stop)
        await job.run()
        assert numbers(target) == set(range(20, 30))
