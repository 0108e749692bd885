"""What a second look has found so far of some runs of a DAG."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from transfer.findings import FindingsStore, Tally
from transfer.model import Difference, Mark

MOST_HELD = 2_000
"""Differences that wait in memory; more are stored before all of them are known."""


@dataclass(slots=True)
class Found:
    """Rows by verdict, differences, and how many rows of each kind the target has of a run with differences."""

    store: FindingsStore
    dag_id: str
    tally: Tally = field(default_factory=Tally)
    differences: list[Difference] = field(default_factory=list)
    held: dict[str, dict[str, int]] = field(default_factory=dict)
    noted: bool = False

    async def add(self, difference: Difference) -> None:
        """Take in a difference."""
        self.tally.rows[difference.kind, difference.mark] += difference.rows
        self.differences.append(difference)
        if len(self.differences) >= MOST_HELD:
            self.noted = True
            await self.store.note(self.dag_id, self.differences)
            self.differences = []

    def same(self, kind: str, rows: int) -> None:
        """Count rows that are equal."""
        self.tally.rows[kind, Mark.SAME] += rows

    async def forget(self, run_ids: Sequence[str]) -> None:
        """Drop what was stored already, because the runs have to be looked at again."""
        if self.noted:
            await self.store.forget(self.dag_id, run_ids)
