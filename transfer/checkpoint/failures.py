"""What a failure of SQLite or of the file system means: one table from error codes to ``StateError``."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from transfer.errors import StateCorruptError, StateError, StateFullError, StateLockedError

MOVE_AWAY: Final = (
    "move the state directory away and start again: a new job finds on the target what is already there; "
    "keep the old directory if rows of the job may have to be told apart from older ones later"
)
_MAKE_ROOM: Final = (
    "make room or make it writable, then run the same command again: nothing that was acknowledged is lost"
)
_LET_GO: Final = "close the other program that has the checkpoint open (a SQLite shell, a backup), then try again"

_MEANING: Final[Mapping[int, tuple[type[StateError], str, str]]] = {
    sqlite3.SQLITE_FULL: (StateFullError, "cannot be written", _MAKE_ROOM),
    sqlite3.SQLITE_READONLY: (StateFullError, "cannot be written", _MAKE_ROOM),
    sqlite3.SQLITE_IOERR: (StateFullError, "cannot be written", _MAKE_ROOM),
    sqlite3.SQLITE_CANTOPEN: (StateFullError, "cannot be opened", _MAKE_ROOM),
    sqlite3.SQLITE_PERM: (StateFullError, "cannot be opened", _MAKE_ROOM),
    sqlite3.SQLITE_AUTH: (StateFullError, "cannot be opened", _MAKE_ROOM),
    sqlite3.SQLITE_NOLFS: (StateFullError, "cannot be written", _MAKE_ROOM),
    sqlite3.SQLITE_TOOBIG: (StateFullError, "cannot be written", _MAKE_ROOM),
    sqlite3.SQLITE_BUSY: (StateLockedError, "is in use", _LET_GO),
    sqlite3.SQLITE_LOCKED: (StateLockedError, "is in use", _LET_GO),
    sqlite3.SQLITE_PROTOCOL: (StateLockedError, "is in use", _LET_GO),
    sqlite3.SQLITE_NOMEM: (StateError, "cannot be used", "free some memory, then run the same command again"),
}
"""By primary error code; whatever is missing here means that the file is not what this program wrote."""

_DAMAGED_READS: Final = frozenset(
    {sqlite3.SQLITE_IOERR_SHORT_READ, sqlite3.SQLITE_IOERR_READ, sqlite3.SQLITE_IOERR_CORRUPTFS}
)


def corrupt(path: Path, detail: str, *, hint: str = MOVE_AWAY) -> StateCorruptError:
    """Return the error for a checkpoint that cannot be read."""
    return StateCorruptError(f"the checkpoint {path} cannot be read: {detail}", hint=hint)


def _of_sqlite(error: sqlite3.Error, path: Path) -> StateError:
    # Some errors of Python's module itself (a text that is not UTF-8) carry no code: they come from damaged rows.
    code = getattr(error, "sqlite_errorcode", None)
    meaning = None if code is None or code in _DAMAGED_READS else _MEANING.get(code & 0xFF)
    if meaning is None:
        return corrupt(path, str(error))
    kind, what, hint = meaning
    return kind(f"the checkpoint {path} {what}: {error} ({error.sqlite_errorname})", hint=hint)


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Raise the ``StateError`` that says what to do in place of an error of SQLite or the operating system."""
    try:
        yield
    except sqlite3.Error as error:
        raise _of_sqlite(error, path) from error
    except UnicodeDecodeError as error:  # SQLite's message quotes a damaged schema
        raise corrupt(path, str(error)) from error
    except (FileExistsError, NotADirectoryError) as error:
        raise StateError(f"{path.parent} cannot be a directory: {error.strerror}", hint="name another one") from error
    except OSError as error:
        raise StateFullError(f"{path} cannot be written: {error.strerror or error}", hint=_MAKE_ROOM) from error
