"""What a table is: its columns with what the database holds against them, and its unique constraints."""

from dataclasses import dataclass
from typing import Any, Final, Literal

ColumnType = Literal["text", "int", "float", "bool", "date", "naive date", "blob", "json", "uuid"]

Release = tuple[int, int]
"""Major and minor number of an Airflow."""

ANY: Final[Release] = (2, 4)
"""The first release that is played."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    ``length`` is in characters, ``required`` is NOT NULL, ``default`` is the database's; a ``hidden`` one is stored but
    never served. Releases before ``since`` do not have it; before ``default_since`` it has no default.
    """

    name: str
    type: ColumnType
    length: int = 0
    required: bool = False
    default: Any = None
    hidden: bool = False
    since: Release = ANY
    default_since: Release = ANY


Unique = tuple[str, tuple[str, ...]]
"""A unique constraint: its name and its columns."""


@dataclass(frozen=True, slots=True)
class Table:
    """One table: its columns, and its unique constraints in the order in which PostgreSQL checks them.

    ``ignores`` is the one whose violation an INSERT passes over in silence (``ON CONFLICT DO NOTHING``), None when
    there is none. ``order`` are the names that a GET shows, in the order of its answers. ``strips`` are the columns
    that the plugin takes out of what is sent; ``lenient`` tells whether it drops unknown ones instead of choking.
    """

    name: str
    columns: tuple[Column, ...]
    unique: tuple[Unique, ...]
    order: tuple[str, ...] = ()
    ignores: str | None = None
    strips: frozenset[str] = frozenset({"id"})
    lenient: bool = False

    @property
    def served(self) -> tuple[str, ...]:
        """The names that Starship's GET shows, in the order of its answers: sorted, unless the table has its own."""
        return self.order or tuple(sorted(column.name for column in self.columns if not column.hidden))


def text(name: str, length: int, *, required: bool = False, since: Release = ANY) -> Column:
    """Return a column of text."""
    return Column(name, "text", length, required=required, since=since)


def integer(name: str, *, required: bool = False, default: int | None = None) -> Column:
    """Return a column of whole numbers."""
    return Column(name, "int", required=required, default=default)


def date(name: str, *, required: bool = False) -> Column:
    """Return a column of moments."""
    return Column(name, "date", required=required)


def hidden(name: str, kind: ColumnType, length: int = 0, *, since: Release = ANY) -> Column:
    """Return a column that is stored, but not served."""
    return Column(name, kind, length, hidden=True, since=since)
