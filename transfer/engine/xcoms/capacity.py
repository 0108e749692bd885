"""How large a value the target takes, and in which way."""

from dataclasses import dataclass

from transfer.capabilities import Capabilities
from transfer.config.settings import Limits


@dataclass(frozen=True, slots=True)
class XComCapacity:
    """``body`` is the largest request with its length that the target takes, in bytes; ``pieces`` any without one."""

    body: int
    pieces: bool = False

    @classmethod
    def of(cls, target: Capabilities, limits: Limits) -> "XComCapacity":
        """Return what the target takes; the limit is that of batches, and before 2.11 there is a way around it."""
        return cls(limits.batch_bytes, pieces=target.log_bytes is None)

    def takes(self, size: int) -> bool:
        """Tell whether a request of ``size`` bytes can be sent at all."""
        return self.pieces or size <= self.body
