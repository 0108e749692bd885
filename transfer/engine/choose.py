"""Decide what becomes of each run of a slice; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from json import dumps

from transfer.config.settings import Selection
from transfer.engine.order import parse_date
from transfer.kinds import FINISHED_STATES, Row
from transfer.model import Outcome, SettledRun

TAKEN_UP_AGAIN = frozenset({Outcome.IN_FLIGHT, Outcome.FILLING, Outcome.PARTIAL, Outcome.CHANGED})
"""Memories of runs that may be on the target in part or in an earlier version: kept until they are whole."""

_ON_TARGET = frozenset({Outcome.MOVED, Outcome.ALREADY})


@dataclass(slots=True)
class Choice:
    """The runs of a slice by what is to be done; ``settled`` need nothing more than to be remembered as seen."""

    to_move: list[Row] = field(default_factory=list)
    fingerprints: dict[str, int] = field(default_factory=dict)
    settled: list[SettledRun] = field(default_factory=list)
    changed: list[SettledRun] = field(default_factory=list)
    """Runs that were moved and have changed at the source since: moving them would need a deletion first."""
    selected: int = 0
    """Runs that the selection takes, for ``newest``."""


def fingerprint(row: Row) -> int:
    """Return 64 bits that change when any column of the run does."""
    text = dumps(row, sort_keys=True, separators=(",", ":"))
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")


def choose(
    rows: Sequence[Row], selection: Selection, remembered: Mapping[str, SettledRun], *, already_selected: int = 0
) -> Choice:
    """Sort ``rows`` (runs of one DAG in reading order) by what is to be done with them.

    ``already_selected`` runs of this DAG were taken before, which counts for ``selection.newest``.
    """
    choice = Choice(selected=already_selected)
    for row in rows:
        mark = fingerprint(row)
        verdict = _verdict(row, selection, choice.selected)
        choice.selected += verdict is None
        known = remembered.get(row["run_id"])
        if known is not None and known.outcome in _ON_TARGET:
            _keep(choice, known, mark)
        elif known is not None and known.outcome in TAKEN_UP_AGAIN:
            _complete(choice, row, mark, known)
        elif verdict is not None:
            choice.settled.append(SettledRun(row["run_id"], mark, verdict))
        else:
            _take(choice, row, mark)
    return choice


def _take(choice: Choice, row: Row, mark: int) -> None:
    choice.to_move.append(row)
    choice.fingerprints[row["run_id"]] = mark


def _complete(choice: Choice, row: Row, mark: int, known: SettledRun) -> None:
    """Take a run that may be on the target in part or in an earlier version, whatever the selection says now."""
    if row["state"] in FINISHED_STATES:
        _take(choice, row, mark)
    else:
        where = choice.changed if known.outcome is Outcome.CHANGED else choice.settled
        where.append(SettledRun(known.run_id, mark, known.outcome))


def without(choice: Choice, restless: Sequence[str], remembered: Mapping[str, SettledRun]) -> Choice:
    """Return ``choice`` with ``restless`` runs left for the next time: unfinished, unless there is more to remember."""
    left = [remembered.get(run_id) for run_id in restless]
    kept = [known.outcome if known and known.outcome in TAKEN_UP_AGAIN else Outcome.UNFINISHED for known in left]
    runs = [
        SettledRun(run_id, choice.fingerprints[run_id], outcome) for run_id, outcome in zip(restless, kept, strict=True)
    ]
    return replace(
        choice,
        to_move=[row for row in choice.to_move if row["run_id"] not in set(restless)],
        settled=choice.settled + [run for run in runs if run.outcome is not Outcome.CHANGED],
        changed=choice.changed + [run for run in runs if run.outcome is Outcome.CHANGED],
    )


def _keep(choice: Choice, known: SettledRun, mark: int) -> None:
    """Leave a run alone that is on the target, whatever the selection or its state say now."""
    if known.fingerprint != mark:
        choice.changed.append(SettledRun(known.run_id, mark, Outcome.CHANGED))
    else:
        choice.settled.append(known)


def _verdict(row: Row, selection: Selection, selected: int) -> Outcome | None:
    """Return None for a run that the selection takes."""
    if not selection.covers(parse_date(row["execution_date"], "source")):
        return Outcome.UNSELECTED
    if row["state"] not in FINISHED_STATES:
        return Outcome.UNFINISHED
    if row["state"] not in selection.states:
        return Outcome.UNSELECTED
    if selection.newest is not None and selected >= selection.newest:
        return Outcome.UNSELECTED
    return None
