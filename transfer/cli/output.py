"""Words for people on standard output, JSON for machines, problems on standard error."""

import json
import os
import sys
from io import TextIOWrapper
from typing import Any, TextIO

from transfer.errors import ConfigError, TransferError
from transfer.secrets_registry import mask

__all__ = [
    "accept_any_text",
    "hush",
    "plain",
    "printable",
    "say",
    "say_error",
    "say_error_json",
    "say_json",
    "say_ours",
    "say_ours_json",
]


def say(text: str = "") -> None:
    """Print a line for people."""
    _write(sys.stdout, text)


def say_json(value: dict[str, Any]) -> None:
    """Print one JSON object on one line, at once; in ASCII, so that no terminal finds anything to obey in it."""
    sys.stdout.write(mask(json.dumps(value, separators=(",", ":"))) + "\n")
    sys.stdout.flush()


def say_error(error: TransferError) -> None:
    """Print what went wrong and what to do next on standard error."""
    first, *others = error.message.splitlines() or [""]
    label = "configuration: " if isinstance(error, ConfigError) else "error: "
    _write(sys.stderr, label + first)
    for line in others:
        _write(sys.stderr, (label if isinstance(error, ConfigError) else "  ") + line)
    if error.hint:
        _write(sys.stderr, f"  hint: {error.hint}")


def say_error_json(error: TransferError) -> None:
    """Print the same as one JSON object on standard output."""
    say_json({"event": "error", "exit_code": error.exit_code, "message": error.message, "hint": error.hint})


def say_ours(text: str = "") -> None:
    """Print a line of names and our own words, in which no known secret is masked.

    Where thousands of values are known some of them are words like these, and a name that is cut would be no name.
    """
    sys.stdout.write(printable(text) + "\n")
    sys.stdout.flush()


def say_ours_json(value: dict[str, Any]) -> None:
    """Print the same as one JSON object on one line."""
    sys.stdout.write(json.dumps(value, separators=(",", ":")) + "\n")
    sys.stdout.flush()


def plain(text: str) -> str:
    """Return ``text`` on one line, without known secrets and what a terminal would obey instead of showing it."""
    return printable(mask(text))


def printable(text: str) -> str:
    """Return ``text`` on one line, without what a terminal would obey instead of showing it."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def accept_any_text() -> None:
    """Let characters that the encoding of the output does not have be replaced, instead of ending the program."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")


def hush() -> None:
    """Let nothing more be written to standard output, whose reader is gone."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _write(stream: TextIO, text: str) -> None:
    stream.write(plain(text) + "\n")
    stream.flush()
