"""The gate that readers pass before each window: closed, nothing new is begun; what is under way is still written."""

import anyio


class Pace:
    """Open until somebody closes it; harmless to open or close again.

    Only used from the tasks of one event loop.
    """

    def __init__(self) -> None:
        self.reason: str | None = None
        """Why it is closed just now, for people; None while it is open."""
        self._opened = anyio.Event()

    async def open(self) -> None:
        """Return when a new window may be begun."""
        while self.reason is not None:
            await self._opened.wait()

    def close(self, reason: str) -> None:
        """Let nobody pass, for ``reason``, which replaces an earlier one."""
        self.reason = reason

    def release(self) -> None:
        """Let everybody pass who waits, and all after them."""
        self.reason = None
        self._opened.set()
        self._opened = anyio.Event()
