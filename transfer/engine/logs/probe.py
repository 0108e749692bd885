"""Whether logs can be moved between two deployments at all, and why not."""

from contextlib import suppress
from dataclasses import replace
from typing import Final
from uuid import uuid4

from transfer.capabilities import Capabilities, capabilities
from transfer.client.logs import LogName, TaskLogs
from transfer.engine.logs.capacity import BLOCK
from transfer.engine.logs.side import LogSide
from transfer.errors import (
    AbsentError,
    ConflictError,
    InvalidRowError,
    SideError,
    UnexpectedAnswerError,
    UnsupportedError,
)
from transfer.model import SideName

NOBODYS: Final = LogName("transfer_probe", "probe", "probe", -1, 1)
"""A log that nobody has."""

COPY: Final = (
    "copy the log files at the level of the storage instead, into the same paths below the target's log folder:"
    " the layout is the same in Airflow 2 and 3"
)
ASTRONOMER: Final = "Starship moves logs on Astronomer only (where ASTRONOMER_ENVIRONMENT is set), with remote logging"
SHARED: Final = (
    "both sides keep their task logs in the same place: there is nothing to move, and writing would destroy them"
)


def check_versions(source: Capabilities, target: Capabilities) -> None:
    """Raise ``UnsupportedError`` if Starship moves no logs on one of the two."""
    for side in (source, target):
        if not side.moves_logs:
            raise UnsupportedError(
                side.side,
                f"task logs cannot be moved: Starship neither serves nor takes them on {side.name}",
                hint=COPY,
            )


async def check_logs(source: LogSide, target: LogSide) -> Capabilities:
    """Ask both sides for a log that nobody has; return what the target can do.

    Raises ``UnsupportedError`` with the reason if logs cannot be moved between the two, or another ``SideError``.
    """
    pair = capabilities("source", await source.info()), capabilities("target", await target.info())
    check_versions(*pair)
    await _ask("source", source.task_logs())
    await _ask("target", target.task_logs())
    return pair[1]


async def _ask(side: SideName, logs: TaskLogs) -> None:
    try:
        await logs.exists(NOBODYS)
    except (UnexpectedAnswerError, ConflictError, InvalidRowError) as error:
        raise UnsupportedError(
            side, f"task logs cannot be moved: {error.detail}", hint=f"{ASTRONOMER}; {COPY}"
        ) from error


async def check_apart(source: TaskLogs, target: TaskLogs) -> None:
    """Write a log of our own on the target, see that the source does not have it then, and remove it.

    Where both keep their logs in the same place, writing one would empty the very log that is being read. Raises
    ``UnsupportedError`` then, or another ``SideError`` if the target takes no logs.
    """
    name = replace(NOBODYS, run_id=f"probe__{uuid4()}")
    try:
        await target.write(name, b"written by transfer, to see that both sides keep their logs apart\n", BLOCK)
        if await source.exists(name):
            raise UnsupportedError("target", SHARED, hint="point the target at a log folder or bucket of its own")
        if not await target.exists(name):
            raise UnsupportedError("target", "a task log that it took is not there afterwards", hint=ASTRONOMER)
    finally:
        with suppress(AbsentError, SideError):
            await target.remove(name)
