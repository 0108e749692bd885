"""A list of rows is judged as its rows are."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transfer.client.shape import DEEPEST, LONGEST_ID, are_runs, children_of, is_run
from transfer.kinds import TASK_INSTANCE_HISTORY, TASK_INSTANCES, Kind

USUAL: dict[str, Any] = {
    "run_id": "r",
    "task_id": "t",
    "map_index": -1,
    "state": "success",
    "dag_id": "d",
    "try_number": 1,
}
ODD: list[tuple[str, Any]] = [
    ("run_id", None),
    ("run_id", ["r"]),
    ("task_id", 7),
    ("task_id", "x" * (LONGEST_ID + 1)),
    ("task_id", "\ud800"),
    ("task_id", {}),
    ("map_index", True),
    ("map_index", None),
    ("map_index", 1.0),
    ("state", 3),
    ("state", []),
    ("dag_id", "other"),
    ("dag_id", None),
]
FINE: list[tuple[str, Any]] = [("state", None), ("task_id", "é漢"), ("run_id", "x" * 2_000), ("map_index", 2**70)]
KINDS = [TASK_INSTANCES, TASK_INSTANCE_HISTORY]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
@pytest.mark.parametrize(("column", "value"), ODD)
def test_one_odd_row_among_many_is_seen(kind: Kind, column: str, value: Any) -> None:
    """Wherever it stands."""
    for place in (0, 50, 99):
        rows = [USUAL | {column: value} if index == place else USUAL for index in range(100)]
        assert not children_of("d", kind)(rows)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
@pytest.mark.parametrize(("column", "value"), FINE)
def test_what_is_merely_unusual_passes(kind: Kind, column: str, value: Any) -> None:
    """A row that looks different is looked at by itself."""
    assert children_of("d", kind)([USUAL, USUAL | {column: value}])


@pytest.mark.parametrize("column", ["run_id", "task_id", "map_index", "try_number"])
def test_a_column_that_lacks_is_seen(column: str) -> None:
    """The identity has to be whole; of a task instance the try is no part of it."""
    rows = [USUAL, {name: value for name, value in USUAL.items() if name != column}]
    assert not children_of("d", TASK_INSTANCE_HISTORY)(rows)
    assert children_of("d", TASK_INSTANCES)(rows) == (column == "try_number")


@pytest.mark.parametrize("column", ["state", "dag_id"])
def test_other_columns_may_lack(column: str) -> None:
    """Neither is needed to know the row."""
    rows = [USUAL, {name: value for name, value in USUAL.items() if name != column}]
    assert all(children_of("d", kind)(rows) for kind in KINDS)


@given(st.lists(st.sampled_from([*ODD, *FINE, ("state", "failed")]), max_size=6), st.sampled_from(KINDS))
def test_a_list_passes_exactly_if_each_of_its_rows_does(changes: list[tuple[str, Any]], kind: Kind) -> None:
    """Looking at all at once lets nothing in and keeps nothing out."""
    rows = [USUAL | {column: value} for column, value in changes]
    judge = children_of("d", kind)
    assert judge(rows) == all(judge([row]) for row in rows)


@pytest.mark.parametrize("odd", [1, None, "row", [], [USUAL]])
def test_what_is_no_object_is_no_row(odd: Any) -> None:
    """Alone or among others; and no rows are fine."""
    judge = children_of("d", TASK_INSTANCES)
    assert not judge([odd])
    assert not judge([USUAL, odd])
    assert judge([])


def nested(levels: int) -> Any:
    """Return lists in lists."""
    value: Any = 0
    for _ in range(levels):
        value = [value]
    return value


RUN: dict[str, Any] = {
    "run_id": "r",
    "dag_id": "d",
    "execution_date": "2026-01-01 00:00:00+00:00",
    "start_date": None,
    "state": "success",
    "conf": {},
}
RUN_VALUES: list[tuple[str, Any]] = [
    ("run_id", None),
    ("run_id", "x" * (LONGEST_ID + 1)),
    ("run_id", "\ud800"),
    ("run_id", "é漢"),
    ("run_id", "\x7f"),
    ("dag_id", "other"),
    ("dag_id", None),
    ("execution_date", None),
    ("execution_date", 7),
    ("logical_date", "2026-01-01T00:00:00Z"),
    ("logical_date", 7),
    ("start_date", "2026-01-01 00:00:00+00:00"),
    ("start_date", 3),
    ("state", None),
    ("state", {}),
    ("conf", None),
    ("conf", {"a": [1]}),
    ("conf", nested(DEEPEST + 1)),
]


@given(st.lists(st.sampled_from(RUN_VALUES), max_size=5), st.sets(st.sampled_from(sorted(RUN)), max_size=1))
def test_a_list_of_runs_passes_exactly_if_each_of_them_does(changes: list[tuple[str, Any]], lacks: set[str]) -> None:
    """Whatever is odd about one, and whatever column it lacks."""
    runs = [RUN | {column: value} for column, value in changes]
    runs += [{name: value for name, value in RUN.items() if name not in lacks}]
    assert are_runs(runs, "d") == all(is_run(run, "d") for run in runs)
    assert are_runs(runs[::-1], "d") == are_runs(runs, "d")


def test_runs_of_airflow_3_are_runs() -> None:
    """They have a logical date, or none and the moment at which they were due."""
    run = {name: value for name, value in RUN.items() if name != "execution_date"}
    due = {"logical_date": None, "run_after": "2026-01-01T00:00:00Z"}
    assert are_runs([run | {"logical_date": "2026-01-01T00:00:00Z"}, run | due], "d")
    assert not are_runs([run | {"logical_date": None}], "d")


@pytest.mark.parametrize("odd", [1, None, "run", [], [RUN]])
def test_what_is_no_object_is_no_run(odd: Any) -> None:
    """Alone or among others; and no runs are fine."""
    assert not are_runs([odd], "d")
    assert not are_runs([RUN, odd], "d")
    assert are_runs([], "d")
