"""Memory holds a window of each DAG under way, however long the DAG is."""

import tracemalloc
from pathlib import Path

import pytest

from tests.engine.tables import DAG, add_run, history
from transfer.engine.verify.judge import Judge, Verdict, Window
from transfer.kinds import DAG_RUNS
from transfer.model import Mark

from .comparing import verifying
from .corruptions import Vandal, moved


async def peak(folder: Path, runs: int) -> int:
    """Return the most memory in bytes that a verification of ``runs`` runs takes, a tenth of which differ."""
    source = history(runs, tasks=1)
    target = moved(source)
    vandal = Vandal(target, 1)
    for _ in range(runs // 10):
        vandal.strike()
    for table in (source, target):
        table.page(DAG_RUNS, DAG, 0, 1)  # the tables' own order of their runs is made once
    async with verifying(folder, source, target, window_runs=20) as job:
        tracemalloc.start()
        try:
            await job.run()
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()


async def test_memory_does_not_grow_with_a_dag(tmp_path: Path) -> None:
    """Six times the runs, six times the differences, about the same memory."""
    await peak(tmp_path / "warm", 50)
    small = await peak(tmp_path / "small", 150)
    large = await peak(tmp_path / "large", 900)
    assert large < 2 * small  # the interpreter keeps small tuples for later, up to a number of its own


@pytest.mark.parametrize("between", [5, 12])
async def test_what_the_target_alone_has_does_not_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, between: int
) -> None:
    """However many runs the target has between two runs of a window, few are held, and all of them are surplus."""
    most = 0
    judged = Judge.window

    def window(self: Judge, what: Window) -> Verdict:
        nonlocal most
        most = max(most, len(what.target.runs))
        return judged(self, what)

    monkeypatch.setattr(Judge, "window", window)
    source = history(4, tasks=1)
    for number in (10, 1_020, 1_021):
        add_run(source, number)
    target = moved(source)
    for number in range(between, 1_000):
        add_run(target, number, run_id=f"mine {number}", tasks=0)
    async with verifying(tmp_path, source, target, window_runs=10) as job:
        await job.run()
        assert (most <= 10, job.found()) == (True, job.expected())


@pytest.mark.parametrize("step", range(4, 60, 11))
async def test_surplus_that_was_stored_is_counted_once(tmp_path: Path, step: int) -> None:
    """A window that is read again after some of it was stored counts nothing twice and misses nothing."""
    source = history(30)
    target = moved(source)
    for number in range(150):
        add_run(target, number % 30, run_id=f"mine {number}", tasks=0, start_date=f"2025-01-10 00:{number // 5:02}:00")
    async with verifying(tmp_path, source, target, window_runs=10) as job:
        job.target.before = lambda side: job.stop.request() if side.requests == step else None
        assert (await job.run()).stopped
        assert (await job.run()).problems == {}
        assert (job.found(), job.results()[DAG].rows["dag_runs"]) == (
            job.expected(),
            {Mark.SAME: 30, Mark.EXTRA: 150},
        )
