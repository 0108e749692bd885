"""How rows of one Airflow version become rows of another.

``mapping_for`` composes the way of two deployments; the other files are its steps.
"""

from transfer.mapping.account import Account
from transfer.mapping.direction import (
    MYSQL_3,
    MYSQL_3_HINT,
    NOT_STRICT,
    NOT_STRICT_HINT,
    SQLITE,
    SQLITE_HINT,
    Mapping,
    mapping_for,
)
from transfer.mapping.left_behind import ANY

__all__ = [
    "ANY",
    "MYSQL_3",
    "MYSQL_3_HINT",
    "NOT_STRICT",
    "NOT_STRICT_HINT",
    "SQLITE",
    "SQLITE_HINT",
    "Account",
    "Mapping",
    "mapping_for",
]
