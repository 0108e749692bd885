"""The variables and connections of a deployment, and the environment of its web server."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from transfer.emulator.refusal import Refusal, bad_value, crash, duplicate, missing_value
from transfer.kinds import Row

VARIABLE: Final = ("key", "val", "description")
CONNECTION: Final = (*("conn_id", "conn_type", "host", "port", "schema", "login", "password", "extra", "description"),)
_REQUIRED: Final = {"variables": ("key", "val"), "connections": ("conn_id", "conn_type")}
_COLUMNS: Final = {"variables": VARIABLE, "connections": CONNECTION}
_KEYS: Final = {"variables": "key", "connections": "conn_id"}
_UNIQUE: Final = {"variables": "variable_key_uq", "connections": "connection_conn_id_uq"}
_WIDTHS: Final = {"key": 250, "conn_id": 250, "conn_type": 500, "host": 500, "schema": 500}
_LARGEST_INT: Final = 2**31 - 1
_ENCRYPTED: Final = frozenset({"val", "password", "extra"})
_ID: Final = re.compile(r"^[\w#!()\-.:/\\]{1,250}\Z", re.ASCII)
_ID_3: Final = re.compile(r"^[\w#!()\-.:/\\]{1,}$")


@dataclass(frozen=True, slots=True)
class Rules:
    """What a release does to objects: ``strict_ids`` since 2.8; ``modern`` is Airflow 3."""

    strict_ids: bool = True
    modern: bool = False

    @property
    def stored_id(self) -> Callable[[str], str | None]:
        """Return what makes of a conn_id what is stored, None for one that is not taken."""
        if not self.strict_ids:
            return lambda name: name
        return _modern_id if self.modern else lambda name: name if _ID.match(name) else None


def _modern_id(name: str) -> str | None:
    """Return what Airflow 3 makes of a conn_id: a line break at its end is lost."""
    found = _ID_3.match(name)
    return found[0] if found and len(name) <= _WIDTHS["conn_id"] else None


@dataclass(slots=True)
class Configuration:
    """What a deployment has beside its history; tests may fill and read all of it.

    ``undecryptable`` are the names of objects whose secrets the deployment's Fernet key does not open.
    """

    variables: dict[str, Row] = field(default_factory=dict)
    connections: dict[str, Row] = field(default_factory=dict)
    pools: dict[str, Row] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    undecryptable: set[str] = field(default_factory=set)

    def add(self, kind: str, **row: Any) -> None:
        """Add an object as its own Airflow would have it; columns that are not given are null."""
        columns = dict.fromkeys(_COLUMNS[kind])
        self.table(kind)[row[_KEYS[kind]]] = columns | row

    def table(self, kind: str) -> dict[str, Row]:
        """Return the rows of ``variables`` or ``connections`` by name."""
        return self.variables if kind == "variables" else self.connections


class Objects:
    """The routes' way to variables and connections: what is refused, and what is stored of the rest."""

    def __init__(self, configuration: Configuration, rules: Rules, *, columns: tuple[str, ...] = ()) -> None:
        self._all = configuration
        self._rules = rules
        self._more = columns

    def rows(self, kind: str) -> list[Row] | Refusal:
        """Return all objects; one connection that cannot be decrypted, or has a bad extra, spoils them all."""
        if kind == "connections":
            for name, row in self._all.connections.items():
                if name in self._all.undecryptable:
                    return crash("cryptography.fernet.InvalidToken", "")
                if self._rules.modern and row["extra"]:
                    refusal = _extra(row["extra"], name)
                    if refusal:
                        return refusal
        return [self._served(kind, row) for row in self._all.table(kind).values()]

    def _served(self, kind: str, row: Row) -> Row:
        hidden = {"val": None} if kind == "variables" and row["key"] in self._all.undecryptable else {}
        return {name: row.get(name) for name in (*_COLUMNS[kind], *self._more)} | hidden

    def missing(self, kind: str, sent: Row) -> str | None:
        """Return the first required key that is missing or null."""
        return next((key for key in _REQUIRED[kind] if sent.get(key) is None), None)

    def key(self, kind: str) -> str:
        """Return the column that names an object."""
        return _KEYS[kind]

    def insert(self, kind: str, sent: Row) -> Row | Refusal:
        """Add an object and return it as it is echoed, or say why not."""
        row: Row = {name: sent.get(name) for name in _COLUMNS[kind]}
        refusal = self._refusal(kind, row)
        if refusal:
            return refusal
        if kind == "connections":
            stored = self._rules.stored_id(row["conn_id"])
            if stored is None:
                return missing_value("connection", "conn_id", ["9", "null", str(row["conn_type"])])
            row |= {"conn_id": stored, "password": row["password"] or None}
        table, name = self._all.table(kind), row[_KEYS[kind]]
        if name in table:
            return duplicate(_UNIQUE[kind], (_KEYS[kind],), (name,))
        table[name] = row
        return self._served(kind, row)

    def _refusal(self, kind: str, row: Row) -> Refusal | None:
        for column, value in row.items():
            if isinstance(value, str) and "\0" in value and column not in _ENCRYPTED:
                return crash("ValueError", "A string literal cannot contain NUL (0x00) characters.")
            width = _WIDTHS.get(column)
            if width and isinstance(value, str) and len(value) > width and column != "conn_id":
                said = f"value too long for type character varying({width})"
                return bad_value("StringDataRightTruncation", said)
        if isinstance(row.get("port"), int) and row["port"] > _LARGEST_INT:
            return bad_value("NumericValueOutOfRange", "integer out of range")
        if kind == "variables" and not isinstance(row["val"], str):
            return crash("TypeError", "encoding without a string argument")
        return _extra(row["extra"], row["conn_id"]) if self._rules.modern and row.get("extra") else None

    def delete(self, kind: str, name: str) -> None:
        """Remove one object; nothing happens when there is none."""
        self._all.table(kind).pop(name, None)


def _extra(extra: str, conn_id: str) -> Refusal | None:
    """Return what Airflow 3 says to an extra that is no JSON object."""
    try:
        if isinstance(json.loads(extra), dict):
            return None
    except ValueError:
        return crash("ValueError", f"Encountered non-JSON in `extra` field for connection {conn_id!r}.")
    said = (
        "Encountered JSON value in `extra` which does not parse as a dictionary in connection"
        f" {conn_id!r}. The `extra` field must contain a JSON representation of a Python dict."
    )
    return crash("ValueError", said)
