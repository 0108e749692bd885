"""What a request costs a server when it has nothing else to do, so that large and small ones can be compared.

Each route is a line, seconds over bytes, through what its requests took. These are the requests of a server that has
other things to do, too: what they waited for it is the same for large and small ones, so that from all of a round as
much is taken away as brings them, on the average, to what the lines said before. The lines thus hold how requests
compare, and stay where they are when all of them wait longer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from transfer.client.control import Done

FIXED_BYTES: Final = 32_768
"""Bytes that cost about as much as a request without any; a first guess."""

MEMORY: Final = 300.0
"""Requests of a route after which what was learnt has lost about two thirds of its weight."""

ENOUGH: Final = 3.0
"""Requests after which a route is known."""

LEAST: Final = 0.5
"""Of its part in the time that a round took, a request cost at least so much: not all becomes slower by waiting."""

MOST_ROUTES: Final = 64
"""More than there are; beyond, learning begins anew."""


@dataclass(slots=True)
class _Line:
    """Weighted least squares; errors count in proportion to the size, since large requests scatter more."""

    count: float = 0.0
    weight: float = 0.0
    x: float = 0.0
    y: float = 0.0
    xx: float = 0.0
    xy: float = 0.0

    def add(self, size: int, seconds: float) -> None:
        kept = 1 - 1 / MEMORY
        w = 1 / (size + FIXED_BYTES)
        self.count = self.count * kept + 1
        self.weight = self.weight * kept + w
        self.x = self.x * kept + w * size
        self.y = self.y * kept + w * seconds
        self.xx = self.xx * kept + w * size * size
        self.xy = self.xy * kept + w * size * seconds

    def scale(self, factor: float) -> None:
        """Let every request cost ``factor`` times as much."""
        self.y *= factor
        self.xy *= factor

    def at(self, size: int) -> float:
        """Return the seconds for ``size``; neither the start nor the slope is ever negative."""
        spread = self.weight * self.xx - self.x * self.x
        slope = (self.weight * self.xy - self.x * self.y) / spread if spread > 1e-9 * self.weight * self.xx else 0.0
        slope = min(max(slope, 0.0), self.xy / self.xx if self.xx else 0.0)
        return max((self.y - slope * self.x) / self.weight + slope * size, 1e-9)


class Costs:
    """The lines of all routes."""

    def __init__(self) -> None:
        self._lines: dict[str, _Line] = {}
        self._waited = 0.0
        self._least = 1.0

    @property
    def knows_any(self) -> bool:
        """Tell whether enough requests of any route were seen."""
        return any(line.count >= ENOUGH for line in self._lines.values())

    def knows(self, done: Done) -> bool:
        """Tell whether enough requests like ``done`` were seen."""
        line = self._lines.get(done.route)
        return line is not None and line.count >= ENOUGH

    def of(self, done: Done) -> float:
        """Return the seconds that a request like ``done``, of a known route, takes an idle server."""
        return self._lines[done.route].at(done.size)

    def learn(self, requests: Sequence[Done]) -> None:
        """Take in the requests of one round.

        However the lines turn, what the known ones of these requests cost together stays what it was: else chance would
        carry the lines away, and with them what fast means.
        """
        known = [done for done in requests if self.knows(done)]
        before = sum(map(self.of, known))
        if known:
            seconds = sum(done.end - done.start for done in known)
            self._waited, self._least = (seconds - before) / len(known), LEAST * before / max(seconds, before)
        for done in requests:
            seconds = done.end - done.start
            self._line(done.route).add(done.size, max(seconds - self._waited, seconds * self._least))
        if all(map(self.knows, known)) and known:  # else all was forgotten, for there were too many routes
            factor = before / sum(map(self.of, known))
            for line in self._lines.values():
                line.scale(factor)

    def _line(self, route: str) -> _Line:
        if len(self._lines) >= MOST_ROUTES and route not in self._lines:
            self._lines.clear()
        return self._lines.setdefault(route, _Line())
