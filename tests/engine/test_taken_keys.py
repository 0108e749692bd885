"""Runs whose id the target has already, in another version: an Airflow 3 passes over them with a 200."""

from pathlib import Path

import pytest

from transfer.emulator import Exchange, TableHistory
from transfer.kinds import CHILDREN, DAG_RUNS, TASK_INSTANCES, Row
from transfer.model import Outcome

from .test_directions import both, source_of, target_for, verified
from .worlds import World, behaviour, world

DAG = "dag_0000"
LATER = "2027-01-01 00:00:00+00:00"
PAIRS = [("2.11.2", "2.11.2"), ("2.11.2", "3.1.8"), ("3.1.8", "3.1.8")]


def finished(table: TableHistory) -> str:
    """Return the id of a run that can be moved, and removed."""
    ids = [run["run_id"] for run in table.runs(DAG) if run["state"] == "success" and "/" not in run["run_id"]]
    return str(ids[3])


def run_again(table: TableHistory, run_id: str) -> None:
    """Clear a run and let it succeed again, later."""
    table.clear_run(DAG, run_id)
    table.move_run(DAG, run_id, start_date=LATER, state="success")
    for row in table.children(TASK_INSTANCES, DAG, run_id):
        row.update(state="success", hostname="again")


async def outcome(job: World, run_id: str) -> Outcome:
    """Return what is remembered of a run."""
    (found,) = await job.outcomes(run_id, dag_id=DAG)
    return found


def whole(table: TableHistory, run_id: str) -> dict[str, list[Row]]:
    """Return everything that a table has of a run of ``DAG``."""
    run = table.run(DAG, run_id)
    rows = {kind.name: [dict(row) for row in table.children(kind, DAG, run_id)] for kind in CHILDREN}
    return rows | {DAG_RUNS.name: [dict(run)] if run else []}


@pytest.mark.parametrize("pair", PAIRS)
async def test_a_run_that_changed_stays_as_it_was_moved(tmp_path: Path, pair: tuple[str, str]) -> None:
    """However often the job is run, the versions are not mixed, and the run is listed until it is replaced."""
    source = TableHistory.copy_of(source_of(pair[0]))
    target = target_for(source, pair[1])
    async with world(tmp_path, source, target, **both(*pair)) as job:
        await job.run()
        run_id = finished(source)
        before = whole(target, run_id)
        run_again(source, run_id)
        for _ in range(3):
            await job.run()
            assert (await outcome(job, run_id), whole(target, run_id)) == (Outcome.CHANGED, before)
        async with job.checkpoint() as checkpoint:
            await checkpoint.replace_changed([DAG])
        await job.run(replace=True)
        assert await outcome(job, run_id) == Outcome.MOVED
        assert (job.differences(), await verified(job, tmp_path / "verified")) == ([], [])


@pytest.mark.parametrize("pair", PAIRS)
async def test_a_run_of_the_target_itself_is_no_moved_one(tmp_path: Path, pair: tuple[str, str]) -> None:
    """Its scheduler has made it for the same date: ours is rejected, and nothing of ours is hung on it."""
    source = TableHistory.copy_of(source_of(pair[0]))
    run_id = finished(source)
    target = target_for(source, pair[1])
    async with world(tmp_path / "made", source, target, **both(*pair)) as job:
        await job.run()
    own = dict(target.run(DAG, run_id) or {}) | {"start_date": LATER}
    target.delete_runs(DAG)
    target.add(DAG_RUNS, own)
    async with world(tmp_path / "moved", source, target, **both(*pair)) as job:
        await job.run()
        assert await outcome(job, run_id) == Outcome.REJECTED
        assert whole(target, run_id) == {DAG_RUNS.name: [own]} | {kind.name: [] for kind in CHILDREN}
        moved = (await job.moved())[DAG_RUNS.name]
        assert moved + 1 == len([run for run in source.runs(DAG) if run["state"] in {"success", "failed"}])


@pytest.mark.parametrize("pair", PAIRS)
async def test_a_run_that_the_target_makes_meanwhile_is_no_moved_one(tmp_path: Path, pair: tuple[str, str]) -> None:
    """Also where the target had nothing when the job began."""
    source = TableHistory.copy_of(source_of(pair[0]))
    run_id = finished(source)
    target = target_for(source, pair[1])
    async with world(tmp_path / "made", source, target, **both(*pair)) as job:
        await job.run()
    own = dict(target.run(DAG, run_id) or {}) | {"start_date": LATER}
    target.delete_runs(DAG)

    async def schedule(exchange: Exchange) -> None:
        if (exchange.method, exchange.route) == ("POST", DAG_RUNS.route) and not target.has_run(DAG, run_id):
            target.add(DAG_RUNS, own)

    behaviours = (behaviour(airflow_version=pair[0]), behaviour(airflow_version=pair[1], on_request=schedule))
    async with world(tmp_path / "moved", source, target, behaviours=behaviours) as job:
        await job.run()
        assert await outcome(job, run_id) == Outcome.REJECTED
        assert whole(target, run_id) == {DAG_RUNS.name: [own]} | {kind.name: [] for kind in CHILDREN}
