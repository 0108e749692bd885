"""The fingerprint of a run is remembered by state directories: it must stay what it was."""

import json
from hashlib import blake2b
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from transfer.emulator.rows import run_row
from transfer.engine.choose import fingerprint

NUMBERS = st.integers() | st.floats()
LEAVES = st.none() | st.booleans() | NUMBERS | st.text(st.characters(), max_size=5) | st.just("\udfff")
VALUES = st.recursive(LEAVES, lambda some: st.lists(some, max_size=3) | st.dictionaries(st.text(max_size=3), some))


def by_the_book(row: dict[str, Any]) -> int:
    """Return the digest of the row as the standard library writes it, in ASCII and with sorted keys."""
    text = json.dumps(row, sort_keys=True, separators=(",", ":"))
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")


@given(st.dictionaries(st.text(max_size=3), VALUES, max_size=6))
@example({"a": "\x7f"})
@example({"a": "é", "b": 0.0, "c": -0.0})
@example({"a": 1e16, "b": 2**64, "c": '\x00\x1f\b\f\n\r\t"\\/'})
@example({"é": 1, "z": 2, "\U0001f600": 3, "\uffff": 4})
def test_it_is_that_of_the_standard_library(row: dict[str, Any]) -> None:
    """Whatever a run holds, and whichever codec was used."""
    assert fingerprint(row) == by_the_book(row)


@pytest.mark.parametrize("conf", [None, {}, {"a": [1, {"b": None}]}, {"a": 1.5}, {"é": "漢"}, {"big": 2**70}])
def test_it_is_that_of_a_run(conf: Any) -> None:
    """With any conf."""
    run = run_row("dag", 1, conf=conf)
    assert fingerprint(run) == by_the_book(run)
