"""What MariaDB and MySQL make of a row: dates without their offset, and numbers and times with fewer digits.

Measured on MariaDB 10.11 with Airflow 2.11.2. Dates go in UTC without an offset, are taken as UTC and served equal
again, with their microseconds. ``duration`` is a FLOAT there, of which six digits are served; ``trigger_timeout`` has
no fraction, so it is sent without one: MariaDB would cut it, MySQL round it.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from struct import pack, unpack
from typing import Any, Final

from transfer.capabilities import Capabilities
from transfer.kinds import CHILDREN, DAG_RUNS, Kind, Row
from transfer.mapping.account import Account
from transfer.model import Loss

_UTC: Final = "+00:00"
_WHY: Final = "MySQL and MariaDB keep six digits of a duration, and no fraction of a trigger's time"
_SHORT: Final = ("duration", "trigger_timeout")
"""The columns of task instances of which they keep less than PostgreSQL."""


@dataclass(frozen=True, slots=True)
class WithoutOffsets:
    """Takes the offsets off the dates of rows that were mapped for ``target``."""

    target: Capabilities

    def __call__(self, kind: Kind, rows: list[Row], account: Account) -> list[Row]:
        """Return new rows; ``account`` says which values the database will shorten."""
        dates = [field.name for field in self.target.shape.of(kind).values() if field.type == "date"]
        plain = [row.copy() for row in rows]
        for row in plain:
            for name in dates:
                if row.get(name) is not None:
                    row[name] = without_offset(row[name])
            for name in shorten(kind, row, sent=True):
                account.count(kind, name, _WHY)
        return plain


def shorten(kind: Kind, row: Row, *, sent: bool = False) -> list[str]:
    """Turn a row, in place, into what such a database shows of it; return the columns that lose a part of their value.

    For a row that is ``sent`` the duration stays whole: the database shortens it itself, and may keep more.
    """
    if kind is DAG_RUNS:
        return []
    lost = []
    for name, short in (("duration", _six_digits), ("trigger_timeout", _whole_seconds)):
        kept = short(row.get(name))
        if kept != row.get(name):
            lost.append(name)
            if not sent or name != "duration":
                row[name] = kept
    return lost


def shortened() -> Iterator[Loss]:
    """Yield the columns that may lose a part of their values."""
    for kind in CHILDREN:
        for name in _SHORT:
            yield Loss(kind.name, name, _WHY)


def to_utc(row: Row, names: Iterable[str]) -> None:
    """Write the dates of a row, in place, in UTC with its offset: "2026-01-01 00:00:00+00:00"; naive ones are in UTC.

    An Airflow 3 serves those of DAG runs in the time zone of its database's session, or without any where that keeps
    none (Starship 2.10.1 reads the bare table); those of task instances, and all of an Airflow 2, are in UTC.
    """
    for name in names:
        value = row.get(name)
        if isinstance(value, str) and not value.endswith(_UTC):
            with suppress(ValueError, OverflowError):  # no date, or one at the edge of the calendar
                moment = datetime.fromisoformat(value)
                row[name] = str(moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC))


def without_offset(value: Any) -> Any:
    """Return a date in UTC without its offset; what is no date with one is returned as it is."""
    if not isinstance(value, str):
        return value
    if value.endswith(_UTC):
        return value.removesuffix(_UTC)
    try:
        moment = datetime.fromisoformat(value)
        return str(moment.astimezone(UTC).replace(tzinfo=None)) if moment.tzinfo else value
    except (ValueError, OverflowError):  # no date, or one at the edge of the calendar
        return value


def _six_digits(value: Any) -> Any:
    """Return a number as a FLOAT of MySQL is served: rounded to 32 bits, then to six digits."""
    if not isinstance(value, float):
        return value
    try:
        (single,) = unpack("f", pack("f", value))
    except OverflowError:
        return value  # it is refused there
    return float(f"{single:.6g}")


def _whole_seconds(value: Any) -> Any:
    """Return a time without its fraction, which stands behind the only point that it may have."""
    if not isinstance(value, str):
        return value
    seconds, point, rest = value.partition(".")
    return seconds + rest.lstrip("0123456789") if point else value
