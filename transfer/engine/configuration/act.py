"""Make one object, or replace one: whatever happens, the target has the old one or the new one, or a note says so."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

import anyio

from transfer.checkpoint.replacements import Replacements
from transfer.checkpoint.replacements import Step as Noted
from transfer.client.objects import ObjectKind, ObjectsApi
from transfer.engine.configuration.compare import differing
from transfer.errors import LostAnswerError, RefusedError, SideError, TooLargeError, UnavailableError
from transfer.kinds import Row

MOST_TRIED: Final = 3
"""How often an object is sent, or removed, whose answers get lost, before that counts as a refusal."""

GRACE_SECONDS: Final = 8.0
"""How long a replacement may still take after everything else was stopped."""


class Acting:
    """Changes single objects of the target; all methods raise ``SideError`` when it is of no use to go on."""

    def __init__(self, target: ObjectsApi, notes: Replacements) -> None:
        self._target = target
        self._notes = notes

    async def create(self, kind: ObjectKind, row: Row) -> str | None:
        """Make an object that the target lacks; return None when it stands there, else why not.

        After a refusal or a lost answer the target is asked what it has: an earlier attempt may have been carried out.
        """
        said = ""
        for _ in range(MOST_TRIED):
            try:
                await self._target.create(kind, row)
            except (RefusedError, LostAnswerError) as error:
                said = _said(error, row)
                final = isinstance(error, RefusedError)
            else:
                return None
            there = (await self._target.read(kind)).get(row[kind.key])
            if there is not None:
                return "somebody has made another one there meanwhile" if differing(kind, row, there) else None
            if final:
                return said
        return f"it is not there after {MOST_TRIED} attempts, the last: {said}"

    async def replace(self, kind: ObjectKind, old: Row, new: Row) -> str | None:
        """Remove ``old`` and make ``new``; return None when that stands, else why not.

        ``old`` is put back when ``new`` cannot be made. A note tells the next process if this one dies in between; it
        stays when neither of the two stands in the end.
        """
        name = old[kind.key]
        outcome: list[str | None] = []
        self._notes.note(kind.name, name, Noted.REMOVING)
        async with _to_the_end():
            outcome.append(await self._replace(kind, old, new))
        return outcome[0] if outcome else "it was interrupted: run this again"  # its last seconds are over, too

    async def _replace(self, kind: ObjectKind, old: Row, new: Row) -> str | None:
        name = old[kind.key]
        try:
            await self._remove(kind, name)
        except RefusedError as error:
            self._notes.end(kind.name, name)
            return _said(error, old)
        self._notes.note(kind.name, name, Noted.WRITING)
        return await self._write(kind, old, new)

    async def complete(self, kind: ObjectKind, row: Row) -> str | None:
        """Make an object that an earlier process removed and did not write; as ``create``."""
        reason = await self.create(kind, row)
        if reason is None:
            self._notes.end(kind.name, row[kind.key])
        return reason

    def settled(self, kind: ObjectKind, name: str) -> None:
        """Forget a replacement of which one of the two objects stands."""
        self._notes.end(kind.name, name)

    async def _remove(self, kind: ObjectKind, name: str) -> None:
        """Remove an object; a removal without an answer is waited for by looking, and asked for again."""
        for _ in range(MOST_TRIED):
            try:
                await self._target.remove(kind, name)
            except LostAnswerError as error:
                lost = error
                if name not in await self._target.read(kind):
                    return
            else:
                return
        raise UnavailableError(lost.side, lost.what, f"no answer {MOST_TRIED} times, the last: {lost.detail}")

    async def _write(self, kind: ObjectKind, old: Row, new: Row) -> str | None:
        name = old[kind.key]
        try:
            reason = await self.create(kind, new)
        except SideError:
            with suppress(SideError):  # the first failure is the one to tell of
                await self._put_back(kind, old, new)
            raise
        if reason is None:
            self._notes.end(kind.name, name)
            return None
        return await self._put_back(kind, old, new, reason)

    async def _put_back(self, kind: ObjectKind, old: Row, new: Row, reason: str = "") -> str | None:
        """Make ``old`` again, and see which of the two stands: a write that seemed lost may have come late."""
        failed = await self.create(kind, old)
        there = (await self._target.read(kind)).get(old[kind.key])
        if there is None:
            return f"{reason}; the old one is removed and could not be put back ({failed}): run this again"
        self._notes.end(kind.name, old[kind.key])
        return None if not differing(kind, new, there) else f"{reason}; the old one was put back"


def _said(error: SideError, row: Row) -> str:
    if isinstance(error, TooLargeError):
        return f"it is too large for the target ({len(json.dumps(row)):,} bytes)"
    return f"HTTP {error.status}: {error.detail}" if error.status is not None else error.detail


@asynccontextmanager
async def _to_the_end() -> AsyncIterator[None]:
    """Shield the block from a cancellation, after which it has ``GRACE_SECONDS``; what it raises comes in a group."""
    async with anyio.create_task_group() as group:
        with anyio.CancelScope(shield=True) as scope:
            group.start_soon(_limit_when_cancelled, scope)
            yield
        group.cancel_scope.cancel()


async def _limit_when_cancelled(scope: anyio.CancelScope) -> None:
    try:
        await anyio.sleep_forever()
    finally:
        scope.deadline = anyio.current_time() + GRACE_SECONDS
