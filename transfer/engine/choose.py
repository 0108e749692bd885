"""Decide what becomes of each run of a slice; pure."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from itertools import groupby
from json import dumps
from operator import itemgetter

import orjson

from transfer.client.plain import are_plain
from transfer.config.settings import Selection
from transfer.engine.memory import MENDED
from transfer.engine.order import parse_date
from transfer.kinds import FINISHED_STATES, Row, logical_date_of
from transfer.model import UNSETTLED, Outcome, SettledRun

TAKEN_UP_AGAIN = UNSETTLED | {Outcome.PARTIAL, Outcome.CHANGED}
"""Memories of runs that may be on the target in part or in an earlier version: kept until they are whole."""

_ON_TARGET = frozenset({Outcome.MOVED, Outcome.ALREADY})
_EARLIER = frozenset({Outcome.CHANGED, Outcome.TO_REPLACE})
_BEGUN = frozenset({Outcome.IN_FLIGHT, Outcome.FILLING, Outcome.PARTIAL})
"""Memories of runs of which the target may have a part, of the version with the remembered fingerprint."""


@dataclass(slots=True)
class Choice:
    """The runs of a slice by what is to be done; ``settled`` need nothing more than to be remembered as seen."""

    to_move: list[Row] = field(default_factory=list)
    fingerprints: dict[str, int] = field(default_factory=dict)
    settled: list[SettledRun] = field(default_factory=list)
    changed: list[SettledRun] = field(default_factory=list)
    """Runs that the target has in another version: moving them would need a deletion first."""
    selected: int = 0
    """Runs that the selection takes, for ``newest``."""


def fingerprint(row: Row) -> int:
    """Return 64 bits that change when any column of the run does."""
    return _fingerprints([row])[0]


def _fingerprints(rows: Sequence[Row]) -> list[int]:
    texts = _canonical(rows) or [text for row in rows for text in _canonical([row]) or [_by_the_book(row)]]
    return [int.from_bytes(blake2b(text, digest_size=8).digest(), "big") for text in texts]


def _canonical(rows: Sequence[Row]) -> list[bytes]:
    """Return what ``_by_the_book`` does of each row, in a fraction of the time; nothing if one of them needs that.

    Of plain rows orjson writes what the standard library does, unless there are characters that have to be escaped.
    """
    if are_plain(rows):
        with suppress(TypeError):  # an integer beyond 64 bits, a lone surrogate
            texts = [orjson.dumps(row, option=orjson.OPT_SORT_KEYS) for row in rows]
            together = b"".join(texts)
            return texts if together.isascii() and b"\x7f" not in together else []
    return []


def _by_the_book(row: Row) -> bytes:
    """Return ``row`` as compact JSON in ASCII with sorted keys, always the same bytes: their digests are remembered."""
    return dumps(row, sort_keys=True, separators=(",", ":")).encode()


def choose(
    rows: Sequence[Row],
    selection: Selection,
    remembered: Mapping[str, SettledRun],
    *,
    already_selected: int = 0,
    replace: bool = False,
) -> Choice:
    """Sort ``rows`` (runs of one DAG in reading order) by what is to be done with them.

    ``already_selected`` runs of this DAG were taken before, which counts for ``selection.newest``. Runs that are
    TO_REPLACE are taken if ``replace`` says that this run of the program was told to; those that are REPLACING always.
    """
    choice = Choice(selected=already_selected)
    ordered = _settled_order(rows)
    for row, mark in zip(ordered, _fingerprints(ordered), strict=True):
        verdict = _verdict(row, selection, choice.selected)
        choice.selected += verdict is None
        known = remembered.get(row["run_id"])
        if known is not None and known.outcome in _ON_TARGET:
            _keep(choice, known, mark)
        elif known is not None and known.outcome is Outcome.TO_REPLACE and not replace:
            choice.changed.append(SettledRun(known.run_id, mark, known.outcome))
        elif known is not None and known.outcome in MENDED and known.fingerprint != mark:
            choice.changed.append(SettledRun(known.run_id, mark, Outcome.CHANGED))
        elif known is not None and known.outcome in TAKEN_UP_AGAIN:
            _complete(choice, row, mark, known)
        elif verdict is not None:
            choice.settled.append(SettledRun(row["run_id"], mark, verdict))
        else:
            _take(choice, row, mark)
    return choice


def _settled_order(rows: Sequence[Row]) -> list[Row]:
    """Return ``rows`` in an order that is always the same: the server's order of runs that tie is not.

    Else every run of the program might take another one of those that tie at the edge of ``newest``.
    """
    if len(set(map(itemgetter("start_date"), rows))) == len(rows):
        return list(rows)
    ties = groupby(rows, key=itemgetter("start_date"))
    return [row for _, tie in ties for row in sorted(tie, key=itemgetter("run_id"))]


def _take(choice: Choice, row: Row, mark: int) -> None:
    choice.to_move.append(row)
    choice.fingerprints[row["run_id"]] = mark


def _complete(choice: Choice, row: Row, mark: int, known: SettledRun) -> None:
    """Take a run that may be on the target in part or in an earlier version, whatever the selection says now."""
    if row["state"] in FINISHED_STATES:
        _take(choice, row, mark)
    else:
        where = choice.changed if known.outcome in _EARLIER else choice.settled
        where.append(replace(known, fingerprint=mark) if known.outcome in _EARLIER else known)


def outcomes_before(remembered: Mapping[str, SettledRun], fingerprints: Mapping[str, int]) -> dict[str, Outcome]:
    """Return what each run was remembered as, in view of the ``fingerprints`` that they have now.

    A run that is not the one that was begun counts as changed: what is there of it may be the earlier version.
    """
    return {
        run_id: Outcome.CHANGED
        if run.outcome in _BEGUN and fingerprints.get(run_id, run.fingerprint) != run.fingerprint
        else run.outcome
        for run_id, run in remembered.items()
    }


def without(choice: Choice, restless: Sequence[str], remembered: Mapping[str, SettledRun]) -> Choice:
    """Return ``choice`` with ``restless`` runs left for the next time: unfinished, unless there is more to remember."""
    left = [
        remembered.get(run_id, SettledRun(run_id, choice.fingerprints[run_id], Outcome.UNFINISHED))
        for run_id in restless
    ]
    runs = [run if run.outcome in TAKEN_UP_AGAIN else replace(run, outcome=Outcome.UNFINISHED) for run in left]
    return replace(
        choice,
        to_move=[row for row in choice.to_move if row["run_id"] not in set(restless)],
        settled=choice.settled + [run for run in runs if run.outcome not in _EARLIER],
        changed=choice.changed + [run for run in runs if run.outcome in _EARLIER],
    )


def _keep(choice: Choice, known: SettledRun, mark: int) -> None:
    """Leave a run alone that is on the target, whatever the selection or its state say now."""
    if known.fingerprint != mark:
        choice.changed.append(SettledRun(known.run_id, mark, Outcome.CHANGED))
    else:
        choice.settled.append(known)


def _verdict(row: Row, selection: Selection, selected: int) -> Outcome | None:
    """Return None for a run that the selection takes."""
    if not selection.covers(parse_date(logical_date_of(row), "source")):
        return Outcome.UNSELECTED
    if row["state"] not in FINISHED_STATES:
        return Outcome.UNFINISHED
    if row["state"] not in selection.states:
        return Outcome.UNSELECTED
    if selection.newest is not None and selected >= selection.newest:
        return Outcome.UNSELECTED
    return None
