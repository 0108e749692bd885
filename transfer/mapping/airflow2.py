"""Rows of one Airflow 2 for another: exactly the columns of the target's version, for any other breaks the batch.

Measured on all 64 pairs of 2.4.3, 2.5.3, 2.6.3, 2.7.3, 2.8.4, 2.9.3, 2.10.5 and 2.11.2.
"""

from dataclasses import dataclass
from typing import Final

from transfer.capabilities import Capabilities
from transfer.kinds import DAG_RUNS, Kind, Row
from transfer.mapping.account import SOURCES_OWN, Account

UNKNOWN: Final = "this release does not know the column"


def unchanged(kind: Kind, rows: list[Row], account: Account) -> list[Row]:
    """Make ``rows`` acceptable to an Airflow 2 with the same columns, in place.

    A trigger is a row of the source's own ``trigger`` table: the target refuses an id that it does not have with a
    foreign key violation.
    """
    if kind is DAG_RUNS:
        return rows
    lost = 0
    for row in rows:
        if row.get("trigger_id") is not None:
            row["trigger_id"] = None
            lost += 1
    account.count(kind, "trigger_id", SOURCES_OWN, lost)
    return rows


@dataclass(frozen=True, slots=True)
class Fitting:
    """Gives rows the columns of ``target``: missing ones get their default, others are left out and counted."""

    source: Capabilities
    target: Capabilities

    def __call__(self, kind: Kind, rows: list[Row], account: Account) -> list[Row]:
        """Return new rows."""
        fields = self.target.shape.of(kind)
        for column in self.source.shape.of(kind).keys() - fields.keys():
            account.dropped(kind, column, f"{self.target.name} has no such column", rows)
        unknown = rows[0].keys() - self.source.shape.of(kind).keys() - fields.keys() if rows else ()
        for column in unknown:  # of a version, or a Starship, that is too new
            account.dropped(kind, column, UNKNOWN, rows)
        fitted = [{name: row.get(name) for name in fields} for row in rows]
        for name, field in fields.items():
            if field.default is not None:
                _fill(fitted, name, field.default)
        return unchanged(kind, fitted, account)


def _fill(rows: list[Row], name: str, default: object) -> None:
    for row in rows:
        if row[name] is None:
            row[name] = default
