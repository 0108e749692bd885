"""How hard a side is asked: requests at once, and requests, rows and bytes per second."""

from collections.abc import Callable
from time import monotonic
from typing import Final

import anyio

from transfer.client.base import Answer, Request, Sender
from transfer.client.climb import Climb
from transfer.client.control import RECOVERY, Control, Done, Steady
from transfer.client.rate import Rates
from transfer.config.settings import SideLimits
from transfer.errors import SideError
from transfer.model import SideName

__all__ = ["RECOVERY", "LimitSender", "SideLimit"]

REMEMBERED: Final = 2_000
"""The most changes that the history holds; when it is full, every other one of the older half is forgotten."""

_ROUTE_PARTS: Final = 4
"""Parts of a path that tell routes apart: what follows are ids."""


class SideLimit:
    """The limits of one side, shared by everybody who wants to know them, and changeable while requests are under way.

    ``start`` is the concurrency that an earlier run of the program found.
    """

    def __init__(
        self,
        side: SideName,
        limits: SideLimits,
        *,
        start: int | None = None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.side: Final[SideName] = side
        self._clock = clock
        self._zero = clock()
        self._callbacks: list[Callable[[], None]] = []
        self._limits = limits
        self._found = start
        """What was found before it was given."""
        self._held: anyio.Event | None = None
        self._control = self._controlled(start)
        self.rates: Final = Rates(limits)
        self.slots: Final = anyio.CapacityLimiter(self._control.concurrency)
        """One token per request under way."""
        self.history: Final[list[tuple[float, int]]] = [(0.0, self._control.concurrency)]
        """Each change of the concurrency: seconds since the beginning, and what it is from then on."""

    @property
    def concurrency(self) -> int:
        """Return how many requests may be under way at once just now."""
        return self._control.concurrency

    @property
    def highest(self) -> int:
        """Return the most that it may ever be with the present limits."""
        return self._limits.bounds(self.side)[1]

    @property
    def limits(self) -> SideLimits:
        """Return the limits that hold."""
        return self._limits

    def on_change(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` after each change of the concurrency, and of the limits."""
        self._callbacks.append(callback)

    def change(self, limits: SideLimits) -> None:
        """Take other limits; they hold from the next request on, those under way are left alone."""
        was_auto, self._limits = self._limits.concurrency == "auto", limits
        if was_auto == (limits.concurrency == "auto"):
            self._control.bound(*limits.bounds(self.side))
        else:
            self._found = self.concurrency if was_auto else self._found
            self._control = self._controlled(self._found or self.concurrency)
        self.rates.change(limits)
        self._tell(always=True)

    def hold(self) -> None:
        """Let no further request go out; those under way come to their end."""
        self._held = self._held or anyio.Event()

    def release(self) -> None:
        """Let requests go out again."""
        if self._held is not None:
            self._held.set()
            self._held = None

    async def released(self) -> None:
        """Return when requests may go out."""
        while self._held is not None:
            await self._held.wait()

    def began(self) -> float:
        """Note that a request goes out; return the time."""
        now = self._clock()
        self._control.began(now)
        return now

    def answered(self, start: float, request: Request, answer: Answer) -> None:
        """Note the answer to a request that went out at ``start``."""
        now = self._clock()
        self._control.ended(now)
        size = len(request.body or b"") + answer.sent + answer.body.size
        self._control.answered(Done(start, now, route_of(request), size))
        self._tell()

    def failed(self, start: float, error: SideError) -> None:
        """Note that a request that went out at ``start`` ended with ``error``."""
        now = self._clock()
        self._control.ended(now)
        self._control.failed(start, now, error)
        self._tell()

    def dropped(self) -> None:
        """Note that a request under way was given up by ourselves."""
        self._control.ended(self._clock())

    def _controlled(self, start: int | None) -> Control:
        low, high = self._limits.bounds(self.side)
        return Climb(low, high, start) if self._limits.concurrency == "auto" else Steady(high)

    def _tell(self, *, always: bool = False) -> None:
        changed = self.concurrency != self.history[-1][1]
        if changed:
            self._remember()
            self.slots.total_tokens = self.concurrency
        if changed or always:
            for callback in self._callbacks:
                callback()

    def _remember(self) -> None:
        self.history.append((self._clock() - self._zero, self.concurrency))
        if len(self.history) > REMEMBERED:
            del self.history[1 : REMEMBERED // 2 : 2]


class LimitSender:
    """Lets a request through when its time has come and there is a slot.

    Given a ``SideLimits``, it has its limits for itself. Build it inside of the running loop, to which the rate limiter
    binds itself.
    """

    def __init__(self, inner: Sender, limits: SideLimits | SideLimit) -> None:
        self._inner = inner
        self._limit = limits if isinstance(limits, SideLimit) else SideLimit("target", limits)

    async def send(self, request: Request) -> Answer:
        """Implement ``Sender``."""
        if self._limit.rates.are_open:
            return await self._in_slot(request)
        async with self._limit.rates.passing(request, route_of(request)) as paid:
            answer = await self._in_slot(request)
            await paid(answer)
            return answer

    async def _in_slot(self, request: Request) -> Answer:
        slots, borrower = self._limit.slots, object()
        await self._limit.released()
        try:
            slots.acquire_on_behalf_of_nowait(borrower)  # a wait takes a turn of the event loop even if it is none
        except anyio.WouldBlock:
            await slots.acquire_on_behalf_of(borrower)
        try:
            return await self._send(request)
        finally:
            slots.release_on_behalf_of(borrower)

    async def _send(self, request: Request) -> Answer:
        start = self._limit.began()
        try:
            answer = await self._inner.send(request)
        except SideError as error:
            self._limit.failed(start, error)
            raise
        except BaseException:  # a cancellation, too, frees what it held
            self._limit.dropped()
            raise
        self._limit.answered(start, request, answer)
        return answer

    @property
    def slots(self) -> int:
        """Return how many requests may be under way at once just now."""
        return self._limit.concurrency


def route_of(request: Request) -> str:
    """Return what requests of the same kind have in common, without ids."""
    return f"{request.method} {'/'.join(request.path.split('/')[:_ROUTE_PARTS])}"
