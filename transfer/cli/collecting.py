"""How often Python looks for garbage that refers to itself."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

THRESHOLDS: Final = (20_000, 20, 100)
"""New containers until the youngest are looked at, and how many looks later the older and the oldest are."""


@contextmanager
def rare_collections() -> Iterator[None]:
    """Look rarely while the block lasts: rows do not refer to themselves, and come by the thousand.

    With Python's own thresholds a tenth of the time goes into looking through rows that are about to be freed anyway.
    """
    before = gc.get_threshold()
    gc.set_threshold(*THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*before)


@contextmanager
def whole_program() -> Iterator[None]:
    """Look rarely as ``rare_collections`` does, and not at all once the block is left: the program is over.

    Python looks through all objects once more when it ends, which takes a tenth of a second. Whoever holds a file or a
    connection has closed it by then.
    """
    try:
        with rare_collections():
            yield
    finally:
        gc.freeze()
