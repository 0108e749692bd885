"""A straight line through measured points."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """Seconds = ``fixed`` + ``per_row`` x rows."""

    fixed: float
    per_row: float

    @classmethod
    def through(cls, points: Sequence[tuple[float, float]]) -> "Line":
        """Return the line nearest to points (rows, seconds) by least squares of the *relative* error.

        A fixed cost of 30 ms is lost in the noise of requests that take a second, unless each point weighs by its own
        size. Raises ``ValueError`` for points that are all at the same place.
        """
        weights = [1 / max(seconds, 1e-9) ** 2 for _, seconds in points]
        total = sum(weights)
        x = sum(weight * rows for weight, (rows, _) in zip(weights, points, strict=True)) / total
        y = sum(weight * seconds for weight, (_, seconds) in zip(weights, points, strict=True)) / total
        spread = sum(weight * (rows - x) ** 2 for weight, (rows, _) in zip(weights, points, strict=True))
        if not spread:
            raise ValueError("a line needs two different numbers of rows")
        together = sum(weight * (rows - x) * (at - y) for weight, (rows, at) in zip(weights, points, strict=True))
        slope = together / spread
        return cls(y - slope * x, slope)

    def at(self, rows: float) -> float:
        """Return the seconds for so many rows."""
        return self.fixed + self.per_row * rows

    def document(self) -> dict[str, float]:
        """Return the line as JSON takes it."""
        return asdict(self)
