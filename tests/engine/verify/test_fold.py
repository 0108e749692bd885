"""Folding rows: equal for the same rows in any order, and for nothing else."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transfer.engine.verify.fold import Fold, canonical, differing_columns
from transfer.kinds import Row

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(st.characters(codec=None, exclude_categories=()), max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
ROWS = st.dictionaries(st.sampled_from("abcd"), VALUES)


def text(row: Row) -> str:
    """Return what the row is, types included; a column that is null is none."""
    return json.dumps({name: value for name, value in row.items() if value is not None}, sort_keys=True)


@given(ROWS, ROWS)
def test_texts_are_equal_for_equal_rows_only(one: Row, other: Row) -> None:
    """Two rows have one text exactly if they have the same values, of the same types."""
    assert (canonical(one) == canonical(other)) == (text(one) == text(other))


@given(ROWS)
def test_a_text_does_not_depend_on_the_order_of_columns(row: Row) -> None:
    """Columns, and keys within values, may come in any order."""
    turned = json.loads(json.dumps(row), object_pairs_hook=lambda pairs: dict(reversed(pairs)))
    assert canonical(row) == canonical(turned)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, 1.0),
        (1, True),
        (0.0, -0.0),
        (float("nan"), None),
        (float("inf"), float("-inf")),
        (2**70, 2**70 + 1),
        ("\ud83d", "\ude00"),
        ("null", None),
        ([None], []),
        ("", None),
        ({"a": float("nan")}, {"a": None}),
    ],
)
def test_what_looks_alike_differs(one: Any, other: Any) -> None:
    """Values that Python or a parser may take for equal are not."""
    assert differing_columns({"a": one, "b": 1}, {"a": other, "b": 1}) == ("a",)


def test_a_column_that_is_absent_is_null() -> None:
    """Whether a null is served or left out makes no difference."""
    assert differing_columns({"a": None, "b": 1}, {"b": 1, "c": None}) == ()


@given(st.lists(ROWS, max_size=6), st.randoms())
def test_a_fold_does_not_depend_on_the_order_of_rows(rows: list[Row], random: Any) -> None:
    """The same rows in another order fold to the same."""
    folds = [Fold(), Fold()]
    for fold in folds:
        for row in rows:
            fold.add(row)
        random.shuffle(rows)
    assert folds[0] == folds[1]


@given(st.lists(ROWS, max_size=5), st.lists(ROWS, max_size=5))
def test_folds_are_equal_for_equal_rows_only(one: list[Row], other: list[Row]) -> None:
    """Two lists of rows fold to the same exactly if they hold the same rows, each as often."""
    left, right = Fold(), Fold()
    for fold, rows in ((left, one), (right, other)):
        for row in rows:
            fold.add(row)
    assert (left == right) == (sorted(map(text, one)) == sorted(map(text, other)))
