"""A body that is sent while it is made."""

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Final

import anyio

LEAST_EARNED: Final = 2.0
"""Seconds that a deadline is moved by, at least."""


class StreamedBody:
    """A body of no known length: how much of it was sent, and whether it is ``broken``: its maker failed.

    The server has all of its ``seconds`` from the last piece on: whoever brings the next may take his time.
    """

    def __init__(self, pieces: AsyncIterator[bytes], seconds: float) -> None:
        self._pieces = pieces
        self._seconds = seconds
        self.scope = anyio.CancelScope()
        self.size = 0
        self.broken = False

    async def __aiter__(self) -> AsyncGenerator[bytes]:
        try:
            async for piece in self._pieces:
                deadline = anyio.current_time() + self._seconds
                if deadline > self.scope.deadline + LEAST_EARNED:  # each change costs as much as a small piece
                    self.scope.deadline = deadline
                self.size += len(piece)
                yield piece
        except Exception:  # whatever it is, aiohttp says no more than that the connection broke
            self.broken = True
            raise
