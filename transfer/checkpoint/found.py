"""What the deployments were found to bear: where a run of the program begins, instead of finding it anew."""

from sqlite3 import Connection
from typing import Final

from transfer.checkpoint.encoding import checked, decoding, moment, stamp
from transfer.checkpoint.values import Found
from transfer.model import SIDES

_BODY: Final = "target.body_bytes"

_MOST: Final = 1 << 40
"""More is neither a number of requests nor of bytes."""

_STORE: Final = """
    INSERT INTO found (name, value, at) VALUES (?, ?, ?)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value, at = excluded.at
"""


def store_found(connection: Connection, found: Found, now: str) -> None:
    """Store what was found; a body size that is no more refused is forgotten, a side that is absent stays."""
    for side, concurrency in found.concurrency.items():
        connection.execute(_STORE, (_slots(side), concurrency, now))
    if found.body_bytes is None:
        connection.execute("DELETE FROM found WHERE name = ?", (_BODY,))
    else:
        since = now if found.body_since is None else stamp(found.body_since)
        connection.execute(_STORE, (_BODY, found.body_bytes, since))


def read_found(connection: Connection) -> Found:
    """Return what is stored."""
    with decoding():
        rows = [checked(row, str, int, str) for row in connection.execute("SELECT name, value, at FROM found")]
        values = {name: _sensible(value) for name, value, _ in rows}
        times = {name: moment(at) for name, _, at in rows}
        concurrency = {side: values[_slots(side)] for side in SIDES if _slots(side) in values}
        return Found(concurrency, values.get(_BODY), times.get(_BODY))


def _slots(side: str) -> str:
    return f"{side}.concurrency"


def _sensible(value: int) -> int:
    if not 1 <= value <= _MOST:
        raise ValueError(f"{value} is out of range")
    return value
