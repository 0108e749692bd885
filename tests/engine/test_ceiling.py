"""The largest body that the target takes, from one run of the program to the next."""

from uuid import UUID

import pytest

from transfer.engine.batch import Batcher
from transfer.engine.ceiling import Ceiling


def batcher(max_bytes: int = 100_000) -> Batcher:
    """Return what builds batches."""
    return Batcher(UUID(int=1), max_rows=10, max_bytes=max_bytes)


def test_nothing_refused_is_nothing_found() -> None:
    """A ceiling that is the configured one is not remembered."""
    ceiling = Ceiling()
    ceiling.bind(batcher())
    assert ceiling.found is None


def test_what_was_refused_is_found() -> None:
    """The batcher's ceiling is told as soon as it sinks."""
    ceiling, cutter = Ceiling(), batcher()
    ceiling.bind(cutter)
    cutter.lower_ceiling(80_000)
    assert ceiling.found == 60_000


@pytest.mark.parametrize(("remembered", "begins", "found"), [(50_000, 50_000, 50_000), (200_000, 100_000, None)])
def test_the_next_run_begins_there(remembered: int, begins: int, found: int | None) -> None:
    """Batches are no larger from the start, unless the configuration asks for less by now."""
    ceiling, cutter = Ceiling(remembered), batcher()
    ceiling.bind(cutter)
    assert (cutter.max_bytes, ceiling.found) == (begins, found)


def test_a_run_that_sends_nothing_forgets_nothing() -> None:
    """What is remembered stays found where no batch was built."""
    assert Ceiling(50_000).found == 50_000
