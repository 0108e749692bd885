"""What steps between two concurrencies have brought, remembered over several looks.

One look is short, so as not to cost much, and therefore inexact: a few requests that took long decide it. Each is a
pair of measurements one after the other, so that their ratio holds although the server's speed changes over the hours.
"""

from collections import defaultdict, deque
from math import log, sqrt
from statistics import median
from typing import Final

from transfer.client.meter import Round

KEPT: Final = 3
"""Looks at one step of which the median counts."""

DOUBT: Final = 0.02
"""By how much the logarithm of one look's ratio is easily wrong."""


class Gains:
    """Says by which power of a step the speed grows: 1 for a server with workers to spare, 0 for a busy one."""

    def __init__(self) -> None:
        self._looks: defaultdict[tuple[int, int], deque[float]] = defaultdict(lambda: deque(maxlen=KEPT))

    def forget(self) -> None:
        """Begin anew: the server is not what it was."""
        self._looks.clear()

    def seen(self, before: int, after: int, here: Round, there: Round) -> float:
        """Take in a look from ``before`` to ``after``; return the power, with the doubt in favour of staying."""
        low, high = sorted((before, after))
        up = after > before
        looks = self._looks[low, high]
        looks.append(log(there.speed / here.speed) if up else log(here.speed / there.speed))
        doubt = DOUBT / sqrt(len(looks))
        return (median(looks) - doubt if up else median(looks) + doubt) / log(high / low)
