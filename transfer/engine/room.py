"""How much is under way at once: as many windows and batches as keep both sides as busy as they may be."""

from math import ceil

import anyio

from transfer.client.limit import SideLimit
from transfer.config.settings import Limits
from transfer.engine.ahead import Places
from transfer.engine.berths import Berths
from transfer.engine.size import FIRST_SIZE

SPLIT = 4
"""The least part of a window that is worth requests of its own."""

FEW_READY = 2
"""Windows that lie ready for the writers, or half as many as these take at once if that is more."""

SMALLEST_AIM = 262_144
"""Bytes; smaller windows would cost more requests than rows."""


class Room:
    """Follows what the sides take.

    ``lanes`` are for DAGs that are read, ``places`` for windows that are read or ready, ``berths`` for those being
    written, ``batches`` for what is sent of their children. A window does not keep a request under way all the time: it
    is also parsed, and committed. Where the concurrency is found by trying, one more for every four sees to it that
    what is allowed is really used; and as a window sends several batches at once, half as many windows are enough for
    the target, unless they are small.
    """

    def __init__(self, source: SideLimit, target: SideLimit, limits: Limits) -> None:
        self._source = source
        self._target = target
        self._limits = limits
        self.lanes = anyio.CapacityLimiter(source.highest)
        self.places = Places(self._places, self._ready)
        self.berths = Berths(self._berths, self._most_written)
        self.batches = anyio.CapacityLimiter(_with_spare(target))
        source.on_change(self._resize)
        target.on_change(self._resize)

    @property
    def _places(self) -> int:
        return _with_spare(self._source)

    @property
    def _ready(self) -> int:
        return max(FEW_READY, ceil(self._berths / 2))

    @property
    def _berths(self) -> int:
        if not _is_found(self._target):
            return self._target.concurrency
        return ceil(self._target.concurrency / 2) + 1

    @property
    def _most_written(self) -> int:
        """Each window has at least one request under way, but for what is done between two of them."""
        return max(self._berths, _with_spare(self._target))

    def _resize(self) -> None:
        self.lanes.total_tokens = self._source.highest
        self.places.resize(self._places, self._ready)
        self.berths.resize(self._berths, self._most_written)
        self.batches.total_tokens = _with_spare(self._target)

    @property
    def aim(self) -> int:
        """Return how many bytes of pages a window should have, for all of them together to stay within the limit.

        Those that are being read have about half of their bytes.
        """
        each = self._limits.ahead_bytes // (ceil(self._places / 2) + self._ready + self._berths)
        return min(self._limits.window_bytes, max(each, SMALLEST_AIM))

    def share(self, left: int, size: int) -> int:
        """Return how many of the ``left`` last runs the next window should hold instead of ``size``.

        Else the last window would be written alone while all other writers have nothing left to do.
        """
        return min(size, max(ceil(left / self._berths), ceil(size / SPLIT), FIRST_SIZE))


def _is_found(limit: SideLimit) -> bool:
    return limit.limits.concurrency == "auto"


def _with_spare(limit: SideLimit) -> int:
    return limit.concurrency + (ceil(limit.concurrency / 4) if _is_found(limit) else 0)
