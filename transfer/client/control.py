"""What decides how many requests may be under way at once: the contract, and the way of a fixed number."""

from dataclasses import dataclass
from typing import Final, Protocol

from transfer.errors import LostAnswerError, SideError, ThrottledError, TransientError

RECOVERY: Final = 50
"""Answers in a row after which one more request at once is dared again."""

_OVERLOADED: Final = frozenset({429, 503})
_STRUGGLING: Final = frozenset({None, 408, 425, 429, 502, 503, 504})
"""None: no answer, or no connection."""


def is_overload(error: SideError) -> bool:
    """Tell whether a side says in so many words that it was asked too hard."""
    return isinstance(error, ThrottledError | LostAnswerError) and error.status in _OVERLOADED


def is_loss(error: SideError) -> bool:
    """Tell whether ``error`` may come of asking too hard: also time-outs, broken connections and a proxy's 502."""
    return isinstance(error, TransientError | LostAnswerError) and error.status in _STRUGGLING


@dataclass(frozen=True, slots=True)
class Done:
    """A request that got its answer: when, on which route, how many bytes there and back."""

    start: float
    end: float
    route: str
    size: int


class Control(Protocol):
    """Decides from what it is told, in the order of time; knows no clock, no task and no network of its own."""

    concurrency: int
    """Requests that may be under way at once from now on."""

    def bound(self, low: int, high: int) -> None:
        """Stay between these from now on."""
        ...

    def began(self, now: float) -> None:
        """Note that a request goes out."""
        ...

    def ended(self, now: float) -> None:
        """Note that a request is over, in whatever way; what it was is told afterwards."""
        ...

    def answered(self, done: Done) -> None:
        """Note an answer that counts."""
        ...

    def failed(self, start: float, now: float, error: SideError) -> None:
        """Note an answer that is an error, or that none came; the request went out at ``start``."""
        ...


class Steady:
    """A fixed number: overload halves it, ``RECOVERY`` answers in a row give one back."""

    def __init__(self, high: int) -> None:
        self.concurrency = high
        self._high = high
        self._good = 0

    def bound(self, _low: int, high: int) -> None:
        """Implement ``Control``."""
        if high != self._high:
            self._high = self.concurrency = high
            self._good = 0

    def began(self, _now: float) -> None:
        """Implement ``Control``."""

    def ended(self, _now: float) -> None:
        """Implement ``Control``."""

    def answered(self, _done: Done) -> None:
        """Implement ``Control``."""
        self._good += 1
        if self._good >= RECOVERY and self.concurrency < self._high:
            self._good = 0
            self.concurrency += 1

    def failed(self, _start: float, _now: float, error: SideError) -> None:
        """Implement ``Control``."""
        if is_overload(error):
            self._good = 0
            self.concurrency = max(1, self.concurrency // 2)
