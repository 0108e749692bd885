"""How values fit into SQLite's columns: 64-bit integers, codes and UTC texts."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import blake2b
from sqlite3 import DatabaseError
from types import UnionType
from typing import Any, Final

from transfer.model import Outcome

_TWO_63: Final = 1 << 63
_TWO_64: Final = 1 << 64

CODES: Final[Mapping[Outcome, int]] = {
    Outcome.IN_FLIGHT: 0,
    Outcome.MOVED: 1,
    Outcome.ALREADY: 2,
    Outcome.UNFINISHED: 3,
    Outcome.REJECTED: 4,
    Outcome.UNSELECTED: 5,
    Outcome.CHANGED: 6,
    Outcome.FILLING: 7,
    Outcome.PARTIAL: 8,
    Outcome.TO_REPLACE: 9,
    Outcome.REPLACING: 10,
    Outcome.MENDING: 11,
    Outcome.MENDING_FOUND: 12,
}
"""How outcomes are stored; a number is never used again for something else."""

OUTCOMES: Final[Mapping[int, Outcome]] = {code: outcome for outcome, code in CODES.items()}


@contextmanager
def decoding() -> Iterator[None]:
    """Raise ``sqlite3.DatabaseError`` in place of what Python says about stored values that make no sense."""
    try:
        yield
    except (KeyError, TypeError, ValueError) as error:
        raise DatabaseError(f"a stored value makes no sense: {error}") from error


def checked(row: Sequence[Any], *kinds: type | UnionType) -> tuple[Any, ...]:
    """Return ``row``; raises ``sqlite3.DatabaseError`` unless each value is of its kind: SQLite stores any anywhere."""
    if all(map(isinstance, row, kinds)):
        return tuple(row)
    raise DatabaseError("a stored value makes no sense: it is of another kind than its column")


def signed(value: int) -> int:
    """Return the signed 64-bit integer with the bits of ``value``, 0 to 2**64 - 1; ValueError outside of that."""
    if not 0 <= value < _TWO_64:
        raise ValueError(f"{value} is not an unsigned 64-bit number")
    return value - _TWO_64 if value >= _TWO_63 else value


def unsigned(value: int) -> int:
    """Undo ``signed``."""
    return value + _TWO_64 if value < 0 else value


@lru_cache(maxsize=4_096)  # the same run is recalled, claimed and settled within a few windows
def digest(run_id: str) -> int:
    """Return the stored name of a run, unique within its DAG for all practical purposes (64 bits of blake2b)."""
    return int.from_bytes(blake2b(run_id.encode("utf-8", "surrogatepass"), digest_size=8).digest(), signed=True)


def stamp(moment: datetime) -> str:
    """Return ``moment`` as UTC text; later moments are greater texts."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")


def moment(text: str) -> datetime:
    """Undo ``stamp``."""
    return datetime.fromisoformat(text)
