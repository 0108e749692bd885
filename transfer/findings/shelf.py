"""Rows of one side by key, few of them in memory however many there are; a private file takes what is more."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from transfer.errors import StateFullError
from transfer.kinds import Key

_PRIVATE: Final = ""
"""A database of this name is SQLite's own: it spills into a file without a name, which goes with the connection."""


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise StateFullError(
            f"rows that are compared cannot be kept in a temporary file: {error}",
            hint="make room for temporary files, or set TMPDIR to where there is some, then run the same command again",
        ) from error


class Shelf:
    """Holds rows until those of the other side have passed by. All methods raise ``StateFullError``."""

    def __init__(self) -> None:
        self._rows = sqlite3.connect(_PRIVATE, isolation_level=None)
        self._rows.execute("PRAGMA journal_mode = OFF")
        self._rows.execute("CREATE TABLE shelf (key TEXT PRIMARY KEY, row BLOB, met INTEGER NOT NULL)")
        self._rows.execute("BEGIN")

    def put(self, key: Key, text: bytes) -> bool:
        """Take in a row as a text; False if there is one with this key."""
        with _translated():
            values = (json.dumps(key), text)
            return self._rows.execute("INSERT OR IGNORE INTO shelf VALUES (?, ?, 0)", values).rowcount > 0

    def meet(self, key: Key) -> tuple[bool, bytes | None]:
        """Return whether the other side shows ``key`` for the first time, and the row's text if there is one."""
        name = json.dumps(key)
        with _translated():
            row, met = self._rows.execute("SELECT row, met FROM shelf WHERE key = ?", (name,)).fetchone() or (None, 0)
            if not met:
                self._rows.execute("INSERT INTO shelf VALUES (?, NULL, 1) ON CONFLICT DO UPDATE SET met = 1", (name,))
        return not met, row

    def left(self) -> Iterator[Key]:
        """Yield the keys that the other side has not shown."""
        with _translated():
            for (name,) in self._rows.execute("SELECT key FROM shelf WHERE met = 0"):
                yield tuple(json.loads(name))

    def close(self) -> None:
        """Free everything."""
        self._rows.close()
