"""Measure how fast a server works at one concurrency."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Final

from transfer.client.control import Done
from transfer.client.cost import Costs

SHORTEST: Final = 1e-6
"""Seconds; a clock may stand still between two requests, and nothing is divided by nothing."""


@dataclass(frozen=True, slots=True)
class Round:
    """How a server fared in one round."""

    used: float
    """Requests under way, on the average over the time in which there were any."""
    slowness: float
    """How many times as long requests took as an idle server takes for them."""
    cost: float = 1.0
    """Seconds that an idle server takes for one of these requests, on the average."""

    @property
    def speed(self) -> float:
        """Return the work per second, in seconds of an idle server's work.

        By Little's law: throughput = requests under way / time that each takes. Unlike a count of what ended, it does
        not care which requests end just before or after the edges.
        """
        return self.used / self.slowness


def middle(rounds: Sequence[Round]) -> Round:
    """Return the medians: a few requests that took very long spoil a round, not all of them."""
    used, slowness, cost = zip(*((measured.used, measured.slowness, measured.cost) for measured in rounds), strict=True)
    return Round(median(used), median(slowness), median(cost))


@dataclass(slots=True)
class Meter:
    """Counts the requests under way at any time, and takes down those that end."""

    under_way: int = 0
    done: list[Done] = field(default_factory=list)
    _area: float = 0.0
    _busy: float = 0.0
    """Seconds of the round in which anything was under way: that nobody asks says nothing about the server."""
    _last: float = 0.0

    def count(self, now: float, change: int) -> None:
        """Note that ``change`` more requests are under way."""
        if self.under_way:
            self._area += self.under_way * (now - self._last)
            self._busy += now - self._last
        self._last = now
        self.under_way = max(0, self.under_way + change)

    def restart(self) -> None:
        """Begin a new round, now."""
        self.done.clear()
        self._area = self._busy = 0.0

    def end_round(self, costs: Costs) -> Round | None:
        """End the round: weigh it, and let ``costs`` learn from it; None when too little of it can be weighed.

        The first round of which anything is known is what all that follow are measured by.
        """
        is_first = not costs.knows_any
        if is_first:
            costs.learn(self.done)
        measured = self._weighed(costs)
        if not is_first:
            costs.learn(self.done)
        return measured

    def _weighed(self, costs: Costs) -> Round | None:
        known = [done for done in self.done if costs.knows(done)]
        latency = sum(done.end - done.start for done in known)
        if not known or 2 * latency < sum(done.end - done.start for done in self.done):
            return None
        used = self._area / max(self._busy, SHORTEST)
        cost = sum(map(costs.of, known))
        return Round(max(used, SHORTEST), max(latency, SHORTEST) / cost, cost / len(known))
