"""Adaptive concurrency: additive increase and multiplicative decrease around what pays.

``Climb`` measures what the plans of ``search`` want to know, one round of answers after the other, and does what they
say. A loss ends the plan under way.
"""

from typing import Final

from transfer.client.control import Done, is_loss
from transfer.client.cost import Costs
from transfer.client.meter import Meter
from transfer.client.search import Plan, Search, Step
from transfer.errors import SideError

FIRST: Final = 2
"""Requests at once in the beginning."""

COMMON: Final = 0.01
"""Losses per answer that are not to be called chance."""

LOSS_MEMORY: Final = 500
"""Answers over which losses are counted."""


class Climb:
    """Implements ``Control``; ``start`` is what an earlier run of the program found."""

    def __init__(self, low: int, high: int, start: int | None = None) -> None:
        self._costs = Costs()
        self._meter = Meter()
        self._search = Search(low, high, lambda: self._now)
        self._now = 0.0
        self._since = float("-inf")
        self._skip = 0
        self._losses = 0.0
        self.concurrency = self._search.clamp(start or FIRST)
        self._plan: Plan = self._search.beginning(self.concurrency, is_known=start is not None)
        self._step: Step = next(self._plan)

    def bound(self, low: int, high: int) -> None:
        """Implement ``Control``."""
        search = self._search
        if (low, high) != (search.low, search.high):
            search.low, search.high = low, high
            self._follow(search.beginning(search.clamp(self.concurrency), is_known=True))

    def began(self, now: float) -> None:
        """Implement ``Control``."""
        self._now = now
        self._meter.count(now, 1)

    def ended(self, now: float) -> None:
        """Implement ``Control``."""
        self._now = now
        self._meter.count(now, -1)

    def answered(self, done: Done) -> None:
        """Implement ``Control``."""
        self._losses *= 1 - 1 / LOSS_MEMORY
        if self._skip > 0:
            self._skip -= 1
            if self._skip == 0:
                self._meter.restart()
            return
        self._meter.done.append(done)
        if len(self._meter.done) >= self._step.answers:
            self._end_round()

    def failed(self, start: float, now: float, error: SideError) -> None:
        """Implement ``Control``: what went out before the last change says nothing against the present number."""
        self._now = now
        if is_loss(error) and start >= self._since:
            self._losses += 1
            is_common = self._losses >= COMMON * LOSS_MEMORY
            self._follow(self._search.after_loss(self.concurrency, is_common=is_common))

    def _follow(self, plan: Plan) -> None:
        self._plan = plan
        self._take(next(plan))

    def _end_round(self) -> None:
        measured = self._meter.end_round(self._costs)
        if measured is None:
            self._meter.restart()
            return
        self._take(self._plan.send(measured))

    def _take(self, step: Step) -> None:
        """Change over; the answers to what is under way, and the first ones after these, belong to both numbers."""
        if step.concurrency != self.concurrency:
            self._skip = max(self._meter.under_way, step.concurrency)
            self._since = self._now
            self.concurrency = step.concurrency
        self._step = step
        self._meter.restart()
