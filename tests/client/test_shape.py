"""A list of rows is judged as its rows are."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transfer.client.shape import LONGEST_ID, children_of
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
