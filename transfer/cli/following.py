"""What ``transfer run`` does after the history if it is asked to: the task logs, and the XComs."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final, TypeAlias

import anyio

from transfer.cli.logs_command import can_move_logs, logs_job
from transfer.cli.options import JobOptions, LogOptions, OutputOptions, XComOptions
from transfer.cli.run import Preflight
from transfer.cli.session import Sides
from transfer.cli.xcoms_command import can_move_xcoms, xcoms_job
from transfer.errors import ExitCode

_Command: TypeAlias = Callable[[JobOptions, OutputOptions], Awaitable[int]]

_KINDS: Final[tuple[tuple[Preflight, _Command], ...]] = (
    (can_move_logs, partial(logs_job, LogOptions())),
    (can_move_xcoms, partial(xcoms_job, XComOptions())),
)


def preflight(*, logs: bool, xcoms: bool) -> Preflight | None:
    """Return what finds out, before the history is moved, whether what is wanted afterwards can be moved at all."""
    checks = [check for wanted, (check, _) in zip((logs, xcoms), _KINDS, strict=True) if wanted]

    async def check_all(sides: Sides) -> None:
        for check in checks:
            await check(sides)

    return check_all if checks else None


def worse(one: int, other: int) -> int:
    """Return the exit code of two commands that were carried out one after the other."""
    order = (ExitCode.STOPPED, ExitCode.FAILED, ExitCode.INCOMPLETE, ExitCode.DONE)
    return next(code for code in order if code in (one, other))


def follow(code: int, options: JobOptions, output: OutputOptions, *, logs: bool, xcoms: bool) -> int:
    """Move what is wanted after a run that ended with ``code``, until one is stopped; return the worst code of all."""
    for wanted, (_, command) in zip((logs, xcoms), _KINDS, strict=True):
        if wanted and code != ExitCode.STOPPED:
            code = worse(code, anyio.run(command, options, output))
    return code
