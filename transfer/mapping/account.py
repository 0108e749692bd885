"""What happened to values while rows were mapped: counted, never stored."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from transfer.kinds import Key, Kind, Row
from transfer.model import Loss

SOURCES_OWN: Final = "refers to a row of the source's own, which does not move"


@dataclass(slots=True)
class Account:
    """Counts of one or several batches of rows; ``refused`` are rows that must not be sent, with the reason."""

    losses: Counter[Loss] = field(default_factory=Counter)
    refused: dict[Key, str] = field(default_factory=dict)

    def count(self, kind: Kind, column: str, why: str, values: int = 1) -> None:
        """Count ``values`` of a column that do not arrive as they are."""
        if values:
            self.losses[Loss(kind.name, column, why)] += values

    def dropped(self, kind: Kind, column: str, why: str, rows: Iterable[Row]) -> None:
        """Count the values, other than null, of a column that is not sent."""
        self.count(kind, column, why, sum([row.get(column) is not None for row in rows]))

    def refuse(self, kind: Kind, row: Row, reason: str) -> None:
        """Note that ``row`` must not be sent."""
        self.refused[kind.key_of(row)] = reason
