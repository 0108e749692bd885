"""Which tables an Airflow has, by its version."""

from functools import lru_cache
from typing import Final

from transfer.emulator import airflow2_columns, airflow3_columns
from transfer.emulator.schema import Column, Release, Table

__all__ = ["DEFAULT", "MODERN", "TABLES", "VERSIONS", "Column", "Table", "release_of", "tables_of"]

VERSIONS: Final = ("2.4.3", "2.5.3", "2.6.3", "2.7.3", "2.8.4", "2.9.3", "2.10.5", "2.11.2", "3.1.8")
"""The versions that were measured and are played; others are taken for the newest release before them."""

DEFAULT: Final = "2.11.2"
"""The version that is played unless another is asked for; rows that are written by hand have its shape."""
MODERN: Final[Release] = (3, 0)
"""The release with which tables, logins and answers became others."""


def release_of(version: str) -> Release:
    """Return major and minor number of a version such as "2.11.2"."""
    major, minor = version.split(".")[:2]
    return int(major), int(minor)


@lru_cache
def tables_of(version: str) -> dict[str, Table]:
    """Return the table of each kind by the kind's name; Airflow before 2.10 has none for earlier tries."""
    release = release_of(version)
    return airflow2_columns.tables(release) if release < MODERN else airflow3_columns.tables(release)


TABLES: Final = tables_of(DEFAULT)
"""The tables of Airflow 2.11."""
