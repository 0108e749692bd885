"""What an object must be for a version of Airflow to take it, and what it becomes there.

Measured with Starship 2.10.1 on 2.4.3, 2.11.2 and 3.1.8; that 2.8 to 2.10 do as 2.11 was read in Airflow's source.
"""

import json
import re
from collections.abc import Iterator
from typing import Final

from transfer.capabilities import Capabilities
from transfer.client.objects import CONNECTIONS, POOLS, VARIABLES, ObjectKind
from transfer.kinds import Row
from transfer.shapes import Version

_DEFERRABLE_SINCE: Final[Version] = (2, 7)
_STRICT_IDS_SINCE: Final[Version] = (2, 8)

_STRICT_ID: Final = re.compile(r"[\w#!()\-.:/\\]{1,250}", re.ASCII)
_STRICT_ID_3: Final = re.compile(r"[\w#!()\-.:/\\]{1,250}")
"""Airflow 3 takes letters of any alphabet; it would cut a line break off the end and store another id."""

_ENCRYPTED: Final = frozenset({"val", "password", "extra"})
"""What is encrypted before it is stored, and so may hold any character; PostgreSQL takes no NUL in a text."""


def fitted(kind: ObjectKind, row: Row, target: Capabilities) -> Row:
    """Return ``row`` with the fields that the target has: a pool of an older source does not include deferred tasks."""
    if kind is not POOLS:
        return row
    if target.shape.version < _DEFERRABLE_SINCE:
        return {field: value for field, value in row.items() if field != "include_deferred"}
    return {"include_deferred": False, **row}


def refusal(kind: ObjectKind, row: Row, target: Capabilities) -> str | None:
    """Return why the target would not take ``row``, or take it for something else; None if it should take it.

    ``row`` is as the source served it. The reason holds no value of a secret field.
    """
    return next(_reasons(kind, row, target), None)


def _reasons(kind: ObjectKind, row: Row, target: Capabilities) -> Iterator[str]:
    if kind is VARIABLES:
        yield from _of_variable(row)
    if kind is CONNECTIONS:
        yield from _of_connection(row, target)
    if kind is POOLS:
        yield from _of_pool(row, target)
    for field, value in row.items():
        if isinstance(value, str):
            yield from _of_text(field, value)


def _of_variable(row: Row) -> Iterator[str]:
    value = row.get("val")
    if value is None:
        yield (
            "its value cannot be read at the source: null is what Airflow serves where its Fernet key does not open"
            " the value; enter the variable anew there"
        )
    elif not isinstance(value, str):
        yield "its value is no text"


def _of_connection(row: Row, target: Capabilities) -> Iterator[str]:
    version = target.shape.version
    if row.get("conn_type") is None:
        yield "it has no conn_type, which Airflow wants: set one at the source"
    strict = _STRICT_ID_3 if target.is_airflow_3 else _STRICT_ID
    if version >= _STRICT_IDS_SINCE and not strict.fullmatch(row["conn_id"]):
        letters = "letters" if target.is_airflow_3 else "letters (a to z)"
        yield (
            f"{target.name} takes no such conn_id: {letters}, digits and _#!()-.:/\\ may stand in one, up to 250 of"
            " them; give it another name at the source, and in its DAGs"
        )
    if target.is_airflow_3 and row.get("extra") and not is_json_object(row["extra"]):
        yield f"{target.name} takes no extra that is not a JSON object: correct it at the source"


def _of_pool(row: Row, target: Capabilities) -> Iterator[str]:
    if row.get("include_deferred") and target.shape.version < _DEFERRABLE_SINCE:
        yield f"it includes deferred tasks, which pools of {target.name} cannot"


def _of_text(field: str, value: str) -> Iterator[str]:
    if "\0" in value and field not in _ENCRYPTED:
        yield f"its {field} holds a NUL character, which PostgreSQL takes in no text"
    if any("\ud800" <= char <= "\udfff" for char in value):
        yield f"its {field} holds half of a character (a lone surrogate), which cannot be written in UTF-8"


def is_json_object(text: object) -> bool:
    """Tell whether ``text`` is JSON, and an object."""
    try:
        return isinstance(text, str) and isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False
