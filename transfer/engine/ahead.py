"""Read windows ahead of the one that is handed over, in tasks of their own, and take them in their order.

While one window waits for a writer, or for the network, the pages of the next ones are on their way already. What was
read ahead counts for nothing until it is taken: a window that has to be read again takes all behind it back.
"""

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import anyio
from anyio.abc import TaskGroup

from transfer.engine.window import LoadedWindow


class Places:
    """How many windows readers may hold at once, over all DAGs: ``total`` in all, and ``ready`` that are ready.

    A window is ready when all of it is here and no writer has taken it. While that many are, the target is what is
    waited for, and reading on would only fill the memory.
    """

    def __init__(self, total: int, ready: int) -> None:
        self._total = total
        self._most_ready = ready
        self._held: dict[object, bool] = {}
        """By holder, whether it is ready."""
        self._queue: deque[object] = deque()
        self._changed = anyio.Event()

    def resize(self, total: int, ready: int) -> None:
        """Allow other numbers from now on; what is held stays."""
        self._total, self._most_ready = total, ready
        self._tell()

    async def take(self, holder: object) -> None:
        """Wait for a place; those who wait get one in turn."""
        self._queue.append(holder)
        try:
            while self._queue[0] is not holder or not self._is_free:
                await self._changed.wait()
            self._held[holder] = False
        finally:
            self._queue.remove(holder)
            self._tell()

    def take_at_once(self, holder: object) -> bool:
        """Take a place if one is free and nobody waits for it."""
        if self._queue or not self._is_free:
            return False
        self._held[holder] = False
        return True

    def ready(self, holder: object) -> None:
        """Note that the window of ``holder`` is ready, if it still has its place."""
        if holder in self._held:
            self._held[holder] = True

    def leave(self, holder: object) -> None:
        """Give the place back."""
        del self._held[holder]
        self._tell()

    @property
    def _is_free(self) -> bool:
        return len(self._held) < self._total and sum(self._held.values()) < self._most_ready

    def _tell(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()


class Begun:
    """A window that is being read; whoever began it takes the result and then discards it.

    ``over`` is called once, when it is read and discarded. Reading is not stopped by that: the server goes on with a
    request that is given up, and would be asked for more at once than it should.
    """

    def __init__(self, over: Callable[["Begun"], None]) -> None:
        self._when_over = over
        self._has_result = anyio.Event()
        self._is_over = False
        self._discarded = False
        self._loaded: LoadedWindow | None = None
        self._failure: Exception | None = None

    @property
    def is_wanted(self) -> bool:
        """Tell whether anybody still waits for it."""
        return not self._discarded

    async def read(self, load: Callable[[], Awaitable[LoadedWindow | None]]) -> None:
        """Read it, as a task of its own, which never fails: the failure belongs to who waits for the result."""
        try:
            self._loaded = await load()
        except Exception as failure:  # noqa: BLE001 - raised again by result()
            self._failure = failure
        finally:
            self._is_over = True
            if self._discarded:
                self._end()
        self._has_result.set()

    async def result(self) -> LoadedWindow | None:
        """Return the window, the caller's from now on, or None if it has to be read again; raises what reading did."""
        await self._has_result.wait()
        if self._failure is not None:
            raise self._failure
        loaded, self._loaded = self._loaded, None
        return loaded

    def discard(self) -> None:
        """Let what was not taken be freed as soon as it is there."""
        self._discarded = True
        if self._is_over:
            self._end()

    def _end(self) -> None:
        if self._loaded is not None:
            self._loaded.close()
            self._loaded = None
        self._when_over(self)


class Ahead:
    """Begins to read windows of one DAG."""

    def __init__(self, group: TaskGroup) -> None:
        self._group = group

    def begin(self, begun: Begun, load: Callable[[], Awaitable[LoadedWindow | None]]) -> None:
        """Start ``load`` for ``begun``."""
        self._group.start_soon(begun.read, load)


@asynccontextmanager
async def read_ahead() -> AsyncIterator[Ahead]:
    """Give the tasks of one DAG a home; those that still read when it is left are stopped.

    What the body raises comes out as it is, not in a group.
    """
    failure: Exception | None = None
    async with anyio.create_task_group() as group:
        try:
            yield Ahead(group)
        except Exception as error:  # noqa: BLE001 - raised again outside of the group, which would wrap it
            failure = error
        group.cancel_scope.cancel()
    if failure is not None:
        raise failure
