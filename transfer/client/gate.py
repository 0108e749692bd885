"""One gate per side, before which all its requests wait while the side is in trouble."""

import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import anyio

from transfer.config.settings import Retry

JITTER: Final = 0.25
"""The most that is added to a wait, as a part of it: requests that waited together must not start together."""


@dataclass(frozen=True, slots=True)
class Time:
    """The clock (monotonic, seconds), the sleep and the randomness (0 to 1) that waiting needs."""

    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = anyio.sleep
    random: Callable[[], float] = random.random


REAL_TIME: Final = Time()


class Gate:
    """Knows how long a side is to be left alone, and how often in a row it failed.

    Failures of requests that were under way at the same time count once, as one strike: a webserver that restarts fails
    them all. Any answer, a refusal too, takes the strikes back.
    """

    def __init__(self, retry: Retry, time: Time = REAL_TIME) -> None:
        self._retry = retry
        self._time = time
        self._closed_until = 0.0
        self._struck_at = float("-inf")
        self.strikes = 0
        self.answers = 0
        """How often the side has answered so far."""

    @property
    def attempts(self) -> int:
        """Return how often a request may be sent."""
        return self._retry.attempts

    @property
    def given_up(self) -> bool:
        """Tell whether the side failed so often in a row that asking it further is no use."""
        return self.strikes >= max(2 * self._retry.attempts, 20)

    async def enter(self) -> float:
        """Wait until the side may be asked; return the time at which the request starts."""
        while (left := self._closed_until - self._time.clock()) > 0:
            await self._time.sleep(left * (1 + JITTER * self._time.random()))
        return self._time.clock()

    def answered(self) -> None:
        """Note that the side works."""
        self.strikes = 0
        self.answers += 1

    def failed(self, started: float, attempt: int, told: float | None) -> float:
        """Note a failure and close the gate; return for how many seconds.

        ``started`` is what ``enter`` returned, ``attempt`` the number of the attempt from 1, ``told`` the Retry-After.
        """
        now = self._time.clock()
        if started >= self._struck_at:
            self.strikes += 1
            self._struck_at = now
        seconds = self._backoff(max(attempt, self.strikes)) if told is None else min(told, self._retry.retry_after_max)
        self._closed_until = max(self._closed_until, now + seconds)
        return seconds

    def _backoff(self, number: int) -> float:
        return float(min(self._retry.wait_max, self._retry.wait_initial * 2 ** min(number - 1, 30)))
