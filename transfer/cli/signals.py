"""Work that SIGINT and SIGTERM stop."""

from collections.abc import Awaitable, Callable

import anyio
import structlog

from transfer.engine.stop import Stop
from transfer.errors import gravest


async def until_done(work: Callable[[], Awaitable[int]], stop: Stop, kept: str) -> int:
    """Return what ``work`` returns; a signal meanwhile is a request to ``stop``, and ``kept`` is said of what is done.

    Raises the gravest of the failures.
    """

    def heard(name: str, now: bool) -> None:  # noqa: FBT001  called by the engine, not by people
        said = "stopping now" if now else f"stopping: {kept}; again to stop now"
        structlog.get_logger().warning(said, signal=name)

    try:
        async with anyio.create_task_group() as group:
            group.start_soon(stop.on_signals, heard)
            code = await work()
            group.cancel_scope.cancel()
    except BaseExceptionGroup as failures:
        raise gravest(failures) from failures
    return code
