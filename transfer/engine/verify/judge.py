"""Compare what both sides have shown of one window; pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from transfer.config.settings import Selection
from transfer.engine.choose import Choice, choose
from transfer.engine.order import parse_date
from transfer.engine.verify.fold import Fit, canonical, fitted
from transfer.engine.verify.side import Shown
from transfer.findings import Sighting, Tally
from transfer.kinds import DAG_RUNS, Row, logical_date_of
from transfer.model import Difference, Mark, Outcome


@dataclass(slots=True)
class Verdict:
    """What a window has shown: equal rows are counted, runs that were not equal at first sight are to be looked at."""

    tally: Tally = field(default_factory=Tally)
    source_only: list[Sighting] = field(default_factory=list)
    target_only: list[Sighting] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    rows: int = 0
    """Rows of the source that were compared."""


@dataclass(frozen=True, slots=True)
class Window:
    """One window as both sides have shown it.

    ``sampled`` are the runs whose children were compared; ``shift`` is by how much offsets on the target are larger.
    """

    choice: Choice
    source: Shown
    target: Shown
    sampled: set[str]
    shift: int


class Judge:
    """Judges the windows of one DAG; ``surplus`` tells whether runs that only the target has are differences.

    ``fits`` make of runs of the source and of the target what is compared.
    """

    def __init__(self, dag_id: str, selection: Selection, fits: tuple[Fit, Fit], *, surplus: bool) -> None:
        self._dag_id = dag_id
        self._fits = fits
        self._selection = selection
        self._surplus = surplus

    def window(self, window: Window) -> Verdict:
        """Return the verdict on a window."""
        verdict = Verdict()
        for row in window.choice.to_move:
            self._run(window, row, verdict)
        outcomes = {run.run_id: run.outcome for run in window.choice.settled}
        verdict.tally.unfinished += sum(outcome is Outcome.UNFINISHED for outcome in outcomes.values())
        for run_id, outcome in outcomes.items():
            if run_id not in window.target.runs and self._explains(window.source.runs[run_id], outcome):
                verdict.source_only.append(_sighting(window.source, run_id, window.shift, wanted=False))
        return verdict

    def missing(self, window: Window) -> Verdict:
        """Return the verdict on a window of a DAG of which the target has nothing."""
        verdict = Verdict(rows=len(window.choice.to_move))
        verdict.tally.unfinished += sum(run.outcome is Outcome.UNFINISHED for run in window.choice.settled)
        for row in window.choice.to_move:
            verdict.differences.append(Difference(Mark.MISSING, DAG_RUNS.name, self._dag_id, row["run_id"]))
        verdict.tally.rows[DAG_RUNS.name, Mark.MISSING] += len(verdict.differences)
        return verdict

    def surplus(self, rows: Sequence[Row], shown: Shown, shift: int, *, reached: bool = True) -> list[Sighting]:
        """Return runs that the target has where the source has none; ``reached``: as far as the selection goes."""
        taken = selected_ids(rows, self._selection) if self._surplus and reached else set()
        return [_sighting(shown, row["run_id"], -shift, wanted=row["run_id"] in taken) for row in rows]

    def _run(self, window: Window, row: Row, verdict: Verdict) -> None:
        """Judge a run that the selection takes."""
        run_id = row["run_id"]
        restless = run_id in window.source.restless
        if run_id not in window.target.runs:
            verdict.source_only.append(_sighting(window.source, run_id, window.shift, wanted=not restless))
            verdict.tally.unfinished += restless
        elif restless:
            verdict.tally.unfinished += 1
        elif self._is_equal(window, run_id):
            self._count(window, run_id, verdict)
        else:
            verdict.source_only.append(_sighting(window.source, run_id, window.shift, wanted=True))
            verdict.target_only.append(_sighting(window.target, run_id, -window.shift, wanted=True))

    def _is_equal(self, window: Window, run_id: str) -> bool:
        mine, _ = fitted(self._fits[0], window.source.runs[run_id])
        theirs, _ = fitted(self._fits[1], window.target.runs[run_id])
        return canonical(mine) == canonical(theirs) and _same_children(window, run_id)

    def _count(self, window: Window, run_id: str, verdict: Verdict) -> None:
        """Count a run that is the same on both sides."""
        _, lost = fitted(self._fits[0], window.source.runs[run_id])
        verdict.tally.losses.update((DAG_RUNS.name, column) for column in lost)
        _count(window, run_id, verdict)

    def _explains(self, row: Row, outcome: Outcome) -> bool:
        """Tell whether a run that is not compared may have a row on the target that the selection takes."""
        if outcome is Outcome.UNFINISHED:
            return True
        return self._selection.covers(parse_date(logical_date_of(row), "source"))


def outcomes_of(rows: Iterable[Row], selection: Selection) -> dict[str, Outcome]:
    """Return what is to be said of those ``rows`` that ``selection`` does not take, by run."""
    return {run.run_id: run.outcome for run in choose(list(rows), selection, {}).settled}


def selected_ids(rows: Iterable[Row], selection: Selection) -> set[str]:
    """Return the ids of those ``rows`` that ``selection`` takes."""
    return {row["run_id"] for row in choose(list(rows), selection, {}).to_move}


def _same_children(window: Window, run_id: str) -> bool:
    left, right = window.source, window.target
    if run_id not in window.sampled:
        return True
    if run_id in left.unread | right.unread | right.restless:
        return False
    return left.folds[run_id].kinds == right.folds[run_id].kinds


def _count(window: Window, run_id: str, verdict: Verdict) -> None:
    verdict.tally.rows[DAG_RUNS.name, Mark.SAME] += 1
    verdict.rows += 1
    if run_id in window.sampled:
        verdict.tally.with_children += 1
        fold = window.source.folds[run_id]
        verdict.tally.losses.update(fold.losses)
        for kind, children in fold.kinds.items():
            verdict.tally.rows[kind, Mark.SAME] += children.rows
            verdict.rows += children.rows


def _sighting(shown: Shown, run_id: str, shift: int, *, wanted: bool) -> Sighting:
    spot = shown.spots[run_id]
    return Sighting(run_id, spot, max(spot.offset + shift, 0), wanted)
