"""What the database says no with, in psycopg2's and SQLAlchemy's words, and how Starship passes it on.

Starship 2.10.1 answers 409 to every integrity error (duplicate, missing parent, missing value alike), 400 to data and
other SQL errors, and 500 to whatever else goes wrong; the error classes are recognisable only in ``error_message``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why nothing of a POST was stored: ``exception`` is the Python class, ``text`` what it prints."""

    status: int
    error: str
    exception: str
    text: str

    def message(self) -> str:
        """Return ``error_message`` as the server words it."""
        if self.status == 500:  # noqa: PLR2004 - the one status whose message carries a traceback
            return f"{self.text}\nTraceback (most recent call last):\n{self.exception}: {self.text}\n"
        return f"{self.exception}({self.text!r})"


def duplicate(constraint: str, columns: Sequence[str], values: Sequence[Any]) -> Refusal:
    """Return the refusal of a row whose ``columns`` are already taken by ``values``."""
    detail = f"Key {_pair(columns, values)} already exists."
    said = f'duplicate key value violates unique constraint "{constraint}"\nDETAIL:  {detail}\n'
    return _integrity("UniqueViolation", said)


def missing_parent(table: str, constraint: str, parent: str, key: tuple[Sequence[str], Sequence[Any]]) -> Refusal:
    """Return the refusal of a row of ``table`` whose ``key`` (columns, values) does not exist in ``parent``."""
    said = (
        f'insert or update on table "{table}" violates foreign key constraint "{constraint}"\n'
        f'DETAIL:  Key {_pair(*key)} is not present in table "{parent}".\n'
    )
    return _integrity("ForeignKeyViolation", said)


def missing_value(table: str, column: str, stored: Sequence[str]) -> Refusal:
    """Return the refusal of a row without ``column``; ``stored`` are all its values as PostgreSQL prints them."""
    said = (
        f'null value in column "{column}" of relation "{table}" violates not-null constraint\n'
        f"DETAIL:  Failing row contains ({', '.join(stored)}).\n"
    )
    return _integrity("NotNullViolation", said)


def bad_value(kind: str, said: str) -> Refusal:
    """Return the refusal of a value that its column cannot hold; ``kind`` is psycopg2's error class."""
    return Refusal(400, "Data Error", "DataError", f"(psycopg2.errors.{kind}) {said}\n")


def bad_statement(exception: str, said: str) -> Refusal:
    """Return the refusal of a statement that is wrong in another way than its data."""
    return Refusal(400, "SQL Error", exception, said)


def crash(exception: str, said: str) -> Refusal:
    """Return the 500 of an exception that the plugin did not foresee; ``exception`` with its module."""
    return Refusal(500, "Unknown Error", exception, said)


def _integrity(kind: str, said: str) -> Refusal:
    text = f"(psycopg2.errors.{kind}) {said}"
    return Refusal(409, "Integrity Error (Duplicate Record?)", "IntegrityError", text)


def _pair(columns: Sequence[str], values: Sequence[Any]) -> str:
    return f"({', '.join(columns)})=({', '.join(str(value) for value in values)})"
