"""A table that a test may change as a scheduler or a user would."""

import pytest

from transfer.emulator import Difference, Shape, SyntheticHistory, TableHistory, compare
from transfer.emulator.rows import dag_row, run_row, task_row
from transfer.kinds import DAG_RUNS, KINDS, TASK_INSTANCE_HISTORY, TASK_INSTANCES, Kind, Row


def _table() -> TableHistory:
    """Return three daily runs with one task instance each."""
    table = TableHistory([dag_row("d")])
    for number in range(3):
        run = run_row("d", number)
        table.add(DAG_RUNS, run)
        table.add(TASK_INSTANCES, task_row(run, "t"))
    return table


def _run_ids(table: TableHistory) -> list[str]:
    return [row["run_id"] for row in table.page(DAG_RUNS, "d", 0, 10)]


def test_a_cleared_run_moves_to_the_front() -> None:
    """Clearing takes the start date away, and what ran so far becomes history."""
    table = _table()
    oldest = run_row("d", 0)["run_id"]
    table.clear_run("d", oldest)
    assert _run_ids(table)[0] == oldest
    run = table.run("d", oldest)
    assert run is not None
    assert (run["state"], run["start_date"], run["clear_number"]) == ("queued", None, 1)
    assert [row["try_number"] for row in table.children(TASK_INSTANCE_HISTORY, "d", oldest)] == [1]
    task = table.children(TASK_INSTANCES, "d", oldest)[0]
    assert (task["state"], task["try_number"], task["max_tries"]) == (None, 2, 1)


def test_a_run_that_runs_again_moves() -> None:
    """A run takes the place of its new start date."""
    table = _table()
    oldest = run_row("d", 0)["run_id"]
    table.move_run("d", oldest, start_date="2030-01-01 00:00:00+00:00", state="running")
    assert _run_ids(table)[0] == oldest


def test_a_removed_run_takes_its_children_along() -> None:
    """Nothing of a removed run is left, and its logical date is free again."""
    table = _table()
    run = run_row("d", 1)
    table.remove_run("d", run["run_id"])
    assert (table.run_count("d"), len(table.rows(TASK_INSTANCES))) == (2, 2)
    assert table.insert(DAG_RUNS, [run | {"run_id": "other"}]) is None


def test_a_copy_is_equal_and_independent() -> None:
    """A copy of a history has all its rows, and changing it leaves the original alone."""
    history = SyntheticHistory(Shape(dags=2, runs=20, tasks=2, mapped=2, retry_every=2, queued=1))
    table = TableHistory.copy_of(history)
    assert table.snapshot() == TableHistory.copy_of(table).snapshot()
    assert {name: len(rows) for name, rows in table.snapshot().items()} == history.shape.totals()
    other = TableHistory.copy_of(table)
    other.clear_run("dag_0000", next(history.runs("dag_0000"))["run_id"])
    assert other.snapshot() != table.snapshot()


def test_insert_leaves_the_sent_rows_alone() -> None:
    """Rows that are inserted are not changed, and not shared."""
    table = TableHistory()
    run = run_row("d", 1)
    assert table.insert(DAG_RUNS, [run]) is None
    table.move_run("d", run["run_id"], start_date=None, state="queued")
    assert run == run_row("d", 1)


def test_pausing() -> None:
    """A DAG with a row is paused; one without is left alone."""
    table = _table()
    table.set_paused("d", paused=False)
    table.set_paused("nope", paused=False)
    assert [dag["is_paused"] for dag in table.dags()] == [False]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_compare_names_what_is_missing_extra_and_different(kind: Kind) -> None:
    """Each row that is not as it should be is one difference."""
    source, target = _table(), _table()
    run = run_row("e", 5)
    for table in (source, target):
        table.add(DAG_RUNS, run)
        table.add(TASK_INSTANCES, task_row(run, "t"))
    row: Row = run_row("d", 7) if kind is DAG_RUNS else task_row(run, "n", try_number=3)
    source.add(kind, row)
    key = kind.key_of(row)
    assert compare(source, target) == [Difference("missing", kind.name, row["dag_id"], key)]
    target.add(kind, row | {"state": "failed", "end_date": None})
    assert compare(source, target) == [Difference("different", kind.name, row["dag_id"], key, ("end_date", "state"))]
    assert [found.what for found in compare(_table(), target)] == ["extra"] * (2 if kind is DAG_RUNS else 1)


def test_compare_ignores_unfinished_runs() -> None:
    """Runs that are not over are not missed, and are too much where they were moved."""
    source = TableHistory.copy_of(SyntheticHistory(Shape(runs=10, tasks=1, queued=1, running=1)))
    whole = TableHistory.copy_of(source)
    finished = TableHistory.copy_of(source)
    for run in list(source.runs("dag_0000"))[:2]:
        finished.remove_run("dag_0000", run["run_id"])
    assert compare(source, finished) == []
    assert [found.what for found in compare(source, whole)] == ["extra", "extra"]
