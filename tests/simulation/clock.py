"""Virtual time: nothing waits, the clock jumps to the next thing that happens."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from itertools import count
from typing import Final

EPOCH: Final = datetime(2025, 3, 1, 6, tzinfo=UTC)
"""The true time when the world begins."""


@dataclass(slots=True)
class Clock:
    """Seconds since the world began, and what is going to happen in it; outlives every process.

    ``skew`` is by how many seconds the wall clock of the program's machine is wrong.
    """

    now: float = 0.0
    skew: float = 0.0
    _events: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _numbers: "count[int]" = field(default_factory=count)

    @property
    def truth(self) -> datetime:
        """Return the true time of day."""
        return EPOCH + timedelta(seconds=self.now)

    @property
    def shown(self) -> datetime:
        """Return the time of day that the program sees."""
        return self.truth + timedelta(seconds=self.skew)

    def after(self, seconds: float, event: Callable[[], None]) -> None:
        """Let ``event`` happen in ``seconds``."""
        heappush(self._events, (self.now + seconds, next(self._numbers), event))

    @property
    def waits(self) -> bool:
        """Tell whether anything is going to happen."""
        return bool(self._events)

    def jump(self, until: float) -> None:
        """Go to the next event, but not beyond ``until``, and let everything happen that is due then."""
        if self._events and self._events[0][0] < until:
            until = self._events[0][0]
        self.now = max(self.now, until)
        while self._events and self._events[0][0] <= self.now:
            heappop(self._events)[2]()

    def run(self, seconds: float) -> None:
        """Let time pass."""
        end = self.now + seconds
        while self._events and self._events[0][0] <= end:
            self.jump(end)
        self.now = end

    def run_dry(self) -> None:
        """Let time pass until nothing is going to happen any more."""
        while self._events:
            self.jump(self._events[0][0])
