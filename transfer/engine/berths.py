"""How many windows are written at once: a small one needs less of the room, for it sends fewer requests at once."""

from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio


class Berth:
    """What the writer of one window has: a part of the room."""

    def __init__(self) -> None:
        self.part = 1.0
        """Of what a full window needs; of one that is not known yet, all of it."""
        self.turn = anyio.Event()


class Berths:
    """Room for ``total_tokens`` full windows at once, or for more that are smaller, but for no more than ``most``."""

    def __init__(self, total: int, most: int) -> None:
        self.total_tokens = total
        self._most = most
        self._held: set[Berth] = set()
        self._queue: deque[Berth] = deque()

    def resize(self, total: int, most: int) -> None:
        """Allow other numbers from now on; what is held stays."""
        self.total_tokens, self._most = total, most
        self._tell()

    @asynccontextmanager
    async def one(self) -> AsyncGenerator[Berth]:
        """Wait for room for a full window, in turn, and keep it inside of the ``async with``."""
        berth = Berth()
        await self._take(berth)
        try:
            yield berth
        finally:
            self._held.remove(berth)
            self._tell()

    def weigh(self, berth: Berth, part: float) -> None:
        """Keep only the room that ``part`` of a full window needs."""
        berth.part = min(part, 1.0)
        self._tell()

    async def _take(self, berth: Berth) -> None:
        self._queue.append(berth)
        try:
            self._tell()
            await berth.turn.wait()
            self._held.add(berth)
        finally:
            self._queue.remove(berth)
            self._tell()

    def _tell(self) -> None:
        """Wake who is next: all others would wake in vain, each time."""
        if self._queue and self._is_free:
            self._queue[0].turn.set()

    @property
    def _is_free(self) -> bool:
        return len(self._held) < self._most and sum(berth.part for berth in self._held) <= self.total_tokens - 1
