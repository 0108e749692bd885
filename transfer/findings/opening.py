"""Opening the result of a verification to write it: go on with the one that is under way, or begin anew."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from random import SystemRandom
from sqlite3 import Connection
from typing import Final
from uuid import UUID, uuid4

from transfer.checkpoint.database import connect, prepare, transact
from transfer.checkpoint.encoding import decoding, stamp
from transfer.errors import StateCorruptError, StateMismatchError
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
    """The verification that is written from now on; ``resumed`` tells whether an earlier process began it.

    ``given_up`` says in what an unfinished one differed that makes place for it.
    """

    connection: Connection
    id: UUID
    seed: int
    resumed: bool
    given_up: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Last:
    """The verification that the file holds."""

    id: UUID
    seed: int
    identity: Identity
    ended: bool


def open_database(path: Path, opening: Opening, clock: Callable[[], datetime]) -> Opened:
    """Return the writing connection to the file, which is created if need be.

    Raises ``StateMismatchError`` when the last verification compared another source or target, ``StateCorruptError``
    for a file that is not a result of this program, ``sqlite3.Error`` or OSError.
    """
    if not path.exists():
        path.touch(mode=0o600)
    connection = connect(path, "rw")
    try:
        _check_ours(connection, path)
        prepare(connection)
        last = None if opening.restart else _last(connection)
        if last is not None:
            _check_sides(last.identity, opening.identity)
            differing = _differing(last, opening)
            if not differing and not last.ended:
                return Opened(connection, last.id, last.seed, resumed=True)
            if not last.ended:
                return replace(_anew(connection, opening, clock), given_up=differing)
        return _anew(connection, opening, clock)
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


def _last(connection: Connection) -> _Last | None:
    if _pragma(connection, "user_version") != VERSION:
        return None
    row = connection.execute(
        "SELECT uuid, seed, ended_at, source, target, selection, sample, one_way FROM verification"
    ).fetchone()
    with decoding():
        identity = Identity(row[3], row[4], row[5], row[6], one_way=bool(row[7]))
        return _Last(UUID(row[0]), int(row[1]), identity, ended=row[2] is not None)


def _check_sides(last: Identity, now: Identity) -> None:
    pairs = {"source": (last.source, now.source), "target": (last.target, now.target)}
    differing = [f"{name}: there {was}, here {here}" for name, (was, here) in pairs.items() if was != here]
    if differing:
        raise StateMismatchError(
            "the last verification in the state directory compared something else\n" + "\n".join(differing),
            hint="use another state directory, or --restart to replace that result",
        )


def _differing(last: _Last, opening: Opening) -> tuple[str, ...]:
    """Return what is asked for now and was not then, as text."""
    was, now = last.identity, opening.identity
    pairs: dict[str, tuple[object, object]] = {
        "sample": (was.sample, now.sample),
        "one_way": (was.one_way, now.one_way),
    }
    if opening.seed is not None:
        pairs["seed"] = last.seed, opening.seed
    if was.selection != now.selection:
        pairs["selection"] = was.selection, now.selection
    return tuple(f"{name}: there {then}, here {here}" for name, (then, here) in pairs.items() if then != here)


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
