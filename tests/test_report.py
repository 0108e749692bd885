"""Counts as text and as JSON."""

from datetime import UTC, datetime

import pytest

from transfer.checkpoint import Totals
from transfer.model import Counts, Loss, Outcome, RejectedRow, SideName
from transfer.report import (
    by_kind,
    counts_json,
    counts_table,
    duration,
    limits_json,
    limits_line,
    losses_json,
    losses_lines,
    rejected_line,
    rejected_rows,
    size,
    table,
    totals_json,
)

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
TOTALS = Totals(
    runs={"a": {Outcome.MOVED: 3}},
    rows={
        "a": {"dag_runs": Counts(moved=3), "task_instances": Counts(moved=1_200, rejected=2)},
        "b": {"dag_runs": Counts(already=1, unfinished=4, rejected=1)},
    },
    windows_done=2,
    dags_done=frozenset({"b", "a"}),
    created_at=NOW,
    settled_at=None,
)


def test_kinds_are_summed_over_dags() -> None:
    """Every kind has a sum, also one without rows."""
    assert by_kind(TOTALS) == {
        "dag_runs": Counts(moved=3, already=1, unfinished=4, rejected=1),
        "task_instances": Counts(moved=1_200, rejected=2),
        "task_instance_history": Counts(),
    }


def test_rejected_rows_of_all_kinds() -> None:
    """Rejected rows are counted over kinds and DAGs."""
    assert rejected_rows(TOTALS) == 3


def test_the_table_is_aligned() -> None:
    """Numbers stand to the right with separators, names to the left."""
    assert counts_table({"dag_runs": Counts(moved=1_234), "x": Counts(rejected=7)}) == [
        "          moved  already there  unfinished  rejected",
        "dag_runs  1,234              0           0         0",
        "x             0              0           0         7",
    ]


def test_losses_name_column_and_reason() -> None:
    """One line for each, with the number of values; where whole rows are lost there is no column."""
    losses = {Loss("dag_runs", "dag_hash", "no such column"): 1_200, Loss("task_instance_history", "*", "no place"): 7}
    assert losses_lines(losses) == [
        "dag_runs.dag_hash: 1,200 values: no such column",
        "task_instance_history: 7 rows: no place",
    ]
    assert losses_json(losses)[0] == {"kind": "dag_runs", "column": "dag_hash", "why": "no such column", "values": 1200}


def test_repaired_rows_have_a_column_if_there_are_any() -> None:
    """Who never repaired anything is not told that it was nothing."""
    assert counts_table({"dag_runs": Counts(moved=2, repaired=1)}) == [
        "          moved  already there  unfinished  rejected  repaired",
        "dag_runs      2              0           0         0         1",
    ]


def test_a_table_without_lines_has_a_head() -> None:
    """A table of nothing shows its columns."""
    assert table(("a", "b"), []) == ["a  b"]


def test_counts_for_machines() -> None:
    """Names in JSON have no blanks."""
    wanted = {"dag_runs": {"moved": 1, "already_there": 2, "unfinished": 3, "rejected": 4, "repaired": 5}}
    assert counts_json({"dag_runs": Counts(1, 2, 3, 4, 5)}) == wanted


def test_totals_for_machines() -> None:
    """Totals name kinds, DAGs, what is complete and when."""
    found = totals_json(TOTALS)
    assert found["dags"].keys() == {"a", "b"}
    assert found["kinds"]["task_instances"]["moved"] == 1_200
    assert (found["dags_complete"], found["settled_at"]) == (["a", "b"], None)
    assert found["created_at"] == "2026-01-02T03:04:05+00:00"


def test_a_rejected_row_is_named_with_its_reason() -> None:
    """One line says which row it is and why."""
    row = RejectedRow("task_instances", "etl", "r", "task_id=t", "HTTP 409: no")
    assert rejected_line(row) == "task_instances etl, run_id=r, task_id=t: HTTP 409: no"


def test_rows_that_share_a_reason_share_a_line() -> None:
    """A run is named without a key, and many rows with their number."""
    row = RejectedRow("task_instances", "etl", "r", "", "its DAG run was rejected", 12)
    assert rejected_line(row) == "task_instances etl, run_id=r (12 rows): its DAG run was rejected"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (8.4, "8 s"), (59.6, "1 min 0 s"), (200, "3 min 20 s"), (7_500, "2 h 5 min"), (90_000, "25 h 0 min")],
)
def test_durations(seconds: float, text: str) -> None:
    """Durations have two units at most."""
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (983_040, "960.0 KiB"),
        (5 * 2**30, "5.0 GiB"),
        (2**41, "2.0 TiB"),
    ],
)
def test_sizes(count: float, text: str) -> None:
    """Sizes have the unit that suits them."""
    assert size(count) == text


@pytest.mark.parametrize(
    ("highest", "body", "line"),
    [
        ({}, None, "requests at once: source 4, target 12"),
        ({"source": 8, "target": 32}, None, "requests at once: source 4 (at most 8), target 12 (at most 32)"),
        ({}, 524_288, "requests at once: source 4, target 12; the target takes bodies of 512.0 KiB"),
    ],
)
def test_limits_on_a_line(highest: dict[SideName, int], body: int | None, line: str) -> None:
    """What was found, and what it could have become if that is known."""
    assert limits_line({"source": 4, "target": 12}, highest, body) == line


def test_nothing_found_is_an_empty_line() -> None:
    """A new job has nothing to say, one whose limits are given only of bodies."""
    assert limits_line({}, {}, None) == ""
    assert limits_line({}, {}, 2_048) == "the target takes bodies of 2.0 KiB"


def test_limits_for_machines() -> None:
    """One object per side that is known; the size of bodies always."""
    assert limits_json({"source": 4}, {"source": 8}, None) == {
        "source": {"concurrency": 4, "highest": 8},
        "body_bytes": None,
    }
    assert limits_json({"target": 4}, {}, 9_000) == {"target": {"concurrency": 4}, "body_bytes": 9_000}
