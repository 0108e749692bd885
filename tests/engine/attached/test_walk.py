"""Finding the runs again that were moved, to move what hangs on them."""

from pathlib import Path
from random import Random

import pytest

from tests.engine.reading import TableSide
from tests.engine.tables import DAG, Mutator, add_run, history, tied
from transfer.checkpoint import AttachedStep
from transfer.engine.attached.walk import FOUND, OURS, Task
from transfer.kinds import TASK_INSTANCES
from transfer.model import Attached, RejectedRow

from .walking import LOGS, moved, names, walk, walking

pytestmark = pytest.mark.anyio


async def test_every_moved_run_comes_with_its_tries(tmp_path: Path) -> None:
    """A run comes once, with its task instances as they are now and with their earlier tries."""
    table = history(9, dags=("etl", "ml"))
    async with moved(tmp_path, table) as checkpoint:
        runs, ending = await walk(walking(checkpoint, TableSide(table)))
    assert names(runs) == sorted(run["run_id"] for dag_id in ("etl", "ml") for run in table.runs(dag_id))
    tasks = [Task("task_0", -1, 2, "success", True), Task("task_1", -1, 1, "success", True)]
    assert all(sorted(run.tasks) == tasks for run in runs)
    assert all(run.earlier == [Task("task_0", -1, 1, "failed", True)] for run in runs)
    assert (ending.problems, ending.left) == ({}, {})


async def test_a_run_that_is_not_over_does_not_come(tmp_path: Path) -> None:
    """What was not moved has nothing that could be moved with it."""
    table = history(3)
    running = add_run(table, 7, state="running")
    async with moved(tmp_path, table) as checkpoint:
        runs, _ = await walk(walking(checkpoint, TableSide(table)))
    assert len(runs) == 3
    assert running["run_id"] not in names(runs)


async def test_runs_that_were_there_come_only_when_asked_for(tmp_path: Path) -> None:
    """The runs that the target had before are other runs than those that this job wrote."""
    table = history(4)
    async with moved(tmp_path, table, history(4)) as checkpoint:
        assert (await walk(walking(checkpoint, TableSide(table))))[0] == []
        runs, _ = await walk(walking(checkpoint, TableSide(table), outcomes=OURS | FOUND))
    assert len(runs) == 4


async def test_what_is_done_costs_no_request(tmp_path: Path) -> None:
    """Once everything is done the source is not asked at all."""
    table = history(9)
    side = TableSide(table)
    async with moved(tmp_path, table) as checkpoint:
        await walk(walking(checkpoint, side), done=True)
        side.requests = 0
        assert (await walk(walking(checkpoint, side)))[0] == []
    assert side.requests == 0


async def test_done_for_one_kind_is_not_done_for_another(tmp_path: Path) -> None:
    """Logs that have arrived say nothing of XComs."""
    table = history(2)
    async with moved(tmp_path, table) as checkpoint:
        await walk(walking(checkpoint, TableSide(table)), done=True)
        assert await checkpoint.runs_left(LOGS, OURS) == {}
        assert await checkpoint.runs_left(Attached.XCOMS, OURS) == {DAG: 2}


async def test_only_children_of_runs_that_are_left_are_read(tmp_path: Path) -> None:
    """Slices of which everything is done are passed over, and the walk ends with the last run that is left."""
    table = history(40)
    side = TableSide(table)
    ids = sorted(run["run_id"] for run in table.runs(DAG))
    async with moved(tmp_path, table) as checkpoint:
        steps = [AttachedStep(DAG, run_id, done=True) for run_id in ids if run_id != ids[20]]
        await checkpoint.attach(LOGS, steps)
        side.pages = 0
        runs, _ = await walk(walking(checkpoint, side))
    assert names(runs) == [ids[20]]
    assert side.pages == 2


async def test_pieces_of_a_run_are_remembered_until_it_is_done(tmp_path: Path) -> None:
    """A run under way comes again with what needs nothing more; when it is done only that is remembered."""
    table = history(1)
    (run,) = table.runs(DAG)
    async with moved(tmp_path, table) as checkpoint:
        await checkpoint.attach(LOGS, [AttachedStep(DAG, run["run_id"], ["a", "b"], {"moved": 2})])
        (again,), _ = await walk(walking(checkpoint, TableSide(table)))
        await checkpoint.attach(LOGS, [AttachedStep(DAG, run["run_id"], counts={"moved": 1}, done=True)])
        assert await checkpoint.pieces_done(DAG, LOGS, [run["run_id"]]) == {}
        totals = await checkpoint.totals()
    assert len(again.pieces) == 2
    assert totals.attached == {"task_logs": {"moved": 3}}
    assert totals.rows[DAG]["task_logs"].moved == 3


