"""What a pause means for what is under way: a while to be written, and then not one request more."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Final

import structlog

from transfer.client.limit import SideLimit

DRAIN: Final = timedelta(seconds=10)
"""How long after a pause has begun requests still go out; what is not written then waits in memory."""


class Draining:
    """Puts both sides on hold when a pause has lasted for ``DRAIN``, until it is over."""

    def __init__(self, sides: Iterable[SideLimit], now: Callable[[], datetime]) -> None:
        self._sides = list(sides)
        self._now = now
        self._since: datetime | None = None
        self._is_on_hold = False

    def look(self, *, is_paused: bool) -> None:
        """Do what the time says."""
        if not is_paused:
            self._since = None
            self._release()
            return
        self._since = self._since or self._now()
        if not self._is_on_hold and self._now() - self._since >= DRAIN:
            self._hold()

    def _hold(self) -> None:
        self._is_on_hold = True
        for side in self._sides:
            side.hold()
        structlog.get_logger().warning("paused: no request goes out from now on")

    def _release(self) -> None:
        if self._is_on_hold:
            self._is_on_hold = False
            for side in self._sides:
                side.release()
