"""Two nested scopes: stop taking work, stop everything."""

import signal
from collections.abc import Callable
from dataclasses import dataclass, field

import anyio

SOFT_STOP_SECONDS = 6.0
"""How long what was handed over may take to be written after the first signal."""


@dataclass(slots=True)
class Stop:
    """Cancels planning and reading at the first request, everything at the second or when the time is over."""

    grace: float = SOFT_STOP_SECONDS
    planning: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    reading: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    everything: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    requests: int = 0

    def request(self) -> None:
        """Stop softly; asked again, stop now."""
        self.requests += 1
        if self.requests > 1:
            self.everything.cancel()
        else:
            self.planning.cancel()
            self.reading.cancel()
            self.everything.deadline = min(self.everything.deadline, anyio.current_time() + self.grace)

    @property
    def requested(self) -> bool:
        """Tell whether anybody asked to stop."""
        return self.requests > 0

    async def on_signals(self, heard: Callable[[str, bool], None], hung_up: Callable[[], None] | None = None) -> None:
        """Take SIGINT and SIGTERM as requests until cancelled; ``heard`` gets the name and whether it stops now.

        ``hung_up`` is called for each SIGHUP, which ends the process if there is none.
        """
        numbers = (signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hung_up else []))
        with anyio.open_signal_receiver(*numbers) as signals:
            async for number in signals:
                if hung_up is not None and number is signal.SIGHUP:
                    hung_up()
                    continue
                heard(number.name, self.requests > 0)
                self.request()
