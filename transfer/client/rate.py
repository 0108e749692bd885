"""How much may go to or come from a side per second: requests, rows, bytes."""

from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

import anyio
from aiolimiter import AsyncLimiter

from transfer.client.base import Answer, Request
from transfer.config.settings import SideLimits

NAP: Final = 1.0
"""Seconds after which one who waits looks again: the rate may have been changed meanwhile."""

PIECE: Final = 262_144
"""Bytes in which an answer is looked through for rows."""

LEARNT: Final = 0.3
"""The weight of the last answer in what the next one of its route is expected to cost."""

_ROW: Final = b'"run_id"'
"""Stands once in each row of a run, task instance or try; roughly, for a value may hold it too."""


class RequestRate:
    """Lets one request through per interval, in the order in which they came."""

    def __init__(self, rate: float | None) -> None:
        self._waiting: set[anyio.CancelScope] = set()
        self._limiter: AsyncLimiter | None = None
        self.change(rate)

    @property
    def is_open(self) -> bool:
        """Tell whether there is no rate at all."""
        return self._limiter is None

    def change(self, rate: float | None) -> None:
        """Take another rate; those who wait are in line again under it."""
        # One entry per interval: a bucket of N per second would let 2 N through in its first second.
        self._limiter = AsyncLimiter(1, 1 / rate) if rate else None
        for scope in self._waiting:
            scope.cancel()

    async def wait(self) -> None:
        """Return when the next request may go."""
        passed = False
        while not passed and (limiter := self._limiter) is not None:
            with anyio.CancelScope() as scope:
                self._waiting.add(scope)
                try:
                    await limiter.acquire()
                    passed = True
                finally:
                    self._waiting.discard(scope)


class Debt:
    """A rate at which costs are paid off. Nobody goes on while there is debt, but anybody may add to it.

    So a cost that is known only afterwards delays those who come next. Waits in the order of arrival.
    """

    def __init__(
        self,
        rate: float | None,
        *,
        clock: Callable[[], float] = anyio.current_time,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    ) -> None:
        self._rate = rate
        self._clock = clock
        self._sleep = sleep
        self._owed = 0.0
        self._as_of = float("-inf")
        self._line = anyio.Lock()

    @property
    def is_open(self) -> bool:
        """Tell whether there is no rate at all."""
        return self._rate is None

    def change(self, rate: float | None) -> None:
        """Pay off at another rate from now on."""
        if self._rate is not None:
            self._settle()
        self._rate = rate
        self._owed = self._owed if rate else 0.0

    def charge(self, cost: float) -> None:
        """Add ``cost``; a negative one takes back what was charged too much."""
        if self._rate is not None:
            self._settle()
            self._owed += cost

    async def pay(self, cost: float) -> None:
        """Wait until nothing is owed, then owe ``cost``."""
        if self._rate is None:
            return
        async with self._line:
            while (left := self._left()) > 0:
                await self._sleep(min(left, NAP))
            self.charge(cost)

    def _left(self) -> float:
        """Return the seconds until nothing is owed; parts of a microsecond are no reason to wait."""
        if self._rate is None:
            return 0.0
        self._settle()
        seconds = self._owed / self._rate
        return seconds if seconds > 1e-6 else 0.0  # noqa: PLR2004 - the sentence above

    def _settle(self) -> None:
        now = self._clock()
        if self._rate is not None and self._owed > 0:
            self._owed = max(0.0, self._owed - (now - self._as_of) * self._rate)
        self._as_of = now


class Toll:
    """A debt that requests make: what the answer will cost is taken from the last ones of the same route."""

    def __init__(self, debt: Debt) -> None:
        self._debt = debt
        self._expected: defaultdict[str, float] = defaultdict(float)

    @asynccontextmanager
    async def passing(self, route: str, known: float) -> AsyncIterator[Callable[[float], None]]:
        """Wait for a request that costs ``known``; call what it yields with the cost of the answer, if there is one."""
        expected = self._expected[route]
        await self._debt.pay(known + expected)
        cost = 0.0

        def answered(actual: float) -> None:
            nonlocal cost
            cost = actual
            self._expected[route] += LEARNT * (actual - expected) if expected else actual

        try:
            yield answered
        finally:
            self._debt.charge(cost - expected)


class Rates:
    """All rates of a side."""

    def __init__(
        self,
        limits: SideLimits,
        *,
        clock: Callable[[], float] = anyio.current_time,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    ) -> None:
        self._pace = RequestRate(limits.requests_per_second)
        self._rows = Debt(limits.rows_per_second, clock=clock, sleep=sleep)
        self._bytes = Debt(limits.bytes_per_second, clock=clock, sleep=sleep)
        self._row_toll = Toll(self._rows)
        self._byte_toll = Toll(self._bytes)

    @property
    def are_open(self) -> bool:
        """Tell whether there is no rate at all."""
        return self._pace.is_open and self._rows.is_open and self._bytes.is_open

    def change(self, limits: SideLimits) -> None:
        """Take other rates."""
        self._pace.change(limits.requests_per_second)
        self._rows.change(limits.rows_per_second)
        self._bytes.change(limits.bytes_per_second)

    @asynccontextmanager
    async def passing(self, request: Request, route: str) -> AsyncIterator[Callable[[Answer], Awaitable[None]]]:
        """Wait until ``request`` may go; await what it yields with the answer, if there is one."""
        async with (
            self._row_toll.passing(route, request.rows) as pay_rows,
            self._byte_toll.passing(route, len(request.body or b"")) as pay_bytes,
        ):
            await self._pace.wait()

            async def answered(answer: Answer) -> None:
                pay_bytes(answer.body.size + answer.sent)
                if request.method == "GET" and not self._rows.is_open:
                    pay_rows(await _rows_in(answer))

            yield answered


async def _rows_in(answer: Answer) -> int:
    count = 0
    async for piece in answer.body.chunks(PIECE):
        count += piece.count(_ROW)
    return count
