"""Send several batches of one window at once, and know at the end that none is under way any more."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import anyio
from anyio.abc import TaskGroup

from transfer.errors import gravest


class Several:
    """Starts what is to be sent, each in a place that was taken for it before."""

    def __init__(self, group: TaskGroup, room: anyio.CapacityLimiter) -> None:
        self._group = group
        self._room = room
        self._place: object | None = None
        self.failures: list[Exception] = []

    async def place(self) -> None:
        """Wait for a place for the next one; raises what failed meanwhile."""
        if self._place is None:
            place = object()
            await self._room.acquire_on_behalf_of(place)
            self._place = place
        if self.failures:
            raise self.failures[0]

    def start(self, send: Callable[[], Awaitable[None]]) -> None:
        """Do ``send`` in a task of its own, which frees the place."""
        self._group.start_soon(self._carry_out, self._place, send)
        self._place = None

    async def _carry_out(self, place: object, send: Callable[[], Awaitable[None]]) -> None:
        try:
            await send()
        except Exception as error:  # noqa: BLE001 - raised again when all are over
            self.failures.append(error)
        finally:
            self._room.release_on_behalf_of(place)

    def leave(self) -> None:
        """Give back a place that was not needed."""
        if self._place is not None:
            self._room.release_on_behalf_of(self._place)
            self._place = None


@asynccontextmanager
async def several(room: anyio.CapacityLimiter) -> AsyncIterator[Several]:
    """Let as many be under way as ``room`` has places, whoever has them; wait for all at the end.

    Raises the gravest failure of the body and of what was started, after all are over, for a request that is given up
    may still be carried out.
    """
    async with anyio.create_task_group() as group:
        sending = Several(group, room)
        try:
            yield sending
        except Exception as error:  # noqa: BLE001 - raised again outside of the group, which would wrap it
            sending.failures.append(error)
        finally:
            sending.leave()
    if sending.failures:
        raise gravest(ExceptionGroup("of one window", sending.failures))
