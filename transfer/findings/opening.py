"""Opening the result of a verification to write it: go on with the one that is under way, or begin anew."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from random import SystemRandom
from sqlite3 import Connection
from typing import Final
from uuid import UUID, uuid4

from transfer.checkpoint.database import connect, prepare, transact
from transfer.checkpoint.encoding import decoding, stamp
from transfer.errors import StateCorruptError
from transfer.findings.failures import MAKE_ANEW
from transfer.findings.schema import APPLICATION_ID, VERSION, create
from transfer.findings.values import Identity

SEEDS: Final = 2**31


@dataclass(frozen=True, slots=True)
class Opening:
    """What is asked for: ``seed`` None takes the one of the verification that is under way, or draws one."""

    identity: Identity
    seed: int | None = None
    restart: bool = False


@dataclass(frozen=True, slots=True)
class Opened:
    """The verification that is written from now on; ``resumed`` tells whether an earlier process began it."""

    connection: Connection
    id: UUID
    seed: int
    resumed: bool


def open_database(path: Path, opening: Opening, clock: Callable[[], datetime]) -> Opened:
    """Return the writing connection to the file, which is created if need be.

    Raises ``StateCorruptError`` for a file that is not a result of this program, ``sqlite3.Error`` or OSError.
    """
    if not path.exists():
        path.touch(mode=0o600)
    connection = connect(path, "rw")
    try:
        _check_ours(connection, path)
        prepare(connection)
        return _under_way(connection, opening) or _anew(connection, opening, clock)
    except BaseException:  # whatever it is, the connection is of no use
        connection.close()
        raise


def check_origin(connection: Connection, path: Path) -> None:
    """Raise ``StateCorruptError`` unless the file is a result that this release understands."""
    _check_ours(connection, path)
    if _pragma(connection, "user_version") != VERSION:
        raise StateCorruptError(f"another release wrote {path}", hint="run `transfer verify` with this one")


def _check_ours(connection: Connection, path: Path) -> None:
    """Raise unless the file is ours or empty, as a process leaves it that dies while it makes it."""
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if tables and _pragma(connection, "application_id") != APPLICATION_ID:
        raise StateCorruptError(f"{path} was not written by this program", hint=MAKE_ANEW)


def _pragma(connection: Connection, name: str) -> int:
    (value,) = connection.execute(f"PRAGMA {name}").fetchone()
    return int(value)


def _under_way(connection: Connection, opening: Opening) -> Opened | None:
    """Return the verification to go on with: the same one, which has not come to its end."""
    if opening.restart or _pragma(connection, "user_version") != VERSION:
        return None
    row = connection.execute(
        "SELECT uuid, seed, ended_at, source, target, selection, sample, one_way FROM verification"
    ).fetchone()
    with decoding():
        number, seed, ended_at = UUID(row[0]), int(row[1]), row[2]
        same = Identity(row[3], row[4], row[5], row[6], one_way=bool(row[7])) == opening.identity and opening.seed in (
            None,
            seed,
        )
    return Opened(connection, number, seed, resumed=True) if same and ended_at is None else None


def _anew(connection: Connection, opening: Opening, clock: Callable[[], datetime]) -> Opened:
    number = uuid4()
    seed = SystemRandom().randrange(SEEDS) if opening.seed is None else opening.seed
    what = opening.identity
    values = (str(number), what.source, what.target, what.selection, what.sample, what.one_way, seed, stamp(clock()))

    def build(connection: Connection) -> None:
        create(connection)
        connection.execute("INSERT INTO verification VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, NULL)", values)

    transact(connection, build)
    return Opened(connection, number, seed, resumed=False)
