"""What becomes of a run that the job wrote and that the target has: removed, or left with the reason; pure."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Final

from transfer.engine.choose import fingerprint
from transfer.engine.verify.fold import canonical, differing_columns, fitted
from transfer.kinds import FINISHED_STATES, Row
from transfer.mapping import Mapping
from transfer.model import Outcome, SettledRun

_AS_READ: Final = frozenset({Outcome.MOVED, Outcome.PARTIAL, Outcome.MENDING, Outcome.IN_FLIGHT})
"""Memories whose fingerprint is that of the version that was written; of others it may be a later one's."""

FLAG: Final = "--delete-gone"
GONE_REASON: Final = f"the source has it no more, so this is the only one there is; {FLAG} removes it all the same"
OTHER_REASON: Final = (
    "the source has another version of it by now, so nobody can tell whether this is still what was moved;"
    f" {FLAG} removes it all the same"
)


@dataclass(frozen=True, slots=True)
class Removal:
    """A run to remove: what was remembered of it, and what it is claimed as meanwhile."""

    known: SettledRun
    claim: SettledRun

    @property
    def run_id(self) -> str:
        """Return its id."""
        return self.known.run_id


@dataclass(frozen=True, slots=True)
class Kept:
    """A run that is left as it is, and why."""

    run_id: str
    reason: str


class Judge:
    """Judges runs of one pair of deployments; ``delete_gone`` takes those as well that nobody can judge any more."""

    def __init__(self, mapping: Mapping, *, delete_gone: bool = False) -> None:
        self._mapping = mapping
        self._delete_gone = delete_gone

    def verdict(self, known: SettledRun, there: Row, source: Row | None) -> Removal | Kept:
        """Judge a run that the target shows as ``there``, and the source as ``source``, or not at all (None)."""
        if there["state"] not in FINISHED_STATES:
            return Kept(known.run_id, f"it is {there['state'] or 'without a state'} there: somebody has cleared it")
        if source is None:
            return self._unsure(known, replace(known, outcome=Outcome.IN_FLIGHT), GONE_REASON)
        mark = fingerprint(source)
        columns = self._differing(source, there)
        if not columns:
            return Removal(known, SettledRun(known.run_id, mark, Outcome.IN_FLIGHT))
        if known.outcome in _AS_READ and mark == known.fingerprint:
            return Kept(known.run_id, f"changed on the target since it was moved ({', '.join(columns)})")
        # Should the process die now, the earlier version may be there still: it must not be mixed with the new one.
        return self._unsure(known, replace(known, outcome=Outcome.REPLACING), OTHER_REASON)

    def _unsure(self, known: SettledRun, claim: SettledRun, reason: str) -> Removal | Kept:
        return Removal(known, claim) if self._delete_gone else Kept(known.run_id, reason)

    def _differing(self, source: Row, there: Row) -> Collection[str]:
        """Return the columns in which the target shows something else than the source's run becomes there."""
        wanted, _ = fitted(self._mapping.expected, source)
        found, _ = fitted(self._mapping.shown, there)
        return () if canonical(wanted) == canonical(found) else differing_columns(wanted, found)
