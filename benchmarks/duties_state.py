"""The leanest checkpoint that keeps what it is told when the power fails: a window is claimed, then settled."""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b

from transfer.kinds import Row

_IN_FLIGHT, _MOVED = 0, 1


class DutyFailedError(Exception):
    """Raised when something is not as a safe client has to find it."""


def must(hold: object) -> None:
    """Raise ``DutyFailedError`` unless ``hold``."""
    if not hold:
        raise DutyFailedError


class State:
    """One table of windows and one of runs, behind one thread; ``path`` is created."""

    def __init__(self, path: str) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        for statement in (
            "PRAGMA journal_mode = WAL",
            "PRAGMA synchronous = FULL",
            "CREATE TABLE window (start INTEGER PRIMARY KEY, size INTEGER, state INTEGER) STRICT",
            "CREATE TABLE run (name INTEGER PRIMARY KEY, fingerprint INTEGER, outcome INTEGER) STRICT",
        ):
            self._connection.execute(statement)
        self._thread = ThreadPoolExecutor(1)

    async def claim(self, start: int, runs: Sequence[Row], marks: Sequence[int]) -> None:
        """Store a window and its runs with their fingerprints, of which nothing may be remembered yet."""
        names = _names(runs)
        await self._transaction(lambda: self._claim(start, names, marks))

    async def settle(self, start: int, runs: Sequence[Row], marks: Sequence[int]) -> None:
        """Store that all of a window was acknowledged."""
        names = _names(runs)
        await self._transaction(lambda: self._settle(start, names, marks))

    def close(self) -> None:
        """Close the file."""
        self._thread.shutdown()
        self._connection.close()

    def _claim(self, start: int, names: list[int], marks: Sequence[int]) -> None:
        held = ",".join(map(str, names))
        known = self._connection.execute(f"SELECT count(*) FROM run WHERE name IN ({held})")  # noqa: S608  integers
        must(known.fetchone() == (0,))
        self._connection.execute("INSERT INTO window VALUES (?, ?, 0)", (start, len(names)))
        self._remember(names, marks, _IN_FLIGHT)

    def _settle(self, start: int, names: list[int], marks: Sequence[int]) -> None:
        self._connection.execute("UPDATE window SET state = 1 WHERE start = ?", (start,))
        self._remember(names, marks, _MOVED)

    def _remember(self, names: list[int], marks: Sequence[int], outcome: int) -> None:
        rows = [(name, mark, outcome) for name, mark in zip(names, marks, strict=True)]
        self._connection.executemany("INSERT OR REPLACE INTO run VALUES (?, ?, ?)", rows)

    async def _transaction(self, work: Callable[[], None]) -> None:
        def transact() -> None:
            with self._connection:
                self._connection.execute("BEGIN IMMEDIATE")
                work()

        await asyncio.get_running_loop().run_in_executor(self._thread, transact)


def _names(runs: Sequence[Row]) -> list[int]:
    return [int.from_bytes(blake2b(run["run_id"].encode(), digest_size=8).digest(), signed=True) for run in runs]
