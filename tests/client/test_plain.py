"""The fast codec is used only where it says the same."""

import json
import math
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from transfer.client.plain import are_plain, is_plain, parsed_runs

NUMBERS = st.integers() | st.sampled_from([2**63, 2**64, -(2**63) - 1, 0, -1]) | st.floats()
LEAVES = st.none() | st.booleans() | NUMBERS | st.text(st.characters(), max_size=5) | st.just("\ud800")
VALUES = st.recursive(LEAVES, lambda some: st.lists(some, max_size=3) | st.dictionaries(st.text(max_size=3), some))
ROWS = st.lists(st.dictionaries(st.text(max_size=3), VALUES, max_size=4), max_size=4)


def fractions(value: Any) -> list[float]:
    """Return all fractions in ``value`` that are not 0."""
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return [found for item in inside for found in fractions(item)] + (
        [value] if isinstance(value, float) and value else []
    )


@given(ROWS)
@example([{"conf": {"n": [2**64]}}])
@example([{"conf": {"n": [math.nan]}}])
@example([{"conf": {"n": -(2**63) - 1}}])
def test_runs_are_read_as_the_standard_library_reads_them(rows: list[dict[str, Any]]) -> None:
    """Every number and text of a document is the same, to its type."""
    text = json.dumps({"dag_runs": rows, "dag_run_count": 2**70}).encode()
    assert repr(parsed_runs(text)["dag_runs"]) == repr(json.loads(text)["dag_runs"])


@given(ROWS)
def test_a_plain_row_has_no_fraction(rows: list[dict[str, Any]]) -> None:
    """Neither on top nor at any depth; and where there is none the row is plain."""
    for row in rows:
        assert is_plain(row) == (not fractions(row))


@settings(max_examples=50)
@given(ROWS)
@example([{"conf": {}}, {"conf": {"n": [0.5]}}])
@example([{"conf": {"n": [1]}, "note": [0.0]}, {"conf": {}, "note": [0.5]}])
@example([{"a": 1, "b": 0.5}, {"a": 1}])
def test_rows_are_plain_if_each_of_them_is(rows: list[dict[str, Any]]) -> None:
    """Also rows with other columns than the first."""
    assert are_plain(rows) == all(map(is_plain, rows))


@pytest.mark.parametrize(
    "text", [b"[]", b"{}", b'{"dag_runs": 1}', b'{"dag_runs": [1]}', b'\xef\xbb\xbf{"a": 1}', b"3"]
)
def test_another_document_is_read_all_the_same(text: bytes) -> None:
    """What it is is for others to judge."""
    assert parsed_runs(text) == json.loads(text)


@pytest.mark.parametrize("text", [b"", b"{", b'{"dag_runs": [}', b"\xff"])
def test_what_is_no_json_raises(text: bytes) -> None:
    """As the standard library does."""
    with pytest.raises(ValueError):  # noqa: PT011 - the class is the contract
        parsed_runs(text)


def test_what_is_nested_too_deeply_for_us_is_left_to_the_standard_library() -> None:
    """Whatever that makes of it, nothing else is raised."""
    nested = b"[" * 900 + b"]" * 900
    text = b'{"dag_runs": [{"conf": %s}]}' % nested
    try:
        expected = json.loads(text)
    except RecursionError:
        with pytest.raises(RecursionError):
            parsed_runs(text)
    else:
        assert parsed_runs(text) == expected


def test_what_is_too_deep_to_look_at_is_not_plain() -> None:
    """A row that is nested a thousand levels deep is left to the codec that takes everything, and breaks nothing."""
    deep: Any = "text"
    for _ in range(5_000):
        deep = [deep]
    assert not is_plain({"note": deep})
    assert not are_plain([{"note": 1}, {"note": deep}])
