"""What a proving target remembers, a byte per row, and what it can say about it afterwards."""

from dataclasses import dataclass, field
from typing import TypeAlias

from transfer.kinds import Key, Row


@dataclass(frozen=True, slots=True)
class Proof:
    """What a target got, by kind, against what it should have: the finished runs of its source."""

    expected: dict[str, int]
    stored: dict[str, int]
    duplicates: dict[str, int]
    """Batches that were refused because a row was there already: harmless, but telling."""
    different: int
    unfinished: int
    strangers: int

    @property
    def exactly_once(self) -> bool:
        """Whether every row arrived, unchanged, and no other."""
        return self.stored == self.expected and not (self.different or self.unfinished or self.strangers)


@dataclass(slots=True)
class Marks:
    """Which rows of one kind are there: ``width`` bytes for each run of the source, 1 for a row that came."""

    width: int
    present: bytearray
    different: dict[int, Row] = field(default_factory=dict)
    """The rows that came otherwise than they should, by their place."""

    def set(self, place: int, row: Row, expected: Row) -> None:
        """Note that ``row`` came where ``expected`` should."""
        self.present[place] = 1
        if row is not expected and row != expected:
            self.different[place] = row

    def clear(self, first: int, stop: int) -> None:
        """Forget the rows from place ``first`` up to ``stop``."""
        self.present[first:stop] = bytes(stop - first)
        for place in [place for place in self.different if first <= place < stop]:
            del self.different[place]


Family: TypeAlias = dict[Key, tuple[int, Row]]
"""The rows of one kind that one run of the source has: place and row by key."""