async def test_a_refused_piece_is_tried_again_until_it_is_accepted(tmp_path: Path) -> None:
    """Its reason stands among the rejected rows until then, also when the run itself is looked at again."""
    table = history(1)
    (run,) = table.runs(DAG)
    refused = RejectedRow("task_logs", DAG, run["run_id"], "a", "too large")
    async with moved(tmp_path, table) as checkpoint:
        await checkpoint.attach(LOGS, [AttachedStep(DAG, run["run_id"], rejected=[refused])])
    async with moved(tmp_path, table) as checkpoint:
        assert (await checkpoint.totals()).rows[DAG]["task_logs"].rejected == 1
        assert len((await walk(walking(checkpoint, TableSide(table))))[0]) == 1
        await checkpoint.attach(LOGS, [AttachedStep(DAG, run["run_id"], ["a"])])
        assert "task_logs" not in (await checkpoint.totals()).rows[DAG]


async def test_a_run_that_changed_is_left_out_and_named(tmp_path: Path) -> None:
    """What hangs on it now belongs to another version than the one that the target has."""
    table = history(3)
    changed = next(iter(table.runs(DAG)))["run_id"]
    async with moved(tmp_path, table) as checkpoint:
        table.move_run(DAG, changed, start_date="2031-01-01 00:00:00+00:00", state="failed")
        runs, ending = await walk(walking(checkpoint, TableSide(table)))
    assert len(runs) == 2
    assert changed not in names(runs)
    assert "1 have changed" in ending.left[DAG]


async def test_runs_that_are_gone_are_named(tmp_path: Path) -> None:
    """They cannot be walked any more; the others are."""
    table = history(5)
    gone = next(iter(table.runs(DAG)))["run_id"]
    async with moved(tmp_path, table) as checkpoint:
        table.remove_run(DAG, gone)
        runs, ending = await walk(walking(checkpoint, TableSide(table)))
    assert len(runs) == 4
    assert "1 of the runs that were moved are gone" in ending.left[DAG]


async def test_a_run_that_is_sent_anew_is_not_done_any_more(tmp_path: Path) -> None:
    """What hung on the version that was removed from the target went with it."""
    table = history(2)
    async with moved(tmp_path, table) as checkpoint:
        await walk(walking(checkpoint, TableSide(table)), done=True)
    changed = next(iter(table.runs(DAG)))["run_id"]
    table.move_run(DAG, changed, start_date="2031-01-01 00:00:00+00:00", state="failed")
    async with moved(tmp_path, table) as checkpoint:  # the change is noted
        assert await checkpoint.runs_left(LOGS, OURS) == {}
    async with moved(tmp_path, table) as checkpoint:  # and as the target has no run by now, this one is sent anew
        assert await checkpoint.runs_left(LOGS, OURS) == {DAG: 1}


@pytest.mark.parametrize("seed", range(12))
async def test_no_run_is_lost_or_comes_twice_while_the_source_moves(tmp_path: Path, seed: int) -> None:
    """Runs are inserted, deleted, cleared and restarted meanwhile; every other one comes exactly once, and whole."""
    table = tied(30, ties=3) if seed % 2 else history(30)
    mutator, chance = Mutator(table, seed), Random(seed)  # noqa: S311 - reproducible

    def change(_side: TableSide) -> None:
        if chance.random() < 0.3:
            mutator.step()

    async with moved(tmp_path, table) as checkpoint:
        before = {run["run_id"]: len(table.children(TASK_INSTANCES, DAG, run["run_id"])) for run in table.runs(DAG)}
        runs, ending = await walk(walking(checkpoint, TableSide(table, change), window_runs=3))
    assert ending.problems == {}
    assert len(set(names(runs))) == len(runs)
    quiet = before.keys() - mutator.touched
    assert quiet <= set(names(runs))
    assert {run.run_id: len(run.tasks) for run in runs if run.run_id in quiet} == {name: before[name] for name in quiet}


async def test_no_page_is_left_open(tmp_path: Path) -> None:
    """Pages hold files: each is closed, whatever is done with the runs."""
    table = history(10)
    side = TableSide(table)
    async with moved(tmp_path, table) as checkpoint:
        await walk(walking(checkpoint, side))
    assert side.open_pages == 0
