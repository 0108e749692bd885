"""Bodies of answers: complete, off the connection, in memory while small and in an unlinked file when large."""

import tempfile
from collections.abc import AsyncGenerator
from typing import Final

from transfer.errors import StateFullError

END_LOOKED_AT: Final = 256
"""Bytes at the end of a body in which its last character is looked for."""


class SpooledBody:
    """A body that grows while it is received; implements ``Body``.

    File operations block the event loop on purpose: they go to the page cache in pieces of at most a few 100 KiB, which
    takes less time than handing each piece to a thread would.
    """

    def __init__(self, memory_bytes: int, directory: str | None = None) -> None:
        self.size = 0
        self._file: Final = tempfile.SpooledTemporaryFile(max_size=memory_bytes, dir=directory)  # noqa: SIM115 - close()

    def write(self, piece: bytes) -> None:
        """Append ``piece``, before anything is read; raises ``StateFullError`` when the disk cannot hold it."""
        try:
            self._file.write(piece)
            self._file.flush()
        except OSError as error:
            place = tempfile.gettempdir()
            raise StateFullError(
                f"a large answer could not be put into a temporary file in {place}: {error.strerror}",
                hint="free some space there, name another directory in TMPDIR, or raise limits.memory_bytes",
            ) from error
        self.size += len(piece)

    def read(self) -> bytes:
        """Return all of it."""
        self._file.seek(0)
        return self._file.read()

    def head(self, size: int) -> bytes:
        """Return its first ``size`` bytes."""
        self._file.seek(0)
        return self._file.read(size)

    async def chunks(self, size: int) -> AsyncGenerator[bytes, None]:
        """Yield it from the start in pieces of ``size`` bytes, the last one shorter; may be called again."""
        for start in range(0, self.size, size):
            self._file.seek(start)
            yield self._file.read(size)

    def ends_with(self, endings: tuple[bytes, ...]) -> bool:
        """Tell whether the last bytes, white space aside, are one of ``endings``."""
        self._file.seek(max(self.size - END_LOOKED_AT, 0))
        return self._file.read().rstrip().endswith(endings)

    def close(self) -> None:
        """Free the memory or file behind it; harmless when repeated."""
        self._file.close()
