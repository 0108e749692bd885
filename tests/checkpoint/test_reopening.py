"""Settled runs that become work again."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from transfer.checkpoint import Checkpoint, CheckpointReader, PlannedDag, Remedy
from transfer.checkpoint.opening import DATABASE
from transfer.checkpoint.schema import MIGRATIONS, VERSION, migrate
from transfer.model import Counts, Outcome

from .samples import DAG, JOB, run_ids, runs, settlement, started, window

REPLACED = (Outcome.MOVED, Outcome.ALREADY, Outcome.CHANGED, Outcome.UNFINISHED, Outcome.REJECTED, Outcome.IN_FLIGHT)


async def finished(checkpoint: Checkpoint, outcome: Outcome) -> None:
    """Settle five runs that came to ``outcome``, and finish the pass."""
    await checkpoint.settle(settlement(window(0), outcome, {"task_instances": Counts(moved=10)}))
    await checkpoint.finish_pass(DAG, 1)


async def outcomes(checkpoint: Checkpoint, *names: str) -> list[Outcome | None]:
    """Return what is remembered of runs."""
    known = await checkpoint.recall(DAG, names)
    return [known[name].outcome if name in known else None for name in names]


@pytest.mark.parametrize("outcome", REPLACED)
async def test_whatever_is_remembered_can_be_replaced(tmp_path: Path, outcome: Outcome) -> None:
    """A run becomes TO_REPLACE whatever it was, also if it was never seen; others stay."""
    async with started(tmp_path) as checkpoint:
        await checkpoint.settle(settlement(window(0), outcome))
        first, second = run_ids(0, 2)
        assert await checkpoint.reopen(DAG, [(first, Remedy.REPLACE), ("unknown", Remedy.REPLACE)], "v")
        assert await outcomes(checkpoint, first, second, "unknown") == [Outcome.TO_REPLACE, outcome, Outcome.TO_REPLACE]


async def test_what_is_begun_stays_begun(tmp_path: Path) -> None:
    """A run that is being replaced is not taken for one of which nothing is removed yet."""
    async with started(tmp_path) as checkpoint:
        await checkpoint.cut(window(0), runs(0, 5, Outcome.REPLACING))
        await checkpoint.reopen(DAG, [(run_ids(0, 1)[0], Remedy.REPLACE)], "v")
        assert await outcomes(checkpoint, *run_ids(0, 1)) == [Outcome.REPLACING]


async def test_a_reopened_dag_is_read_from_its_front(tmp_path: Path) -> None:
    """The next pass is open, the DAG is not complete any more, and the counts of children stay."""
    async with started(tmp_path, run_count=5) as checkpoint:
        await finished(checkpoint, Outcome.MOVED)
        assert (await checkpoint.totals()).dags_done == {DAG}
        await checkpoint.reopen(DAG, [(name, Remedy.COMPLETE) for name in run_ids(0, 2)], "v")
        totals = await checkpoint.totals()
        assert not totals.dags_done
        assert totals.rows[DAG]["task_instances"] == Counts(moved=10)
        assert totals.rows[DAG]["dag_runs"] == Counts(moved=3, unfinished=2)
        point = await checkpoint.resume_point(DAG)
        assert (point.pass_number, point.fresh) == (2, True)


async def test_repaired_rows_are_counted_apart(tmp_path: Path) -> None:
    """Rows that were sent again are no moved rows; for DAG runs they are counted beside what the runs became."""
    async with started(tmp_path, run_count=5) as checkpoint:
        await finished(checkpoint, Outcome.MOVED)
        await checkpoint.reopen(DAG, [(name, Remedy.REPLACE) for name in run_ids(0, 2)], "v")
        counts = {"dag_runs": Counts(moved=99, repaired=2), "task_instances": Counts(repaired=7)}
        await checkpoint.resume_point(DAG)
        await checkpoint.settle(settlement(window(0, pass_number=2), Outcome.MOVED, counts))
        rows = (await checkpoint.totals()).rows[DAG]
        assert rows["dag_runs"] == Counts(moved=5, repaired=2)
        assert rows["task_instances"] == Counts(moved=10, repaired=7)
        await checkpoint.finish_pass(DAG, 2)
        assert (await checkpoint.totals()).rows[DAG] == rows


async def test_changed_runs_that_the_source_has(tmp_path: Path) -> None:
    """Only changed runs that the last pass met are counted and marked: of the others there is no new version."""
    async with started(tmp_path, run_count=5) as checkpoint:
        await finished(checkpoint, Outcome.CHANGED)
        await checkpoint.resume_point(DAG)
        met = window(0, 3, pass_number=2)
        await checkpoint.settle(settlement(met, Outcome.CHANGED))
        await checkpoint.finish_pass(DAG, 2)
        with CheckpointReader.open(tmp_path) as reader:
            assert (reader.changed_runs(), reader.applied()) == ({DAG: 3}, {})
        await checkpoint.replace_changed([DAG])
        assert await outcomes(checkpoint, *run_ids(2, 2)) == [Outcome.TO_REPLACE, Outcome.CHANGED]
        with CheckpointReader.open(tmp_path) as reader:
            assert reader.changed_runs() == {DAG: 3}


@pytest.mark.parametrize(
    ("before", "theirs"),
    [(Outcome.MOVED, 0), (Outcome.PARTIAL, 0), (Outcome.ALREADY, 3), (Outcome.REJECTED, 3), (Outcome.FILLING, 3)],
)
async def test_whose_a_changed_run_was_is_not_forgotten(tmp_path: Path, before: Outcome, theirs: int) -> None:
    """Changed runs that this job has not written are counted apart, however often they were looked at since."""
    async with started(tmp_path, run_count=5) as checkpoint:
        await checkpoint.settle(settlement(window(0, 3), before))
        again = window(1, 3, offset=0)
        await checkpoint.cut(again, runs(0, 3, Outcome.IN_FLIGHT))
        await checkpoint.settle(settlement(again, Outcome.CHANGED))
        await checkpoint.finish_pass(DAG, 1)
        with CheckpointReader.open(tmp_path) as reader:
            assert (reader.changed_runs(), reader.changed_not_ours()) == ({DAG: 3}, theirs)
        await checkpoint.replace_changed([DAG])
        with CheckpointReader.open(tmp_path) as reader:
            assert reader.changed_not_ours() == theirs


async def test_runs_of_dags_that_are_not_planned_are_no_offer(tmp_path: Path) -> None:
    """What this job does not move at the moment it does not replace either."""
    async with started(tmp_path, run_count=5) as checkpoint:
        await finished(checkpoint, Outcome.CHANGED)
        await checkpoint.store_plan([PlannedDag("other", 1, listed=True, on_target=True)])
        with CheckpointReader.open(tmp_path) as reader:
            assert reader.changed_runs() == {}


async def test_a_forgotten_run_is_new(tmp_path: Path) -> None:
    """Nothing is remembered of it, and nothing is rejected any more."""
    async with started(tmp_path) as checkpoint:
        await finished(checkpoint, Outcome.MOVED)
        await checkpoint.forget(DAG, run_ids(0, 1)[0], "v")
        await checkpoint.forget(DAG, "unknown", "v")
        assert await outcomes(checkpoint, *run_ids(0, 2)) == [None, Outcome.MOVED]


async def test_what_was_applied_can_be_asked(tmp_path: Path) -> None:
    """The reader tells which verification became work, and what is remembered of runs."""
    async with started(tmp_path) as checkpoint:
        await checkpoint.reopen(DAG, [(run_ids(0, 1)[0], Remedy.REPLACE)], "some-id")
        with CheckpointReader.open(tmp_path) as reader:
            assert reader.applied() == {DAG: "some-id"}
            assert reader.recall(DAG, run_ids(0, 1))[run_ids(0, 1)[0]].outcome is Outcome.TO_REPLACE
            assert reader.recall("never planned", ["x"]) == {}


async def test_a_checkpoint_of_the_first_schema_is_brought_up_to_date(tmp_path: Path) -> None:
    """Counts of an older file are kept, with nothing repaired."""
    with closing(sqlite3.connect(tmp_path / DATABASE, isolation_level=None)) as connection:
        migrate(connection, MIGRATIONS[:1])
        values = ("00000000-0000-0000-0000-000000000007", JOB.source, JOB.target, JOB.selection, "2026-01-01")
        connection.execute("INSERT INTO job VALUES (1, ?, ?, ?, ?, ?)", values)
        connection.execute(
            "INSERT INTO dag (id, dag_id, run_count, listed, on_target, target_runs, planned, note)"
            " VALUES (1, ?, 5, 1, 1, 0, 1, '')",
            (DAG,),
        )
        connection.execute("INSERT INTO window VALUES (1, 1, 1, 0, 0, 5, NULL, 'done', '2026-01-01')")
        connection.execute("INSERT INTO window_count VALUES (1, 'task_instances', 10, 1)")
    async with Checkpoint.open(tmp_path, JOB) as checkpoint:
        assert (await checkpoint.totals()).rows[DAG]["task_instances"] == Counts(moved=10, already=1)
        assert VERSION == 9
