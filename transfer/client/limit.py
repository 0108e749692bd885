"""How hard a side is asked: requests at once, and requests per second."""

from typing import Final

import anyio
from aiolimiter import AsyncLimiter

from transfer.client.base import Answer, Request, Sender
from transfer.config.settings import SideLimits
from transfer.errors import LostAnswerError, ThrottledError

RECOVERY: Final = 50
"""Answers in a row after which one more request at once is dared again."""

_OVERLOADED: Final = frozenset({429, 503})


class LimitSender:
    """Lets a request through when there is a slot and its time has come.

    429 and 503 halve the slots, ``RECOVERY`` answers in a row give one back. Build it inside of the running loop, to
    which the rate limiter binds itself.
    """

    def __init__(self, inner: Sender, limits: SideLimits) -> None:
        self._inner = inner
        self._most = limits.concurrency
        self._slots = anyio.CapacityLimiter(limits.concurrency)
        rate = limits.requests_per_second
        # One entry per interval: a bucket of N per second would let 2 N through in its first second.
        self._pace = AsyncLimiter(1, 1 / rate) if rate else None
        self._good = 0

    async def send(self, request: Request) -> Answer:
        """Implement ``Sender``."""
        if self._pace is not None:
            await self._pace.acquire()
        async with self._slots:
            try:
                answer = await self._inner.send(request)
            except (ThrottledError, LostAnswerError) as error:
                if error.status in _OVERLOADED:
                    self._slow_down()
                raise
            self._speed_up()
            return answer

    @property
    def slots(self) -> int:
        """Return how many requests may be under way at once just now."""
        return int(self._slots.total_tokens)

    def _slow_down(self) -> None:
        self._good = 0
        self._slots.total_tokens = max(1, self.slots // 2)

    def _speed_up(self) -> None:
        self._good += 1
        if self._good >= RECOVERY and self.slots < self._most:
            self._good = 0
            self._slots.total_tokens = self.slots + 1
