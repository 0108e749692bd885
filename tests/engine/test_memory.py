"""What follows from what is remembered of a run."""

import pytest

from transfer.engine.memory import MENDED, REPLACED, judged, memory
from transfer.model import Outcome


@pytest.mark.parametrize("before", [None, *Outcome])
def test_a_claim_is_final(before: Outcome | None) -> None:
    """Claiming a claimed run again, after a death, says the same as before."""
    for first in (memory(before).held, memory(before).lacking):
        again = memory(first)
        assert again.held is first
        assert again.lacking in {first, Outcome.IN_FLIGHT, Outcome.MENDING}


@pytest.mark.parametrize("before", [None, *Outcome])
def test_a_run_that_was_lacking_is_ours(before: Outcome | None) -> None:
    """A run that was sent is moved or partial, whatever was remembered of it."""
    assert judged(before, found=False, refused=False, children_refused=False) is Outcome.MOVED
    assert judged(before, found=False, refused=False, children_refused=True) is Outcome.PARTIAL


def test_a_run_that_was_there_is_not_ours() -> None:
    """A run that is found on the target is only ours if this job put it there."""
    ours = {
        before
        for before in Outcome
        if judged(before, found=True, refused=False, children_refused=False) is Outcome.MOVED
    }
    assert ours == {Outcome.IN_FLIGHT, Outcome.PARTIAL, Outcome.MENDING} | REPLACED


def test_a_claim_to_replace_says_that_it_has_begun() -> None:
    """Whether the target has the run or not, from the claim on it may be there in any version."""
    for before in REPLACED:
        assert {memory(before).held, memory(before).lacking} == {Outcome.REPLACING}


def test_what_was_counted_is_not_counted_again() -> None:
    """What is sent of runs that had been settled counts as repaired, what is found of them not at all."""
    again = {before for before in Outcome if memory(before).again}
    assert again == REPLACED | MENDED
    assert {memory(before).found for before in again} == {None}
