"""One run per state directory: a lock that the kernel frees however the process ends.

It lies on a file beside the database, because a lock on the database itself would be lost with any other file
descriptor of it and would keep readers out.
"""

import fcntl
import os
import socket
import time
from pathlib import Path
from typing import IO, Final

from transfer.checkpoint.values import Holder
from transfer.errors import StateLockedError

_ATTEMPTS: Final = 5
_LONGEST: Final = 300
"""Characters of the lock file that are read; a host name has 255 at most."""

_HINT: Final = "wait for it or stop it; `transfer status` shows how far it is; the lock goes away with the process"

_PAUSE: Final = 0.02
"""Seconds between attempts: ``holder`` takes the lock for an instant, which must not turn a run away."""


class DirectoryLock:
    """Holds the lock from construction until ``release``; ``other`` and ``hint`` are for whoever is turned away.

    Raises ``StateLockedError`` when another process has it, OSError when its file cannot be written.
    """

    def __init__(self, path: Path, *, other: str = "another run", hint: str = _HINT) -> None:
        path.touch(mode=0o600)
        self._file = path.open("r+", encoding="utf-8", errors="replace")
        try:
            _take(self._file, f"{other} holds the state directory {path.parent}", hint)
            self._say(f"{os.getpid()} {socket.gethostname()}\n")
        except BaseException:  # whatever it is, a lock that was not taken must not be held
            self._file.close()
            raise

    def release(self) -> None:
        """Free the lock; the file stays, empty."""
        with self._file:
            self._say("")

    def _say(self, text: str) -> None:
        self._file.seek(0)
        self._file.truncate()
        self._file.write(text)
        self._file.flush()


def _take(file: IO[str], refusal: str, hint: str) -> None:
    for _ in range(_ATTEMPTS):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_PAUSE)
        else:
            return
    found = _read(file)
    raise StateLockedError(f"{refusal}: process {found.pid} on {found.host or 'this machine'}", hint=hint)


def _read(file: IO[str]) -> Holder:
    file.seek(0)
    pid, _, host = file.read(_LONGEST).strip().partition(" ")
    return Holder(int(pid) if pid.isdecimal() else 0, host)


def holder(path: Path) -> Holder | None:
    """Return who holds the lock at this moment, None if nobody does; raises OSError when that cannot be told."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return _read(file) if _is_taken(file) else None
    except FileNotFoundError:
        return None


def _is_taken(file: IO[str]) -> bool:
    # An empty file was released properly: nothing to try, so a run that starts now is not disturbed.
    if not file.read(1):
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False
