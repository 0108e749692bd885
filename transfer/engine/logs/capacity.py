"""How large a log the target takes, and in which way."""

from dataclasses import dataclass
from typing import Final

from transfer.capabilities import Capabilities
from transfer.config.settings import Limits

BLOCK: Final = 65_536
"""Bytes that the target reads at once from a request."""

LEAST_BLOCK: Final = 1_024
"""The same at the edge of its limit, where the last piece that it reads for must still fit in."""

HELD: Final = 1_048_576 - LEAST_BLOCK
"""Bytes: a log up to this is held in memory and sent with its length, a larger one is sent while it is read."""


@dataclass(frozen=True, slots=True)
class LogCapacity:
    """``body`` is the largest request that the target takes, in bytes; None for any."""

    body: int | None = None

    @classmethod
    def of(cls, target: Capabilities, limits: Limits) -> "LogCapacity":
        """Return what the target takes: what is configured, else what its version does."""
        return cls(limits.log_bytes or target.log_bytes)

    @property
    def held(self) -> int:
        """Return the largest log that is sent with its length."""
        return HELD if self.body is None else min(HELD, self.body - LEAST_BLOCK)

    @property
    def streamed(self) -> int | None:
        """Return the largest log that is sent without it: None for any, no more than ``held`` for none."""
        return None if self.body is None else self.body - BLOCK

    @property
    def streams(self) -> bool:
        """Tell whether there can be logs that are too large to be held, and that the target takes."""
        return self.streamed is None or self.streamed > self.held

    @property
    def most(self) -> int | None:
        """Return the largest log of all; None for any."""
        return self.streamed if self.streams else self.held

    def block(self, size: int) -> int:
        """Return in what pieces the target is to read a log of ``size`` bytes."""
        return BLOCK if self.body is None else max(LEAST_BLOCK, min(BLOCK, self.body - size))
