"""What `transfer check` says of task logs."""

from collections.abc import AsyncIterator

from transfer.config.settings import Limits
from transfer.engine.check import Finding, Level
from transfer.engine.logs.capacity import LogCapacity
from transfer.engine.logs.probe import check_logs
from transfer.engine.logs.side import LogSide
from transfer.errors import SideError, UnsupportedError


async def check_task_logs(source: LogSide, target: LogSide, limits: Limits) -> AsyncIterator[Finding]:
    """Yield whether task logs can be moved, and up to which size; nothing is stored.

    That they cannot is no more than a NOTE: they are moved only on request.
    """
    try:
        able = await check_logs(source, target)
    except (UnsupportedError, SideError) as error:
        yield Finding(Level.NOTE, "source" if error.side == "source" else "target", error.message, error.hint)
        return
    most = LogCapacity.of(able, limits).most
    yield Finding(
        Level.GOOD, "target", "takes task logs" + ("" if most is None else f" of up to {most} bytes, larger ones not")
    )
