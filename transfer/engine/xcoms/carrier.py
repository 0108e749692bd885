"""The XComs of one task instance: read, looked at, and sent one by one, or refused with the reason."""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import anyio

from transfer.client.known_words import EXISTS
from transfer.client.xcoms import TaskName, XCom, XComPage, XComs
from transfer.engine.xcoms.capacity import XComCapacity
from transfer.engine.xcoms.doubt import doubt_of
from transfer.errors import (
    ConflictError,
    InvalidRowError,
    LostAnswerError,
    RefusedError,
    SideError,
    TooLargeError,
    UnavailableError,
    UnexpectedAnswerError,
)

LARGE: Final = 1_048_576
"""Bytes of an answer from which on only one at a time is taken apart and sent."""

MOST_LOST: Final = 5
"""Answers lost for the same value before it is given up."""

MOST_STRIKES: Final = 50
"""Values refused in a row, for other reasons than what they are, before the target itself counts as the cause."""

UNREADABLE: Final = (
    "the source itself cannot read them: one is pickled, or no JSON (delete it there, or enable the pickling it was"
    " written with, and run again with --again)"
)


class Fate(StrEnum):
    """What became of a value; the names are those under which it is counted."""

    MOVED = "moved"
    ALREADY = "already"


class _XComRefusedError(Exception):
    """Raised with the reason for what is not moved; ``for_good`` if another attempt would end the same."""

    def __init__(self, reason: str, *, for_good: bool = True) -> None:
        super().__init__(reason)
        self.reason = reason
        self.for_good = for_good


@dataclass(slots=True)
class Carried:
    """What became of the XComs of a task instance; ``refused`` by key, empty for all of them, with the reason."""

    counts: Counter[str] = field(default_factory=Counter)
    refused: dict[str, str] = field(default_factory=dict)
    for_good: bool = True
    """Whether another attempt would end the same."""


Ask = Callable[[], Awaitable[object]]
"""A harmless request that a side answers if it answers at all."""


class Carrier:
    """Carries XComs from ``source`` to ``target``; with ``doubtful`` also those that Starship seems to have changed."""

    def __init__(
        self, source: XComs, target: XComs, capacity: XComCapacity, asks: tuple[Ask, Ask], *, doubtful: bool = False
    ) -> None:
        self._source = source
        self._target = target
        self._capacity = capacity
        self._asks = {"source": asks[0], "target": asks[1]}
        self._doubtful = doubtful
        self._large = anyio.Lock()
        self._strikes = 0

    async def carry(self, task: TaskName) -> Carried:
        """Move what can be moved of ``task`` and return what became of it; raises a ``SideError`` if nothing can."""
        carried = Carried()
        try:
            page = await self._read(task)
        except _XComRefusedError as refusal:
            _refuse(carried, "", refusal)
            return carried
        async with self._room(page):
            for xcom in page.values():
                try:
                    fate = await self._move(task, xcom)
                except _XComRefusedError as refusal:
                    _refuse(carried, xcom.key, refusal)
                else:
                    carried.counts[fate.value] += 1
                    carried.counts["bytes"] += len(xcom.value) if fate is Fate.MOVED else 0
        return carried

    async def _read(self, task: TaskName) -> XComPage:
        try:
            return await self._source.read(task)
        except InvalidRowError:
            raise _XComRefusedError(UNREADABLE) from None
        except UnavailableError as error:
            raise await self._trouble(error) from error

    async def _trouble(self, error: SideError) -> _XComRefusedError:
        """Return the refusal of what a side fails on; raises if the side is gone altogether."""
        await self._asks[error.side]()
        return _XComRefusedError(error.told, for_good=False)

    @asynccontextmanager
    async def _room(self, page: XComPage) -> AsyncIterator[None]:
        try:
            if page.size > LARGE:
                async with self._large:
                    yield
            else:
                yield
        finally:
            page.close()

    async def _move(self, task: TaskName, xcom: XCom) -> Fate:
        size = len(xcom.value)
        if not self._capacity.takes(4 * size // 3):
            raise self._too_large(size)
        doubt = None if self._doubtful else doubt_of(xcom.value)
        if doubt is not None:
            raise _XComRefusedError(f"not sent: {doubt.reason}")
        body = xcom.body(task)
        if not self._capacity.takes(len(body)):
            raise self._too_large(size)
        return await self._send(task, xcom, body)

    def _too_large(self, size: int) -> _XComRefusedError:
        most = self._capacity.body
        return _XComRefusedError(
            f"too large: {size:,} bytes, {4 * size // 3:,} as they are sent, and the target takes {most:,} (raise"
            " webserver.allowed_payload_size there and limits.batch_bytes here, then run again with --again)"
        )

    async def _send(self, task: TaskName, xcom: XCom, body: bytes) -> Fate:
        """Send a value, again if its answer is lost: it cannot be there twice."""
        said = ""
        for lost in range(MOST_LOST):
            try:
                await self._target.write(task, body, in_pieces=len(body) > self._capacity.body)
            except LostAnswerError as error:
                said = error.message
            except ConflictError as error:
                await self._there(task, xcom, error)
                return Fate.MOVED if lost else Fate.ALREADY
            except TooLargeError:
                raise self._too_large(len(xcom.value)) from None
            except RefusedError as error:
                self._strike(error)
                raise _XComRefusedError(error.message) from error
            except UnavailableError as error:
                raise await self._trouble(error) from error
            else:
                self._strikes = 0
                return Fate.MOVED
        raise _XComRefusedError(f"tried {MOST_LOST} times: {said}", for_good=False)

    async def _there(self, task: TaskName, xcom: XCom, error: ConflictError) -> None:
        """Return if the target has a value of this key, else raise what it said."""
        if EXISTS in error.detail:
            return
        page = await self._target.read(task)
        try:
            if any(there.key == xcom.key for there in page.values()):
                return
        finally:
            page.close()
        raise _XComRefusedError(error.message, for_good=False)

    def _strike(self, error: RefusedError) -> None:
        self._strikes += 1
        if self._strikes > MOST_STRIKES:
            raise UnexpectedAnswerError(
                error.side,
                error.what,
                f"{MOST_STRIKES} XComs in a row were refused, the last one for: {error.detail}",
                status=error.status,
                hint="the target itself seems to be the cause (read-only database, missing rights?); then run again",
            )


def _refuse(carried: Carried, key: str, refusal: _XComRefusedError) -> None:
    carried.refused[key] = refusal.reason
    carried.for_good &= refusal.for_good
