"""Ask before anything is removed."""

import sys
from typing import ClassVar, Final

from transfer.cli.options import OutputOptions
from transfer.cli.output import plain
from transfer.errors import ExitCode, TransferError


class NotConfirmedError(TransferError):
    """Raised where nobody can be asked, and nobody has agreed beforehand."""

    exit_code: ClassVar[int] = ExitCode.USAGE


REMOVES: Final = "this removes runs from the target"
SENDS: Final = "this sends rows to the target"


def check_can_ask(output: OutputOptions, what: str, *, yes: bool) -> None:
    """Raise ``NotConfirmedError``, which says ``what``, unless ``yes`` was given or somebody sits at a terminal.

    Whoever does must see the question, too: standard error may lead somewhere else.
    """
    if not yes and (output.json or not (sys.stdin.isatty() and sys.stderr.isatty())):
        raise NotConfirmedError(f"{what}, and there is nobody to ask", hint="add --yes to agree beforehand")


def confirm(question: str, *, yes: bool) -> bool:
    """Ask ``question`` on standard error unless ``yes``; only an explicit yes is one."""
    if yes:
        return True
    sys.stderr.write(f"{plain(question)} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in {"y", "yes"}
