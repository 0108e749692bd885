"""What a database makes of a JSON value: the value as a later GET shows it, or the refusal."""

import json
import pickle
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final
from uuid import UUID

from transfer.emulator.database import POSTGRESQL, Database
from transfer.emulator.jsonb import as_stored
from transfer.emulator.refusal import Refusal, bad_statement, bad_value, crash
from transfer.emulator.schema import Column

_INT_MAX: Final = 2**31 - 1


def converter(column: Column, database: Database = POSTGRESQL) -> Callable[[Any], Any]:
    """Return the function that makes of a value, not null, what reads back from ``column``, or a ``Refusal``.

    Dates come back in UTC, microseconds only when there are any; a naive date is taken as UTC (the database session's
    zone). ``executor_config`` is never given back.
    """
    if column.type in _DATES:
        return partial(_DATES[column.type], database)
    return partial(_CONVERTERS[column.type], column)


def printed(column: Column, value: Any) -> str:
    """Return a value, as it reads back, in the words of PostgreSQL's error details."""
    if value is None:
        return "null"
    if column.type == "date":
        moment = datetime.fromisoformat(value)
        fraction = f".{moment.microsecond:06d}".rstrip("0") if moment.microsecond else ""
        return f"{moment:%Y-%m-%d %H:%M:%S}{fraction}+00"
    if column.type == "bool":
        return "t" if value else "f"
    if column.type == "json":
        return json.dumps(value)
    return f"{value:g}" if column.type == "float" else str(value)


def pickled(value: Any) -> str:
    """Return the pickle of ``value`` as PostgreSQL prints bytes."""
    return f"\\x{pickle.dumps(value).hex()}"


def _text(column: Column, value: Any) -> Any:
    if isinstance(value, dict | list):
        return _unadaptable(value)
    text = value if isinstance(value, str) else str(value)
    if "\x00" in text:
        return crash("ValueError", "A string literal cannot contain NUL (0x00) characters.")
    if len(text) > column.length:
        return bad_value("StringDataRightTruncation", f"value too long for type character varying({column.length})")
    return text


def _int(_column: Column, value: Any) -> Any:
    if isinstance(value, dict | list):
        return _unadaptable(value)
    if isinstance(value, bool):
        return _mismatch("integer", "boolean")
    try:
        number = round(value) if isinstance(value, float) else int(value)
    except ValueError:
        return bad_value("InvalidTextRepresentation", f'invalid input syntax for type integer: "{value}"')
    return (
        number if -_INT_MAX - 1 <= number <= _INT_MAX else bad_value("NumericValueOutOfRange", "integer out of range")
    )


def _float(_column: Column, value: Any) -> Any:
    if isinstance(value, dict | list):
        return _unadaptable(value)
    try:
        return float(value)
    except ValueError:
        return bad_value("InvalidTextRepresentation", f'invalid input syntax for type double precision: "{value}"')


def _bool(_column: Column, value: Any) -> Any:
    if value in (0, 1):
        return bool(value)
    return bad_statement("StatementError", f"(builtins.TypeError) Not a boolean value: {value!r}")


def _date(database: Database, value: Any) -> Any:
    moment = _moment(database, value, "timestamp with time zone")
    return moment if isinstance(moment, Refusal) else str(_aware(moment).astimezone(UTC))


def _naive_date(database: Database, value: Any) -> Any:
    moment = _moment(database, value, "timestamp without time zone")
    return moment if isinstance(moment, Refusal) else str(moment.replace(tzinfo=None))


def _moment(database: Database, value: Any, type_name: str) -> datetime | Refusal:
    if not isinstance(value, str):
        return _unadaptable(value) if isinstance(value, dict | list) else _mismatch(type_name, "integer")
    if "\x00" in value:
        return crash("ValueError", "A string literal cannot contain NUL (0x00) characters.")
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        said = f"invalid input syntax for type {type_name}: \"{value}\"\nLINE 1: ...'{value[:20]}'...\n{' ' * 61}^"
        return bad_value("InvalidDatetimeFormat", said)
    return database.refuse_date(value, moment) or moment


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _blob(column: Column, value: Any) -> Any:
    return value if column.name == "conf" else None


def _json(_column: Column, value: Any) -> Any:
    return as_stored(value)


def _uuid(_column: Column, value: Any) -> Any:
    if not isinstance(value, str):
        said = "(psycopg2.errors.CannotCoerce) cannot cast type integer to uuid\n"
        return bad_statement("ProgrammingError", said)
    try:
        return str(UUID(value))
    except ValueError:
        return bad_value("InvalidTextRepresentation", f'invalid input syntax for type uuid: "{value}"')


def _unadaptable(value: Any) -> Refusal:
    said = f"(psycopg2.ProgrammingError) can't adapt type '{type(value).__name__}'"
    return bad_statement("ProgrammingError", said)


def _mismatch(column_type: str, value_type: str) -> Refusal:
    said = f"column is of type {column_type} but expression is of type {value_type}"
    return bad_statement("ProgrammingError", f"(psycopg2.errors.DatatypeMismatch) {said}\n")


_CONVERTERS: Final[dict[str, Callable[[Column, Any], Any]]] = {
    "text": _text,
    "int": _int,
    "float": _float,
    "bool": _bool,
    "blob": _blob,
    "json": _json,
    "uuid": _uuid,
}
_DATES: Final[dict[str, Callable[[Database, Any], Any]]] = {"date": _date, "naive date": _naive_date}
