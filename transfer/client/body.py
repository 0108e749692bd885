"""Bodies of answers: complete, off the connection, in memory while small and in an unlinked file when large."""

import tempfile
from collections.abc import AsyncGenerator
from typing import Final

from transfer.errors import StateFullError

CRUMB: Final = 4_096
"""Bytes; a server may send its answer one by one, and each piece takes some memory of its own."""

END_LOOKED_AT: Final = 256
"""Bytes at the end of a body in which its last character is looked for."""


class SpooledBody:
    """A body that grows while it is received; implements ``Body``.

    File operations block the event loop on purpose: they go to the page cache in pieces of at most a few 100 KiB, which
    takes less time than handing each piece to a thread would.
    """

    def __init__(self, memory_bytes: int, directory: str | None = None) -> None:
        self.size = 0
        self._memory_bytes: Final = memory_bytes
        self._held: list[bytes] | None = []
        """All of it while it is small, else None: then it is in the file."""
        self._file: Final = tempfile.SpooledTemporaryFile(dir=directory)  # noqa: SIM115 - close()

    def write(self, piece: bytes) -> None:
        """Append ``piece``, before anything is read; raises ``StateFullError`` when the disk cannot hold it."""
        if self._held is not None and self.size + len(piece) <= self._memory_bytes:
            self._hold(self._held, piece)
        else:
            self._spool(piece)
        self.size += len(piece)

    @staticmethod
    def _hold(held: list[bytes], piece: bytes) -> None:
        """Keep ``piece`` as it came: one buffer that grows would be copied again and again. Crumbs are put together."""
        if held and len(held[-1]) < CRUMB:
            held[-1] += piece
        else:
            held.append(piece)

    def _spool(self, piece: bytes) -> None:
        try:
            if self._held is not None:
                self._file.rollover()
                self._file.writelines(self._held)
                self._held = None
            self._file.write(piece)
            self._file.flush()
        except OSError as error:
            place = tempfile.gettempdir()
            raise StateFullError(
                f"a large answer could not be put into a temporary file in {place}: {error.strerror}",
                hint="free some space there, name another directory in TMPDIR, or raise limits.memory_bytes",
            ) from error

    def read(self) -> bytes:
        """Return all of it."""
        return self._part(0, self.size)

    def head(self, size: int) -> bytes:
        """Return its first ``size`` bytes."""
        return self._part(0, size)

    async def chunks(self, size: int) -> AsyncGenerator[bytes, None]:
        """Yield it from the start in pieces of at most ``size`` bytes; may be called again.

        What is in memory is yielded as it came, where that is small enough: put together it would be there twice.
        """
        if self._held is None:
            for start in range(0, self.size, size):
                yield self._part(start, size)
        for piece in tuple(self._held or ()):  # whoever reads all of it puts them together meanwhile
            for start in range(0, len(piece), size):
                yield piece[start : start + size]  # which is the piece itself if it is small

    def ends_with(self, endings: tuple[bytes, ...]) -> bool:
        """Tell whether the last bytes, white space aside, are one of ``endings``."""
        if self._held and len(self._held[-1]) >= END_LOOKED_AT:
            return self._held[-1][-END_LOOKED_AT:].rstrip().endswith(endings)
        return self._part(max(self.size - END_LOOKED_AT, 0), END_LOOKED_AT).rstrip().endswith(endings)

    def close(self) -> None:
        """Free the memory or file behind it; harmless when repeated."""
        self._held = None
        self._file.close()

    def _part(self, start: int, size: int) -> bytes:
        if self._held is not None:
            if not self._held or start + size > len(self._held[0]):
                self._held[:] = [b"".join(self._held)]
            return self._held[0][start : start + size]
        self._file.seek(start)
        return self._file.read(size)


class EchoedBody(SpooledBody):
    """A body of which only the beginning, at least ``kept`` bytes, and the end are kept; the rest is counted."""

    def __init__(self, kept: int) -> None:
        super().__init__(memory_bytes=2**63)
        self._kept: Final = kept
        self._end = b""

    def write(self, piece: bytes) -> None:
        """Append ``piece``."""
        if self.size < self._kept:
            super().write(piece[: self._kept])
            self.size += len(piece[self._kept :])
        else:
            self.size += len(piece)
        self._end = (self._end + piece[-END_LOOKED_AT:])[-END_LOOKED_AT:]

    def ends_with(self, endings: tuple[bytes, ...]) -> bool:
        """Tell whether the last bytes, white space aside, are one of ``endings``."""
        return self._end.rstrip().endswith(endings)
