"""What a failure of the result store means: as for the checkpoint, but the result can be made anew."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from transfer.checkpoint import failures
from transfer.errors import StateCorruptError

MAKE_ANEW: Final = "delete it, or move it away: `transfer verify` makes it anew"


@contextmanager
def remade() -> Iterator[None]:
    """Say of a result that cannot be read that it can be made anew; a checkpoint could not."""
    try:
        yield
    except StateCorruptError as error:
        message = error.message.removeprefix("the checkpoint ")
        raise StateCorruptError(message, hint=MAKE_ANEW) from error.__cause__


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Raise the ``StateError`` that says what to do in place of an error of SQLite or the operating system."""
    with remade(), failures.translated(path):
        yield
