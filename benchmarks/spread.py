"""The median of a few runs and how far they lie apart."""

import statistics
from collections.abc import Iterable
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Spread:
    """Median, lowest and highest of ``runs`` numbers."""

    median: float
    lowest: float
    highest: float
    runs: int

    @classmethod
    def of(cls, values: Iterable[float]) -> "Spread":
        """Return the spread of one number or more; raises ``ValueError`` for none."""
        ordered = sorted(values)
        if not ordered:
            raise ValueError("no runs to make a median of")
        return cls(statistics.median(ordered), ordered[0], ordered[-1], len(ordered))

    def document(self) -> dict[str, float]:
        """Return the spread as JSON takes it."""
        return asdict(self)

    @property
    def range(self) -> str:
        """Return ``lowest to highest`` for a table."""
        return f"{number(self.lowest)} to {number(self.highest)}"


def number(value: float) -> str:
    """Return a number with as many digits as it deserves: 12,345, 123, 12.3, 1.23."""
    if abs(value) >= 100:  # noqa: PLR2004  three digits say enough
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"  # noqa: PLR2004  as above
