"""Rows of one side wait until those of the other side have passed by."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from transfer.errors import StateFullError
from transfer.findings import Shelf


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    """An empty shelf."""
    with closing(Shelf()) as empty:
        yield empty


def test_what_was_put_is_met_once(shelf: Shelf) -> None:
    """A row is met with its text; the second time, and for a key that nobody put, that is told."""
    assert [shelf.put(("r", "t", -1), b"1"), shelf.put(("r", "t", 0), b"2"), shelf.put(("r", "t", -1), b"1")] == [
        True,
        True,
        False,
    ]
    assert [shelf.meet(("r", "t", -1)), shelf.meet(("r", "t", -1))[0]] == [(True, b"1"), False]
    assert [shelf.meet(("x", 1)), shelf.meet(("x", 1))[0]] == [(True, None), False]
    assert list(shelf.left()) == [("r", "t", 0)]


def test_any_text_is_a_key(shelf: Shelf) -> None:
    """Half a surrogate pair, and a text that looks like one, are two keys; a number is no text."""
    keys = [("\ud83d",), ("\\ud83d",), ("1",), (1,)]
    assert [shelf.put(key, b"") for key in keys] == [True] * 4
    assert sorted(map(repr, shelf.left())) == sorted(map(repr, keys))


def test_a_full_disk_is_told(shelf: Shelf) -> None:
    """What cannot be kept ends the comparison with what to do."""
    shelf._rows.execute("PRAGMA max_page_count = 20")
    with pytest.raises(StateFullError, match="temporary file") as caught:
        shelf.put(("r", 1), b"x" * 1_000_000)
    assert isinstance(caught.value.__cause__, sqlite3.OperationalError)
