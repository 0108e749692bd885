"""Rows of one Airflow 3 for another: as they are, but for what refers to other tables of the source.

The newest Starship drops most of that by itself (2.10.1); older ones store it, and fail or point to strangers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from transfer.capabilities import Capabilities
from transfer.kinds import DAG_RUNS, Kind, Row
from transfer.mapping.account import SOURCES_OWN, Account
from transfer.mapping.dates import to_utc

_UNCOUNTED: Final = frozenset({"id", "updated_at", "executor_config", "dag_version_id", "created_dag_version_id"})
"""Every row has them, or none shows them: made anew on the target, or filled there once its DAG is parsed."""


@dataclass(frozen=True, slots=True)
class Passing:
    """Leaves out the columns that are the server's own; what no version is known to have is passed on."""

    target: Capabilities

    def __call__(self, kind: Kind, rows: list[Row], account: Account) -> list[Row]:
        """Return new rows."""
        own = self.own(kind)
        for column in own:
            if column not in _UNCOUNTED:
                account.dropped(kind, column, SOURCES_OWN, rows)
        passed = [{name: value for name, value in row.items() if name not in own} for row in rows]
        if kind is DAG_RUNS:
            dates = dates_of(self.target)
            for row in passed:
                to_utc(row, dates)
        return passed

    def own(self, kind: Kind) -> Sequence[str]:
        """Return the columns of ``kind`` that are the server's own."""
        return [field.name for field in self.target.shape.of(kind).values() if field.own]


def dates_of(side: Capabilities) -> list[str]:
    """Return the columns of DAG runs that hold dates."""
    return [field.name for field in side.shape.of(DAG_RUNS).values() if field.type == "date"]
