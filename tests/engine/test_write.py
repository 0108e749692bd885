"""Writing one window."""

from uuid import UUID

import pytest

from transfer.emulator import TableHistory
from transfer.engine.batch import Batcher
from transfer.engine.choose import Choice, fingerprint
from transfer.engine.reconcile import Reconciler
from transfer.engine.window import LoadedWindow
from transfer.engine.write import Writer
from transfer.errors import DriftError
from transfer.kinds import DAG_RUNS, TASK_INSTANCE_HISTORY, TASK_INSTANCES, Row
from transfer.mapping import mapping_for
from transfer.model import Batch, Counts, Outcome, ServerInfo, Window
from transfer.progress import Progress

from .reading import TablePage, TableSide
from .tables import DAG, empty_like, history

SAME = mapping_for(ServerInfo("2.11.2", "2.10.1"), ServerInfo("2.11.2", "2.10.1"))


def window(side: TableSide, runs: list[Row], *, run_count: int | None = None) -> LoadedWindow:
    """Return a window of ``runs`` with all children that the side has of any run."""
    pages = []
    for kind in (TASK_INSTANCES, TASK_INSTANCE_HISTORY):
        side.open_pages += 1
        pages.append(TablePage(kind, side.table.rows(kind), side.table.run_count(DAG), side))
    choice = Choice(to_move=runs, fingerprints={run["run_id"]: fingerprint(run) for run in runs})
    ids = {run["run_id"] for run in side.table.runs(DAG)}
    count = side.table.run_count(DAG) if run_count is None else run_count
    return LoadedWindow(Window(DAG, 1, 0, 0, len(runs), None), choice, ids, count, {}, list(pages))


def writer(target: TableSide, *, batch_rows: int = 4) -> Writer:
    """Return a writer to ``target``."""
    progress = Progress()
    progress.plan(DAG, 10)
    batcher = Batcher(UUID(int=1), max_rows=batch_rows, max_bytes=100_000)
    return Writer(target, SAME, batcher, Reconciler(target, slice_runs=10), progress)


def sides(runs: int) -> tuple[TableSide, TableSide, list[Row]]:
    """Return a source with history, an empty target, and the source's runs."""
    table = history(runs, tasks=3)
    return TableSide(table), TableSide(empty_like(table)), list(table.runs(DAG))


async def test_a_window_is_written_whole() -> None:
    """Runs, task instances and tries arrive in this order, in batches, and are counted."""
    source, target, runs = sides(5)
    kinds: list[str] = []

    async def note(batch: Batch) -> None:
        kinds.append(batch.kind.name)
        assert len(batch.rows) <= 4

    target.writing = note
    settlement = await writer(target).write(window(source, runs), set())
    assert target.table.snapshot() == source.table.snapshot()
    assert kinds == ["dag_runs"] * 2 + ["task_instances"] * 4 + ["task_instance_history"] * 2
    assert settlement.counts["task_instances"] == Counts(moved=15)
    assert {run.outcome for run in settlement.runs} == {Outcome.MOVED}


async def test_children_of_runs_that_are_not_moved_are_left_out() -> None:
    """A page may hold runs of the window that need nothing."""
    source, target, runs = sides(5)
    await writer(target).write(window(source, runs[1:3]), set())
    assert {row["run_id"] for row in target.table.rows(TASK_INSTANCES)} == {run["run_id"] for run in runs[1:3]}


async def test_children_of_a_stranger_make_the_window_be_read_again() -> None:
    """A row of a run that is not the window's says that the pages were cut elsewhere."""
    source, target, runs = sides(5)
    loaded = window(source, runs[:2])
    loaded.run_ids.remove(runs[4]["run_id"])
    with pytest.raises(DriftError, match="of 1 other runs came with a window"):
        await writer(target).write(loaded, set())


async def test_another_run_count_makes_the_window_be_read_again() -> None:
    """A page that was cut when the DAG had more runs may be another slice."""
    source, target, runs = sides(5)
    with pytest.raises(DriftError, match="it had 6 runs, then 5"):
        await writer(target).write(window(source, runs, run_count=6), set())


async def test_what_is_held_is_not_sent() -> None:
    """Runs that are known to be there are not sent, and their children are looked for first."""
    source, target, runs = sides(3)
    target.table = TableHistory.copy_of(source.table)
    loaded = window(source, runs)
    one = writer(target)
    held = await one.held(loaded)
    assert held == {run["run_id"] for run in runs}
    settlement = await one.write(loaded, held)
    assert settlement.counts["task_instances"] == Counts(already=9)
    assert {run.outcome for run in settlement.runs} == {Outcome.ALREADY}


async def test_triggers_stay_behind() -> None:
    """A task instance that was deferred arrives without its trigger, which the target does not have."""
    source, target, runs = sides(1)
    source.table.rows(TASK_INSTANCES)[0]["trigger_id"] = 77
    settlement = await writer(target).write(window(source, runs), set())
    assert settlement.counts["task_instances"] == Counts(moved=3)
    assert {row["trigger_id"] for row in target.table.rows(TASK_INSTANCES)} == {None}
    assert target.table.run_count(DAG) == len(target.table.rows(DAG_RUNS)) == 1
