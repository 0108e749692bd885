"""Work that SIGINT and SIGTERM stop, and SIGHUP lets read its limits again."""

import os
from collections.abc import Awaitable, Callable

import anyio
import structlog

from transfer.cli.control import Control
from transfer.errors import gravest


async def until_done(work: Callable[[], Awaitable[int]], control: Control, kept: str) -> int:
    """Return what ``work`` returns; a signal meanwhile is a request to stop, and ``kept`` is said of what is done.

    SIGHUP is for ``control``, which also watches clock and files meanwhile; one that comes because the terminal is gone
    is a request to stop. Raises the gravest of the failures.
    """
    shown = [file for file in (1, 2) if os.isatty(file)]

    def heard(name: str, now: bool) -> None:  # noqa: FBT001  called by the engine, not by people
        said = "stopping now" if now else f"stopping: {kept}; again to stop now"
        structlog.get_logger().warning(said, signal=name)

    def hung_up() -> None:
        if not _gone(shown):
            control.reload()
        elif not control.stop.requested:  # a shell may send the signal once more, which is no second request
            control.stop.request()

    try:
        async with anyio.create_task_group() as group:
            group.start_soon(control.stop.on_signals, heard, hung_up)
            group.start_soon(control.watch)
            code = await work()
            group.cancel_scope.cancel()
    except BaseExceptionGroup as failures:
        raise gravest(failures) from failures
    return code


def _gone(shown: list[int]) -> bool:
    """Tell whether a terminal that was ``shown`` something is gone; what is still said then goes nowhere."""
    gone = [file for file in shown if not os.isatty(file)]
    if gone:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for file in gone:
            os.dup2(nowhere, file)
        os.close(nowhere)
    return bool(gone)
