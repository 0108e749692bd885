"""The largest body that the target takes, as far as it was found out: what one run of the program tells the next."""

from transfer.engine.batch import Batcher


class Ceiling:
    """Goes with one run; ``remembered`` is what an earlier one found, in bytes, None if nothing was refused."""

    def __init__(self, remembered: int | None = None) -> None:
        self._remembered = remembered
        self._batcher: Batcher | None = None
        self._configured = 0

    def bind(self, batcher: Batcher) -> None:
        """Let ``batcher`` begin at what is remembered, and read from it from now on what was found."""
        self._batcher, self._configured = batcher, batcher.max_bytes
        if self._remembered is not None:
            batcher.max_bytes = min(batcher.max_bytes, self._remembered)

    @property
    def found(self) -> int | None:
        """Return the ceiling in bytes where it is lower than the configured one, else None."""
        if self._batcher is None:
            return self._remembered
        return self._batcher.max_bytes if self._batcher.max_bytes < self._configured else None
