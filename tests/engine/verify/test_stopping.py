"""Stopped or killed at any moment, a verification goes on and ends with the same result."""

from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from tests.engine.reading import TableSide
from tests.engine.tables import DAG, history
from transfer.findings import read_findings

from .comparing import Verification, verifying
from .corruptions import Vandal, moved

STEPS = pytest.mark.parametrize("step", range(1, 70, 9))


def damaged(folder: Path, **options: Any) -> AbstractAsyncContextManager[Verification]:
    """Make a verification of two DAGs with damage of every sort."""
    source = history(20, dags=("a", "b"))
    target = moved(source)
    vandal = Vandal(target, 3)
    for _ in range(15):
        vandal.strike()
    return verifying(folder, source, target, window_runs=6, **options)


async def uninterrupted(folder: Path) -> object:
    """Return everything that is found when nothing happens."""
    async with damaged(folder) as job:
        await job.run()
        return job.found(), job.results()


@STEPS
@pytest.mark.parametrize("requests", [1, 2], ids=["softly", "at once"])
async def test_a_stopped_verification_goes_on(tmp_path: Path, step: int, requests: int) -> None:
    """Stopped before any answer, the next run goes on with the same verification and finds the same, counted once."""
    async with damaged(tmp_path / "stopped") as job:

        def stop(side: TableSide) -> None:
            if side.requests == step:
                for _ in range(requests):
                    job.stop.request()

        job.target.before = stop
        assert (await job.run()).stopped
        job.target.before = lambda _side: None
        ending = await job.run()
        assert (ending.problems, ending.stopped) == ({}, False)
        assert (job.found(), job.results()) == await uninterrupted(tmp_path / "whole")


class KilledError(BaseException):
    """Stands for the end of the process."""


@STEPS
async def test_a_killed_verification_goes_on(tmp_path: Path, step: int) -> None:
    """The same holds when the process just ends, as often as it likes."""
    async with damaged(tmp_path / "killed") as job:

        def kill(side: TableSide) -> None:
            if side.requests % (step + 20) == 0:
                raise KilledError

        job.source.before = kill
        for _ in range(50):
            try:
                await job.run()
            except (KilledError, BaseExceptionGroup):
                continue
            break
        assert (job.found(), job.results()) == await uninterrupted(tmp_path / "whole")


async def test_a_finished_verification_is_replaced(tmp_path: Path) -> None:
    """The next run after the end begins anew, under another id."""
    async with damaged(tmp_path) as job:
        ids = []
        for _ in range(2):
            await job.run()
            with read_findings(job.folder) as findings:
                assert findings.finished
                ids.append(findings.id)
        assert ids[0] != ids[1]


@pytest.mark.parametrize("change", [{"sample": 0.5}, {"one_way": True}, {"seed": 5}, {"restart": True}, {}])
async def test_what_is_another_verification(tmp_path: Path, change: dict[str, Any]) -> None:
    """Another sample, seed or direction begins anew, and so does --restart; the same one goes on."""
    async with damaged(tmp_path) as job:
        job.target.before = lambda side: job.stop.request() if side.requests == 9 else None
        await job.run()
        with read_findings(job.folder) as findings:
            before = findings.id
            assert not findings.finished
    async with damaged(tmp_path, **{name: value for name, value in change.items() if name != "restart"}) as job:
        await job.run(restart="restart" in change)
        with read_findings(job.folder) as findings:
            assert (findings.id == before) == (not change)


async def test_a_dag_that_is_gone_does_not_keep_a_verification_open(tmp_path: Path) -> None:
    """A DAG that the source no longer has is dropped when the verification goes on, unless it was compared."""
    async with damaged(tmp_path) as job:
        job.target.before = lambda side: job.stop.request() if side.requests == 9 else None
        await job.run()
        job.target.before = lambda _side: None
        job.source.table._dags.pop("b")
        ending = await job.run()
        assert ending.problems == {}
        with read_findings(job.folder) as findings:
            assert (findings.finished, [dag.dag_id for dag in findings.dags()]) == (True, ["a"])


async def test_a_dag_in_trouble_is_tried_again(tmp_path: Path) -> None:
    """What fails for one DAG leaves the others alone and the verification open; the next run tries that DAG again."""
    source = history(5, dags=(DAG, "other"))
    source.run(DAG, "scheduled__2025-01-03T00:00:00+00:00")["execution_date"] = "no date"  # type: ignore[index]  # it is there
    async with verifying(tmp_path, source, moved(source)) as job:
        ending = await job.run()
        assert list(ending.problems) == [DAG]
        results = job.results()
        assert (results[DAG].problem, results["other"].problem) == (ending.problems[DAG], "")
        source.run(DAG, "scheduled__2025-01-03T00:00:00+00:00")["execution_date"] = "2025-01-03 00:00:00+00:00"  # type: ignore[index]  # it is there
        job.source.requests = 0
        assert (await job.run()).problems == {}
        assert job.results()[DAG].problem == ""
