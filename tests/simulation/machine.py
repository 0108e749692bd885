"""The machine that the program runs on: its worker threads and the memory of its disk, as far as death is concerned."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from sqlite3 import Connection
from typing import Any, Final

import anyio
from anyio import CancelScope, CapacityLimiter
from anyio.lowlevel import checkpoint

from transfer.checkpoint.database import Database
from transfer.checkpoint.opening import DATABASE
from transfer.checkpoint.store import _Opened

WAL: Final = f"{DATABASE}-wal"
_FULL: Final = 2
"""``PRAGMA synchronous`` from which on a commit is on the disk when it returns."""

_SLOW: Final = 0.05
"""The share of thread calls that take a while."""


class Machine:
    """Runs what goes to threads, and knows which bytes of the state directory survive what.

    ``after_commit`` is called with the connection after every transaction that succeeded.
    """

    def __init__(self, directory: Path, random: Random, after_commit: Callable[[Connection], None]) -> None:
        self.directory = directory
        self.is_dead = False
        self.transactions = 0
        self.full_at: int | None = None
        self._random = random
        self._after_commit = after_commit
        self._opened: _Opened | None = None
        self._kept_of_log: int | None = None

    async def run_sync(
        self,
        function: Callable[..., Any],
        *args: Any,
        abandon_on_cancel: bool = False,
        limiter: CapacityLimiter | None = None,
        **_options: object,
    ) -> Any:
        """Take the place of ``anyio.to_thread.run_sync``: the same limits and cancellation, but no thread."""
        await checkpoint()
        async with limiter or CapacityLimiter(1):
            with CancelScope(shield=not abandon_on_cancel):
                await self._linger()
                result = self._call(function, args)
                await self._linger()
        return result

    async def _linger(self) -> None:
        if self._random.random() < _SLOW:
            await anyio.sleep(self._random.random() * 0.02)
        for _ in range(self._random.randrange(2)):
            await anyio.lowlevel.cancel_shielded_checkpoint()

    def _call(self, function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        if self.is_dead:
            raise OSError("the process is dead")
        is_transaction = getattr(function, "__func__", None) is Database._transact
        if is_transaction:
            self.transactions += 1
            if self.full_at is not None and self.transactions >= self.full_at:
                args = (_full_disk(args[0]),)
        result = function(*args)
        if isinstance(result, _Opened):
            self._take(result)
        if is_transaction and self._opened is not None:
            self._after_commit(self._opened.database._connection)
        return result

    def _take(self, opened: _Opened) -> None:
        self._opened = opened
        (mode,) = opened.database._connection.execute("PRAGMA synchronous").fetchone()
        self._kept_of_log = None if mode >= _FULL else _size(self.directory / WAL)

    def die(self, *, with_power: bool) -> None:
        """Be killed: files stay as they are. Without power what was never synced is gone, and the log's end is torn."""
        self.is_dead = True
        if self._opened is None:
            return
        kept = {path.name: path.read_bytes() for path in self.directory.iterdir() if not path.name.endswith("-shm")}
        if not with_power and WAL in kept:
            kept[WAL] = kept[WAL][: self._kept_of_log] + self._random.randbytes(self._random.choice((0, 7, 5000)))
        self._opened.database._connection.close()
        self._opened._lock._file.close()
        for path in list(self.directory.iterdir()):
            path.unlink()
        for name, content in kept.items():
            (self.directory / name).write_bytes(content)


def _full_disk(work: Callable[[Connection], Any]) -> Callable[[Connection], Any]:
    def fail(connection: Connection) -> None:
        work(connection)
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode, error.sqlite_errorname = sqlite3.SQLITE_FULL, "SQLITE_FULL"
        raise error

    return fail


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


@contextmanager
def threads_of(machine: Machine) -> Iterator[None]:
    """Let ``machine`` run what is meant for threads."""
    real = anyio.to_thread.run_sync
    anyio.to_thread.run_sync = machine.run_sync  # type: ignore[assignment]  # of any function and result
    try:
        yield
    finally:
        anyio.to_thread.run_sync = real
