"""The one connection that writes, and the rule that its transactions run whole and one at a time."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from sqlite3 import Connection
from threading import Lock
from typing import Final, Literal, TypeVar

from anyio import CapacityLimiter, to_thread

from transfer.checkpoint.failures import translated

T = TypeVar("T")

_BUSY_SECONDS: Final = 5.0


def connect(path: Path, mode: Literal["rw", "ro"]) -> Connection:
    """Open an existing file; statements begin no transaction by themselves. Raises ``sqlite3.Error``."""
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    return sqlite3.connect(uri, uri=True, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)


def prepare(connection: Connection) -> None:
    """Make ``connection`` the writing one: after a commit a power failure loses nothing, and readers never wait."""
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")


def transact(connection: Connection, work: Callable[[Connection], T]) -> T:
    """Run ``work`` in one transaction: all of it is on disk when this returns, nothing when it raises."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        result = work(connection)
        connection.execute("COMMIT")
    finally:
        # Some failures (a full disk) have rolled back already; after a commit there is nothing to roll back.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
    return result


class Database:
    """Runs transactions in a worker thread for the tasks of one event loop."""

    def __init__(self, connection: Connection, path: Path) -> None:
        self._connection = connection
        self._path = path
        self._limiter = CapacityLimiter(1)
        # A task that asyncio cancels leaves its thread running and frees the limiter: the lock keeps the next one out.
        self._lock = Lock()

    async def run(self, work: Callable[[Connection], T]) -> T:
        """Run ``work`` in one transaction; cancelled, it was carried out whole or not at all.

        Raises ``StateFullError`` when it could not be written, another ``StateError`` when the file is unusable.
        """
        return await to_thread.run_sync(self._transact, work, limiter=self._limiter)

    def close(self) -> None:
        """Close the connection, after the transaction that may be under way."""
        with self._lock, translated(self._path):
            self._connection.close()

    def _transact(self, work: Callable[[Connection], T]) -> T:
        with self._lock, translated(self._path):
            return transact(self._connection, work)
