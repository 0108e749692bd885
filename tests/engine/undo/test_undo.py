"""Exactly the runs that the job wrote are removed again."""

from pathlib import Path

import anyio.lowlevel
import pytest

from tests.engine.tables import DAG, add_run, empty_like, history, tied
from transfer.checkpoint import PlannedDag
from transfer.engine.undo.remove import AT_ONCE
from transfer.errors import NotRemovableError
from transfer.kinds import DAG_RUNS, TASK_INSTANCES
from transfer.model import Counts, Outcome

from .undoing import assert_undone, moved


async def test_the_target_is_what_it_was(tmp_path: Path) -> None:
    """Every run goes with all that hangs on it, of every DAG, and nothing is remembered or counted any more."""
    job = await moved(tmp_path, history(12, dags=("a", "b", "c")))
    ending = await job.undo()
    assert (ending.problems, ending.stopped) == ({}, False)
    assert {dag_id: found.removed for dag_id, found in ending.dags.items()} == dict.fromkeys("abc", 12)
    await assert_undone(job)
    assert job.removed() == dict.fromkeys("abc", 12)
    async with job.checkpoint() as checkpoint:
        totals = await checkpoint.totals()
    assert (totals.runs, totals.rows, totals.dags_done) == ({}, {}, frozenset())


async def test_a_look_says_what_would_be_done_and_does_nothing(tmp_path: Path) -> None:
    """It counts the same runs; neither the target nor the memory changes."""
    job = await moved(tmp_path)
    job.table.remove_run(DAG, job.ids()[3])
    job.table.move_run(DAG, job.ids()[5], start_date=None, state="queued")
    held = job.table.snapshot()
    found = (await job.look()).dags[DAG]
    assert (found.removed, found.gone, list(found.left)) == (10, 1, [job.ids()[5]])
    assert job.table.snapshot() == held
    assert set(await job.outcomes(job.ids())) == {Outcome.MOVED}


async def test_what_was_there_before_stays(tmp_path: Path) -> None:
    """Runs that the target had, the same ones or others, keep every row."""
    source = history(12)
    target = empty_like(source)
    for number in (2, 3, 7):
        add_run(target, number)
    for number in (100, 101):
        add_run(target, number)
    job = await moved(tmp_path, source, target)
    found = (await job.undo()).dags[DAG]
    assert (found.removed, found.gone, found.left) == (9, 0, {})
    await assert_undone(job)
    assert (await job.outcomes([job.ids()[-3]])) == [Outcome.ALREADY]


@pytest.mark.parametrize("ties", [2, 7, 20])
async def test_runs_that_tie(tmp_path: Path, ties: int) -> None:
    """Runs with one start date, which a server pages in any order, are all found, beside others that tie with them."""
    source = tied(40, ties)
    target = empty_like(source)
    for number in range(50, 60):
        add_run(target, number, start_date=source.page(DAG_RUNS, DAG, number % 40, 1)[0]["start_date"])
    job = await moved(tmp_path, source, target, window_runs=5)
    assert (await job.undo()).dags[DAG].removed == 40
    await assert_undone(job)


async def test_runs_that_never_started(tmp_path: Path) -> None:
    """They stand at the front of one side and at the end of the other, and are found by name."""
    source = history(6)
    for number in range(20, 24):
        add_run(source, number, start_date=None)
    target = empty_like(source)
    target.nulls_first = False
    job = await moved(tmp_path, source, target)
    assert (await job.undo()).dags[DAG].removed == 10
    await assert_undone(job)


async def test_it_is_moved_again(tmp_path: Path) -> None:
    """After an undo an ordinary run of the program finds everything new; and that can be undone, too."""
    job = await moved(tmp_path)
    held = job.table.snapshot()
    await job.undo()
    assert (await job.run()).problems == {}
    assert job.table.snapshot() == held
    async with job.checkpoint() as checkpoint:
        totals = await checkpoint.totals()
    assert totals.rows[DAG][DAG_RUNS.name] == Counts(moved=12)
    assert totals.rows[DAG][TASK_INSTANCES.name] == Counts(moved=24)
    assert totals.dags_done == {DAG}
    await job.undo()
    await assert_undone(job)
    assert job.removed() == {DAG: 24}


async def test_a_second_undo_removes_nothing(tmp_path: Path) -> None:
    """Nothing is left that this job wrote; runs that came since are not taken for its own."""
    job = await moved(tmp_path)
    await job.undo()
    add_run(job.table, 3)
    held = job.table.snapshot()
    ending = await job.undo()
    assert (ending.dags, job.table.snapshot()) == ({}, held)


async def test_a_run_that_cannot_be_removed_is_left(tmp_path: Path) -> None:
    """It keeps its memory, with the reason; everything else goes."""
    job = await moved(tmp_path)
    held = job.ids()[4]

    async def refuse(run_id: str) -> None:
        if run_id == held:
            raise NotRemovableError("target", "remove run", "no right")

    job.target.removing = refuse
    found = (await job.undo()).dags[DAG]
    assert (found.removed, found.left) == (11, {held: "no right"})
    assert job.there() == {held}
    assert await job.outcomes([held]) == [Outcome.MOVED]


async def test_dags_that_are_no_longer_planned(tmp_path: Path) -> None:
    """What was moved of a DAG goes although the job would not move it any more."""
    job = await moved(tmp_path, history(3, dags=("a", "b")))
    async with job.checkpoint() as checkpoint:
        await checkpoint.store_plan([PlannedDag("b", 3, listed=True, on_target=True)])
    await job.undo()
    await assert_undone(job)


async def test_only_so_many_at_once(tmp_path: Path) -> None:
    """However many DAGs there are, no more removals are under way than are good for a web server."""
    job = await moved(tmp_path, history(15, dags=("a", "b", "c", "d", "e")), window_runs=50)
    under_way, most = 0, 0

    async def watch(_run_id: str) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        for _ in range(50):
            await anyio.lowlevel.checkpoint()
        under_way -= 1

    job.target.removing = watch
    await job.undo()
    assert most == AT_ONCE
    await assert_undone(job)


async def test_runs_that_somebody_removed_are_forgotten(tmp_path: Path) -> None:
    """They need not be removed, and count as gone."""
    job = await moved(tmp_path)
    for run_id in job.ids()[2:6]:
        job.table.remove_run(DAG, run_id)
    found = (await job.undo()).dags[DAG]
    assert (found.removed, found.gone, found.left) == (8, 4, {})
    await assert_undone(job)
    assert job.removed() == {DAG: 8}
