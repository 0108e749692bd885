"""Do something on both sides at the same time."""

from collections.abc import Awaitable, Callable

import anyio

from transfer.errors import gravest


async def both(left: Callable[[], Awaitable[object]], right: Callable[[], Awaitable[object]]) -> None:
    """Run both to their end; when one fails the other is cancelled. Raises the gravest of the failures."""

    async def run(work: Callable[[], Awaitable[object]]) -> None:
        await work()

    try:
        async with anyio.create_task_group() as group:
            group.start_soon(run, left)
            group.start_soon(run, right)
    except BaseExceptionGroup as failures:
        raise gravest(failures) from None
