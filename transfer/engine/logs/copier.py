"""Copy one log from one side to the other, so that it arrives whole or not at all.

Small ones are read to their end before anything is sent. A large one is sent while it is read; when its reading breaks
off, so does its sending, which leaves a part of it on the target: that is overwritten by the next attempt, or removed
after the last. Whatever was sent without a clear answer is read back before it counts.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b
from typing import Final, TypeAlias

import anyio

from transfer.client.logs import LogName, TaskLogs
from transfer.engine.logs.capacity import LogCapacity
from transfer.errors import (
    AbsentError,
    BrokenOffError,
    LostAnswerError,
    RefusedError,
    SideError,
    TooLargeError,
    TransferError,
    UnavailableError,
)

ATTEMPTS: Final = 3
"""Times that a log is begun anew because the target did not take it, each with all attempts to read it."""

REMOVALS: Final = 3
"""Times that the remainder of a log is removed: a webserver may still write what was broken off, and bring it back."""

SETTLING_SECONDS: Final = 0.5
"""How long it is waited for that, each time."""

CLEARING_SECONDS: Final = 3.0
"""How long the removal of a remainder may take when everything is stopped."""

Ask: TypeAlias = Callable[[], Awaitable[object]]
"""A harmless request that a side answers if it answers at all."""

Claim: TypeAlias = Callable[[], Awaitable[object]]
"""Remembers that a log on the target is ours from now on."""


class Fate(StrEnum):
    """What became of a log; the names are those under which it is counted."""

    MOVED = "moved"
    ALREADY = "already"  # it was on the target, of a run that this job did not write
    MISSING = "missing"  # the source has none


class LogRefusedError(TransferError):
    """Raised for a log that cannot be moved; nothing of it is on the target then, as far as anybody can tell."""


@dataclass(frozen=True, slots=True)
class Content:
    """What a log holds: bytes, and a digest of them."""

    size: int
    digest: bytes


class _Reading:
    """Takes a log from the source; small ones are ``whole`` afterwards, large ones were sent on."""

    def __init__(self, name: LogName, target: TaskLogs, capacity: LogCapacity, *, verify: bool) -> None:
        self._name = name
        self._target = target
        self._capacity = capacity
        self._verify = verify
        self.touched = False
        """Whether anything was sent, in any attempt."""
        self.in_doubt = False
        """Whether anything was sent that was not clearly answered: it may still be written."""
        self._begin()

    def _begin(self) -> None:
        self.whole: bytes | None = None
        self.size = 0
        # It takes as long as all the rest of a large log, which is rarely read back.
        self._digest = _digest() if self.to_read_back else None
        self.too_large = False
        self.failure: SideError | None = None
        """What the target said to what was sent on."""
        self._cut: Exception | None = None
        self._begun = False
        self._sent_on: Content | None = None

    @property
    def to_read_back(self) -> bool:
        """Tell whether it is to be looked at what has arrived."""
        return self._verify or self.in_doubt

    @property
    def content(self) -> Content | None:
        """Return what was read; None if that is not known, or was not read to its end."""
        if self.whole is not None:
            return Content(self.size, _digest(self.whole).digest())
        return self._sent_on

    async def take(self, pieces: AsyncIterator[bytes]) -> None:
        """Implement ``Taker``."""
        self._begin()
        held: list[bytes] = []
        async for piece in self._counted(pieces):
            held.append(piece)
            if self.size > self._capacity.held:
                break
        else:
            self.whole = b"".join(held)
            return
        if self._capacity.streams:
            await self._send_on(held, pieces)
        else:
            await self._count(pieces)

    async def _send_on(self, held: list[bytes], pieces: AsyncIterator[bytes]) -> None:
        self.touched = True
        try:
            block = self._capacity.block(self.size)
            await self._target.stream(self._name, lambda: self._sent(held, pieces), block)
        except SideError as error:
            self.in_doubt = True
            if self._cut is not None:
                raise self._cut from None
            self.failure = error
            if self.too_large:
                await self._count(pieces)

    async def _sent(self, held: list[bytes], pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        if self._begun:  # sent again on its way, after a login or a wait: what was given away cannot be given again
            raise EOFError
        self._begun = True
        for piece in held:
            yield piece
        held.clear()
        most = self._capacity.streamed
        try:
            async for piece in self._counted(pieces):
                if most is not None and self.size > most:
                    self.too_large = True
                    break
                yield piece
        except Exception as error:  # whatever the source's connection raises: it is raised again where it belongs
            self._cut = error
            raise
        if self.too_large:
            raise EOFError  # the request must not end as if this were all
        if self._digest is not None:
            self._sent_on = Content(self.size, self._digest.digest())

    async def _count(self, pieces: AsyncIterator[bytes]) -> None:
        """Read what is left of a log that is too large, for its size."""
        self.too_large = True
        async for piece in pieces:
            self.size += len(piece)

    async def _counted(self, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        async for piece in pieces:
            self.size += len(piece)
            if self._digest is not None:
                self._digest.update(piece)
            yield piece


class Copier:
    """Copies logs from ``source`` to ``target``; with ``verify`` each is read back.

    ``ask_source`` and ``ask_target`` tell a side that is gone from one that fails on a single log.
    """

    def __init__(
        self, source: TaskLogs, target: TaskLogs, capacity: LogCapacity, asks: tuple[Ask, Ask], *, verify: bool = False
    ) -> None:
        self._source = source
        self._target = target
        self._capacity = capacity
        self._asks = {"source": asks[0], "target": asks[1]}
        self._verify = verify

    async def copy(self, name: LogName, claim: Claim | None = None) -> tuple[Fate, int]:
        """Copy a log and return what became of it, and its bytes.

        With a ``claim`` what the target has is left alone; it is awaited before anything is sent. Raises
        ``LogRefusedError`` if the log cannot be moved, or a ``SideError`` if none can.
        """
        if name.unsafe:
            raise LogRefusedError(name.unsafe)
        reading = _Reading(name, self._target, self._capacity, verify=self._verify)
        try:
            if claim is not None:
                if await self._target.exists(name):
                    return Fate.ALREADY, 0
                await claim()
            return Fate.MOVED, await self._attempts(reading, name)
        except AbsentError:
            await self._clear(reading, name)
            return Fate.MISSING, 0
        except UnavailableError as error:
            await self._asks[error.side]()  # raises if the side is gone altogether
            await self._clear(reading, name)
            raise LogRefusedError(error.message, hint=error.hint) from error
        except LogRefusedError:
            await self._clear(reading, name)
            raise
        except BaseException:  # a stop, too, should not leave a part of a log behind; the next run overwrites it anyway
            with anyio.move_on_after(CLEARING_SECONDS, shield=True), suppress(SideError):
                await self._clear(reading, name)
            raise

    async def _attempts(self, reading: _Reading, name: LogName) -> int:
        """Return the bytes of the log, which is on the target then."""
        said = ""
        for number in range(ATTEMPTS):
            if number:
                await self._asks["target"]()  # waits until it may be asked, and logs in again if need be
            try:
                if await self._once(reading, name):
                    return reading.size
                said = "what arrived is not what was sent"
            except LostAnswerError as error:
                reading.in_doubt = True
                if reading.content is not None and await self._is_there(name, reading.content):
                    return reading.size
                said = error.message
            except BrokenOffError as error:
                said = error.message
            except UnavailableError as error:
                if error.side == "source" or reading.whole is not None or number == ATTEMPTS - 1:
                    raise
        raise LogRefusedError(f"tried {ATTEMPTS} times: {said}")

    async def _once(self, reading: _Reading, name: LogName) -> bool:
        """Read and send a log; tell whether it is there, as far as that was looked at."""
        await self._source.read(name, reading.take)
        if reading.too_large:
            raise self._too_large(reading.size)
        if isinstance(reading.failure, RefusedError):
            raise _refused(reading.failure, reading.size)
        if reading.failure is not None:
            raise reading.failure
        if reading.whole is not None:
            await self._write(reading, name, reading.whole)
        if not reading.to_read_back:
            return True
        return reading.content is not None and await self._is_there(name, reading.content)

    async def _write(self, reading: _Reading, name: LogName, whole: bytes) -> None:
        touched, reading.touched = reading.touched, True
        try:
            await self._target.write(name, whole, self._capacity.block(len(whole)))
        except RefusedError as error:
            reading.touched = touched  # nothing of it was stored
            raise _refused(error, reading.size) from error

    async def _is_there(self, name: LogName, content: Content) -> bool:
        """Read a log back and compare it."""
        digest, size = _digest(), 0

        async def take(pieces: AsyncIterator[bytes]) -> None:
            nonlocal digest, size
            digest, size = _digest(), 0
            async for piece in pieces:
                digest.update(piece)
                size += len(piece)

        try:
            await self._target.read(name, take)
        except AbsentError:
            return False
        return Content(size, digest.digest()) == content

    async def _clear(self, reading: _Reading, name: LogName) -> None:
        """Remove what is left of a log that did not arrive whole."""
        if not reading.touched:
            return
        for _ in range(REMOVALS):
            await self._target.remove(name)
            await anyio.sleep(SETTLING_SECONDS)
            if not await self._target.exists(name):
                return

    def _too_large(self, size: int) -> LogRefusedError:
        most = self._capacity.most or 0
        return LogRefusedError(
            f"too large: {size:,} bytes, the target takes {most:,}",
            hint="raise allowed_payload_size of its webserver, then limits.log_bytes",
        )


def _digest(content: bytes = b"") -> blake2b:
    return blake2b(content, digest_size=16)


def _refused(error: RefusedError, size: int) -> LogRefusedError:
    if isinstance(error, TooLargeError):
        said = f"too large: {size:,} bytes, the target or a proxy in front of it refused it: {error.detail}"
        return LogRefusedError(said, hint="raise its limit of a request's body")
    return LogRefusedError(error.message, hint=error.hint)
