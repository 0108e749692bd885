"""One command line: run it, and say what went wrong; which exit code an error becomes."""

import os
import signal
import sys
from pathlib import Path
from typing import Final

from cyclopts import CycloptsError

from transfer.cli.app import app
from transfer.cli.collecting import whole_program
from transfer.cli.output import accept_any_text, hush, say_error, say_error_json
from transfer.errors import ExitCode, TransferError

_HALF: Final[tuple[list[str], ...]] = ([], ["config"])
"""What is no whole command."""


def main() -> None:
    """Run the command line and exit with its code; SIGTERM counts as Ctrl-C, so that what was begun is tidied up.

    Whatever a command writes, a demonstration that is kept too, is for its user alone.
    """
    os.umask(0o077)
    accept_any_text()
    signal.signal(signal.SIGTERM, lambda _number, _frame: signal.raise_signal(signal.SIGINT))
    with whole_program():
        sys.exit(invoke(sys.argv[1:]))


def invoke(arguments: list[str]) -> int:
    """Run one command line and return its exit code; errors are said on standard error, never as a traceback.

    Without a whole command it shows the help and returns ``USAGE``: a script that meant one has done nothing.
    """
    try:
        code = app(arguments, exit_on_error=False, print_error=True, result_action="return_value")
    except CycloptsError:
        return ExitCode.USAGE
    except BrokenPipeError:
        return _unheard()
    except (Exception, KeyboardInterrupt) as failure:  # noqa: BLE001  a traceback would print values, and help nobody
        return _said(_explained(failure), json="--json" in arguments)
    if arguments in _HALF:
        return ExitCode.USAGE
    return code if isinstance(code, int) else ExitCode.DONE


class _StoppedError(TransferError):
    """What is said after Ctrl-C in a command that has nothing to bring to an end."""

    exit_code = ExitCode.STOPPED


def _explained(failure: Exception | KeyboardInterrupt) -> TransferError:
    if isinstance(failure, TransferError):
        return failure
    return _StoppedError("stopped") if isinstance(failure, KeyboardInterrupt) else _defect(failure)


def _said(error: TransferError, *, json: bool) -> int:
    try:
        if json:
            say_error_json(error)
        say_error(error)
    except BrokenPipeError:
        return _unheard()
    return error.exit_code


def _unheard() -> int:
    """End quietly when whoever read standard output is gone."""
    hush()
    return ExitCode.FAILED


def _defect(error: Exception) -> TransferError:
    frames = error.__traceback__
    while frames is not None and frames.tb_next is not None:
        frames = frames.tb_next
    where = f"{Path(frames.tb_frame.f_code.co_filename).name}:{frames.tb_lineno}" if frames is not None else "?"
    return TransferError(
        f"unexpected {type(error).__name__} at {where}",
        hint="this is a defect of transfer, please report it; the state is safe: run again to go on",
    )
