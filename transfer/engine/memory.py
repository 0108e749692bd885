"""What follows from what is remembered of a run that is to be moved: one table for claiming, counting and judging."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from transfer.model import UNSETTLED, Outcome


@dataclass(frozen=True, slots=True)
class Memory:
    """The consequences of one memory.

    ``held`` and ``lacking`` are what the run is claimed as if the target has it or not; ``ours`` says whose it is if it
    is found there; ``found`` what rows that are found count as, None if they were counted when it was last settled.
    ``again`` says that what is sent of it was counted before as well.
    """

    held: Outcome
    lacking: Outcome
    ours: bool
    found: Outcome | None
    again: bool = False


CLAIMED: Final = UNSETTLED
"""Memories of a run that a pass has to meet again."""

REPLACED: Final = frozenset({Outcome.TO_REPLACE, Outcome.REPLACING})
"""Memories of a run whose version on the target is removed before it is sent."""

MENDED: Final = frozenset({Outcome.MENDING, Outcome.MENDING_FOUND})
"""Memories of a run of which rows are gone from the target."""

_REPLACING: Final = Memory(Outcome.REPLACING, Outcome.REPLACING, ours=True, found=None, again=True)

_NEW: Final = Memory(held=Outcome.FILLING, lacking=Outcome.IN_FLIGHT, ours=False, found=Outcome.ALREADY)

_KNOWN: Final[Mapping[Outcome, Memory]] = {
    # Claimed by a process that died, or by a window that was lost: it was not there before, so what is there was sent.
    Outcome.IN_FLIGHT: Memory(Outcome.IN_FLIGHT, Outcome.IN_FLIGHT, ours=True, found=Outcome.MOVED),
    Outcome.FILLING: Memory(Outcome.FILLING, Outcome.FILLING, ours=False, found=Outcome.ALREADY),
    # Tried again: the claim must not make a later look count the same rows once more.
    Outcome.PARTIAL: Memory(Outcome.PARTIAL, Outcome.PARTIAL, ours=True, found=None),
    Outcome.REJECTED: Memory(Outcome.REJECTED, Outcome.IN_FLIGHT, ours=False, found=None),
    # Whatever is there is removed before the run is sent: the claim says that this may have begun.
    Outcome.TO_REPLACE: _REPLACING,
    Outcome.REPLACING: _REPLACING,
    Outcome.MENDING: Memory(Outcome.MENDING, Outcome.MENDING, ours=True, found=None, again=True),
    # If the run itself is gone, whatever is found of it from now on is ours.
    Outcome.MENDING_FOUND: Memory(Outcome.MENDING_FOUND, Outcome.MENDING, ours=False, found=None, again=True),
    # Tried again in case that somebody has removed the earlier version from the target.
    Outcome.CHANGED: Memory(Outcome.CHANGED, Outcome.IN_FLIGHT, ours=False, found=None),
}


def memory(before: Outcome | None) -> Memory:
    """Return what follows from ``before``, the outcome remembered before the run's window was claimed."""
    return _NEW if before is None else _KNOWN.get(before, _NEW)


def judged(before: Outcome | None, *, found: bool, refused: bool, children_refused: bool) -> Outcome:
    """Return what became of a run that was written: ``found`` there, itself ``refused``, or some of its children."""
    ours = not found or memory(before).ours
    if before is Outcome.CHANGED and (found or refused):
        return Outcome.CHANGED
    if refused:
        return Outcome.REJECTED
    if children_refused:
        return Outcome.PARTIAL if ours else Outcome.REJECTED
    return Outcome.MOVED if ours else Outcome.ALREADY
