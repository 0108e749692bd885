"""Both sides, object by object. What is returned names fields and holds none of their values."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from transfer.capabilities import Capabilities
from transfer.client.objects import POOLS, ObjectKind, Objects
from transfer.engine.configuration.rules import fitted
from transfer.kinds import Row

_EMPTY_IS_NONE: Final = frozenset({"password", "extra"})
"""Airflow stores an empty password as none at all, and takes an empty extra for none."""


class Mark(StrEnum):
    """How the two sides stand to each other; the signs are those of ``transfer verify``."""

    SAME = "="
    DIFFERS = "*"
    MISSING = "+"
    ONLY_TARGET = "-"


@dataclass(frozen=True, slots=True)
class Compared:
    """One object; ``fields`` are those that differ. ``plain`` are their values there and here, of pools alone."""

    kind: ObjectKind
    name: str
    mark: Mark
    fields: tuple[str, ...] = ()
    plain: Mapping[str, tuple[Any, Any]] | None = None


def compare(kind: ObjectKind, source: Objects, target: Objects, capabilities: Capabilities) -> Iterator[Compared]:
    """Yield every object of either side, by name; ``capabilities`` are the target's."""
    for name in sorted(source.keys() | target.keys()):
        if name not in target:
            yield Compared(kind, name, Mark.MISSING)
        elif name not in source:
            yield Compared(kind, name, Mark.ONLY_TARGET)
        else:
            yield _compared(kind, name, fitted(kind, source[name], capabilities), target[name])


def _compared(kind: ObjectKind, name: str, here: Row, there: Row) -> Compared:
    fields = differing(kind, here, there)
    if not fields:
        return Compared(kind, name, Mark.SAME)
    plain = {field: (there.get(field), here.get(field)) for field in fields} if kind is POOLS else None
    return Compared(kind, name, Mark.DIFFERS, fields, plain)


def differing(kind: ObjectKind, here: Row, there: Row) -> tuple[str, ...]:
    """Return the fields that have another value on the other side."""
    return tuple(field for field in kind.fields if _meant(field, here.get(field)) != _meant(field, there.get(field)))


def _meant(field: str, value: Any) -> Any:
    """Return what a value means: JSON is the same however it is spelt, but true is not 1."""
    if field in _EMPTY_IS_NONE and value == "":
        return None
    if field == "extra" and isinstance(value, str):
        try:
            return json.dumps(json.loads(value), sort_keys=True)
        except (ValueError, RecursionError):
            return value
    return value
