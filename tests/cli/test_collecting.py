"""Python looks for garbage rarely while rows are moved, and as before afterwards."""

import gc
from contextlib import suppress

from transfer.cli.collecting import THRESHOLDS, rare_collections, whole_program


def test_the_thresholds_hold_for_the_block_alone() -> None:
    """However it ends."""
    before = gc.get_threshold()
    with suppress(KeyError), rare_collections():
        assert gc.get_threshold() == THRESHOLDS != before
        raise KeyError
    assert gc.get_threshold() == before


def test_nothing_is_looked_at_when_the_program_is_over() -> None:
    """Not even after an exit: what is left is put where Python does not look."""
    frozen = gc.get_freeze_count()
    try:
        with suppress(SystemExit), whole_program():
            assert gc.get_threshold() == THRESHOLDS
            raise SystemExit
        assert gc.get_freeze_count() > frozen
    finally:
        gc.unfreeze()
