"""Words for people on standard output, JSON for machines, problems on standard error."""

import sys
import unicodedata
from typing import Any, TextIO

import orjson

from transfer.errors import ConfigError, TransferError
from transfer.secrets_registry import mask

__all__ = ["plain", "say", "say_error", "say_json"]


def say(text: str = "") -> None:
    """Print a line for people."""
    _write(sys.stdout, text)


def say_json(value: dict[str, Any]) -> None:
    """Print one JSON object on one line, at once."""
    sys.stdout.write(mask(orjson.dumps(value).decode()) + "\n")
    sys.stdout.flush()


def say_error(error: TransferError) -> None:
    """Print what went wrong and what to do next on standard error."""
    label = "configuration" if isinstance(error, ConfigError) else "error"
    for line in error.message.splitlines():
        _write(sys.stderr, f"{label}: {line}")
    if error.hint:
        _write(sys.stderr, f"  hint: {error.hint}")


def plain(text: str) -> str:
    """Return ``text`` without known secrets and without what a terminal would obey instead of showing it."""
    return "".join(
        c if c == "\n" or not unicodedata.category(c).startswith("C") else "\N{REPLACEMENT CHARACTER}"
        for c in mask(text)
    )


def _write(stream: TextIO, text: str) -> None:
    stream.write(plain(text) + "\n")
    stream.flush()
