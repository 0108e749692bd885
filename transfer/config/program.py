"""What a program prints, within a time and a size, and with a way to end it from another thread."""

import os
import selectors
import subprocess
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Final, TypeAlias

Program: TypeAlias = "subprocess.Popen[bytes]"
OnStart: TypeAlias = Callable[[Program], None]

_TICK: Final = 0.2
"""Seconds between looks whether the program is over although somebody it started still holds its output."""


def ignore(_program: Program) -> None:
    """Do nothing about a program that was started."""


def printed(command: Sequence[str], seconds: float, largest: int, on_start: OnStart = ignore) -> tuple[int, bytes]:
    """Run ``command`` without a shell; return its exit code and what it printed, at most ``largest`` bytes and one.

    ``on_start`` gets the running program, and may kill it at any time. Raises ``TimeoutError`` when it is not over in
    ``seconds`` (it is killed then), OSError or ``ValueError`` when it cannot be started.
    """
    with subprocess.Popen(  # noqa: S603 - the user's own program, as a list and without a shell
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as program:
        on_start(program)
        try:
            content = _output(program, monotonic() + seconds, largest)
            if len(content) > largest:
                program.kill()
            return program.wait(seconds), content
        except subprocess.TimeoutExpired:
            raise TimeoutError from None
        finally:
            program.kill()


def _output(program: Program, end: float, largest: int) -> bytes:
    content = b""
    with selectors.DefaultSelector() as readable:
        assert program.stdout is not None  # noqa: S101 - it is a pipe
        readable.register(program.stdout, selectors.EVENT_READ)
        while len(content) <= largest:
            if monotonic() > end:
                raise TimeoutError
            over = program.poll() is not None
            if readable.select(0 if over else _TICK):
                piece = os.read(program.stdout.fileno(), largest)
                content += piece
                over = not piece
            if over:
                break
    return content[: largest + 1]
