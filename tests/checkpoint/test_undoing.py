"""What the checkpoint remembers of an undo."""

import sqlite3
from contextlib import closing
from pathlib import Path
from sqlite3 import Connection

import pytest

from transfer.checkpoint import AttachedStep, Checkpoint, CheckpointReader
from transfer.checkpoint.opening import DATABASE
from transfer.checkpoint.schema import MIGRATIONS, migrate
from transfer.checkpoint.undoing import Written, selection_of
from transfer.errors import StateError
from transfer.model import Attached, Counts, Outcome, RejectedRow

from .samples import DAG, JOB, run_ids, runs, settlement, started, window


async def count(checkpoint: Checkpoint, table: str) -> int:
    """Return the rows of a table."""

    def work(connection: Connection) -> int:
        (rows,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608 - a test's own word
        return int(rows)

    return await checkpoint._database.run(work)


async def test_whose_runs_there_are(tmp_path: Path) -> None:
    """Those that this job wrote, those that it may have added to, and those that were there."""
    async with started(tmp_path) as checkpoint:
        await checkpoint.settle(settlement(window(0)))
        await checkpoint.settle(settlement(window(1), Outcome.ALREADY))
        await checkpoint.cut(window(2), runs(10, 5, Outcome.FILLING))
        await checkpoint.cut(window(3), runs(15, 3, Outcome.IN_FLIGHT))
        assert await checkpoint.undoing().written() == {DAG: Written(ours=8, begun=5, found=5)}
        ours = await checkpoint.undoing().ours(DAG, [*run_ids(3, 9), "unknown"])
        assert set(ours) == set(run_ids(3, 2))


async def test_what_is_removed_is_forgotten_with_all_that_hangs_on_it(tmp_path: Path) -> None:
    """Its memory, what was refused of it, its task logs; it is counted, once and with the time."""
    first, second, third = run_ids(0, 3)
    async with started(tmp_path) as checkpoint:
        rejected = [RejectedRow("task_instances", DAG, run_id, "task_id=a", "no") for run_id in (first, second, third)]
        await checkpoint.settle(settlement(window(0, 3), Outcome.PARTIAL, rejected=rejected))
        for run_id in (first, second, third):
            log = RejectedRow("task_logs", DAG, run_id, "b", "too large")
            await checkpoint.attach(Attached.TASK_LOGS, [AttachedStep(DAG, run_id, ["a"], {"moved": 1}, [log])])
            await checkpoint.attach(Attached.XCOMS, [AttachedStep(DAG, run_id, done=True)])
        undoing = checkpoint.undoing()
        await undoing.settle(DAG, [first], [])
        assert await undoing.finish(DAG, [second]) == 1
        assert set(await checkpoint.recall(DAG, run_ids(0, 3))) == {second}
        assert [await count(checkpoint, name) for name in ("attached_piece", "attached_run", "rejected")] == [1, 1, 2]
        assert (await checkpoint.totals()).attached["task_logs"]["moved"] == 3
    with CheckpointReader.open(tmp_path) as reader:
        assert {dag_id: undone.runs for dag_id, undone in reader.undone().items()} == {DAG: 1}
        assert {row.run_id for row in reader.rejected(10)} == {second}


async def test_what_was_counted_goes_with_the_last_run(tmp_path: Path) -> None:
    """While a run is left the counts of children stay, for nobody knows whose they are; then those that moved go."""
    async with started(tmp_path, 5) as checkpoint:
        both = {"task_instances": Counts(moved=10, already=4)}
        await checkpoint.settle(settlement(window(0), Outcome.MOVED, both))
        await checkpoint.finish_pass(DAG, 1)
        undoing = checkpoint.undoing()
        await undoing.begin(DAG)
        await undoing.settle(DAG, run_ids(0, 4), [])
        assert await undoing.finish(DAG, run_ids(4, 1)) == 0
        assert (await checkpoint.totals()).rows[DAG] == {"dag_runs": Counts(moved=1), **both}
        await undoing.settle(DAG, run_ids(4, 1), [])
        await undoing.finish(DAG, [])
        totals = await checkpoint.totals()
        assert totals.rows[DAG] == {"task_instances": Counts(already=4)}
        assert not totals.dags_done
        point = await checkpoint.resume_point(DAG)
        assert (point.pass_number, point.fresh) == (2, True)


async def test_a_claim_is_taken_back(tmp_path: Path) -> None:
    """A run that could not be removed is what it was; one that is not ours cannot be claimed."""
    async with started(tmp_path) as checkpoint:
        await checkpoint.settle(settlement(window(0)))
        await checkpoint.settle(settlement(window(1), Outcome.ALREADY))
        before, undoing = await checkpoint.recall(DAG, run_ids(0, 10)), checkpoint.undoing()
        await undoing.mark(DAG, runs(0, 10, Outcome.IN_FLIGHT))
        claimed = await checkpoint.recall(DAG, run_ids(0, 10))
        outcomes = [claimed[run_id].outcome for run_id in run_ids(0, 10)]
        assert outcomes == [Outcome.IN_FLIGHT] * 5 + [Outcome.ALREADY] * 5
        await undoing.settle(DAG, [], before.values())
        assert await checkpoint.recall(DAG, run_ids(0, 10)) == before
        assert await undoing.undone() == {}


async def test_whose_job_it_is(tmp_path: Path) -> None:
    """The selection is read whichever release wrote it; without a job it says what is needed."""
    with pytest.raises(StateError, match="there is no job") as caught:
        selection_of(tmp_path)
    assert "only that knows what it wrote" in caught.value.hint
    with closing(sqlite3.connect(tmp_path / DATABASE, isolation_level=None)) as connection:
        migrate(connection, MIGRATIONS[:1])
        values = ("00000000-0000-0000-0000-000000000007", JOB.source, JOB.target, JOB.selection, "2026-01-01")
        connection.execute("INSERT INTO job VALUES (1, ?, ?, ?, ?, ?)", values)
    assert selection_of(tmp_path) == JOB.selection
