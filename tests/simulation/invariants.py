"""What must hold, one small function per promise; each raises ``Violation`` with the DAG, the run and what is wrong."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TypeAlias

from transfer.checkpoint import Totals
from transfer.checkpoint.encoding import digest
from transfer.config.settings import Selection
from transfer.emulator import TableHistory
from transfer.engine.choose import fingerprint
from transfer.engine.order import parse_date
from transfer.kinds import DAG_RUNS, FINISHED_STATES, KINDS, Row
from transfer.model import Outcome, RejectedRow

from .draw import Draw
from .holding import Target, holds_whole, is_part_of, lacks_keys
from .truth import RunKey, Truth

CANARIES = (b"ROWCANARY", b"SECRETCANARY")
SECRET = "SECRETCANARY"

WHOLE = frozenset({Outcome.MOVED, Outcome.ALREADY, Outcome.PARTIAL})
"""What is said of a run of which the target has everything that it takes."""

TROUBLE = frozenset({Outcome.CHANGED, Outcome.TO_REPLACE, Outcome.REJECTED, Outcome.PARTIAL})
"""What is said of a run that did not arrive as it is now."""

SETTLED = TROUBLE | {Outcome.MOVED, Outcome.ALREADY}
"""What is said of a run with which there is nothing more to do for now."""

Known: TypeAlias = dict[RunKey, tuple[int, Outcome]]
"""What the checkpoint remembers: fingerprint and outcome."""


class Violation(AssertionError):  # noqa: N818 - what a simulation finds
    """Raised when a promise is broken; ``promise`` is the name of the function that found it."""

    def __init__(self, promise: str, said: str) -> None:
        super().__init__(f"{promise}: {said}")
        self.promise = promise


def claims_are_true(
    target: Target, truth: Truth, key: RunKey, remembered: tuple[int, Outcome], *, had_before: bool
) -> None:
    """Promise: the checkpoint never says that the target has a run, or its children, that it lacks.

    A run that this job wrote is there exactly as it was at the source; of one that others wrote only the keys count.
    """
    fingerprint, outcome = remembered
    if outcome is Outcome.PARTIAL and target.run(key) is None:
        raise Violation("claims_are_true", f"{key} is {outcome!s}, but the run is not there")
    if outcome not in {Outcome.MOVED, Outcome.ALREADY}:
        return
    versions = [version for version in truth.of(*key) if version.fingerprint == fingerprint]
    if not versions:
        raise Violation("claims_are_true", f"{key} is {outcome!s} in a version that it never had when it was over")
    if outcome is Outcome.MOVED and not had_before:
        found = [holds_whole(target, key, version) for version in versions]
    else:
        found = [lacks_keys(target, key, version) for version in versions]
    if None not in found:
        raise Violation("claims_are_true", f"{key} is {outcome!s}, but {found[-1]}")


def nothing_is_mixed(target: Target, truth: Truth) -> None:
    """Promise: whatever the target has of a run is of one version of it, and strangers are left alone."""
    for dag_id in target.table.dag_ids():
        for run in target.table.runs(dag_id):
            key = dag_id, run["run_id"]
            if key in truth.strange:
                _is_left_alone(target, truth, key)
            elif not any(is_part_of(target, key, run, version) for version in truth.of(*key)):
                raise Violation("nothing_is_mixed", f"{key} is no part of any version that it had at the source")


def _is_left_alone(target: Target, truth: Truth, key: RunKey) -> None:
    rows = 1 + sum(map(len, target.children(key).values()))
    if rows != truth.strange[key][1]:
        raise Violation("nothing_is_mixed", f"{key} is somebody else's run and has {rows} rows now")


def state_is_silent(directory: Path) -> None:
    """Promise: no value of a row and no secret gets into the state directory."""
    for path in directory.iterdir():
        content = path.read_bytes()
        for canary in CANARIES:
            if canary in content:
                at = content.index(canary)
                raise Violation("state_is_silent", f"{path.name} holds {content[max(at - 60, 0) : at + 40]!r}")


def words_are_silent(words: Iterable[str]) -> None:
    """Promise: no secret is told to the user."""
    for text in words:
        if SECRET in text:
            raise Violation("words_are_silent", text)


def selected(selection: Selection, run: Row) -> bool:
    """Tell whether the selection takes a run in this state, whatever ``newest`` says."""
    in_range = selection.covers(parse_date(run["execution_date"], "source"))
    return in_range and run["state"] in FINISHED_STATES and run["state"] in selection.states


def newest(source: TableHistory, dag_id: str, selection: Selection) -> list[Row]:
    """Return the runs of a DAG that the selection surely takes: of runs that tie at the edge nobody knows which."""
    runs = [run for run in source.runs(dag_id) if selected(selection, run)]
    if selection.newest is None or len(runs) <= selection.newest:
        return runs
    edge = runs[selection.newest]["start_date"]
    return [run for run in runs[: selection.newest] if run["start_date"] != edge]


def done_is_done(
    truth: Truth, selection: Selection, known: Known, restless: set[RunKey], dag_ids: Iterable[str]
) -> None:
    """Promise: when a process says that it is done, every run that nobody touched meanwhile is settled."""
    if selection.newest is not None:
        return
    for dag_id in dag_ids:
        for run in newest(truth.source, dag_id, selection):
            key = dag_id, run["run_id"]
            is_over = any(version.fingerprint == fingerprint(run) for version in truth.of(*key))
            settled = key in known and known[key][1] in SETTLED
            if is_over and key not in restless and not settled:
                raise Violation("done_is_done", f"{key} is {known[key][1]!s}" if key in known else f"{key} is unknown")


def everything_arrived(
    target: Target, truth: Truth, selection: Selection, known: Known, dag_ids: Iterable[str]
) -> None:
    """Promise: in the end every finished selected run is there with all its children, or in trouble with a cause."""
    for dag_id in dag_ids:
        for run in newest(truth.source, dag_id, selection):
            key = dag_id, run["run_id"]
            if key not in known:
                raise Violation("everything_arrived", f"{key} was never seen")
            _arrived(target, truth, key, known[key][1])


def _arrived(target: Target, truth: Truth, key: RunKey, outcome: Outcome) -> None:
    versions = truth.of(*key)
    has_rival = _has_rival(target, truth, key)
    if outcome is Outcome.MOVED or (outcome is Outcome.ALREADY and key in truth.shared):
        return  # as true as every claim
    if len(versions) > 1 or key in truth.strange or has_rival:
        if outcome in TROUBLE:
            return
    elif versions[-1].is_refused_in_part and outcome in {Outcome.PARTIAL, Outcome.REJECTED}:
        if holds_whole(target, key, versions[-1]) is None:
            return
        raise Violation("everything_arrived", f"{key} is {outcome!s}, but {holds_whole(target, key, versions[-1])}")
    raise Violation("everything_arrived", f"{key} is {outcome!s} without a cause ({len(versions)} versions)")


def _has_rival(target: Target, truth: Truth, key: RunKey) -> bool:
    dates = {version.run["execution_date"] for version in truth.of(*key)}
    return any(
        strange[0] == key[0] and (row := target.run(strange)) is not None and row["execution_date"] in dates
        for strange in truth.strange
    )


def nothing_is_old(target: Target, truth: Truth, selection: Selection, known: Known, dag_ids: Iterable[str]) -> None:
    """Promise: after replacing no selected run is there in an earlier version, but where others put it."""
    for dag_id in dag_ids:
        for run in newest(truth.source, dag_id, selection):
            key = dag_id, run["run_id"]
            is_old = known[key][1] in {Outcome.CHANGED, Outcome.TO_REPLACE} and key not in truth.strange
            if is_old and not _has_rival(target, truth, key):
                raise Violation("nothing_is_old", f"{key} is {known[key][1]!s}")


def trouble_is_named(known: Known, rejected: list[RejectedRow], dag_ids: Iterable[str]) -> None:
    """Promise: a run that did not arrive as it is stands in the list of rejected rows."""
    named = {(row.dag_id, row.run_id) for row in rejected}
    for key, (_, outcome) in known.items():
        names = {key, (key[0], f"(digest {digest(key[1]) % 2**64:016x})")}
        is_trouble = outcome in TROUBLE and key[0] in dag_ids
        if is_trouble and not names & named:
            raise Violation("trouble_is_named", f"{key} is {outcome!s}, but no rejected row says so")


def nothing_else_arrived(target: Target, truth: Truth, selection: Selection) -> None:
    """Promise: nothing that was never selected gets to the target."""
    for dag_id in target.table.dag_ids():
        for run in target.table.runs(dag_id):
            key = dag_id, run["run_id"]
            is_ours = key not in truth.strange and key not in truth.shared
            if is_ours and not any(selected(selection, version.run) for version in truth.of(*key)):
                raise Violation("nothing_else_arrived", f"{key} was never selected")


def not_more_than_newest(target: Target, truth: Truth, selection: Selection, draw: Draw) -> None:
    """Promise: where nothing changes, ``newest`` moves no run beyond."""
    if selection.newest is None or not draw.is_calm:
        return
    for dag_id in target.table.dag_ids():
        ours = [run for run in target.table.runs(dag_id) if (dag_id, run["run_id"]) not in truth.shared]
        if len(ours) > selection.newest:
            raise Violation("not_more_than_newest", f"{dag_id}: {len(ours)} runs")


def counts_are_true(target: Target, truth: Truth, totals: Totals, known: Known, *, exact: bool) -> None:
    """Promise: rows that count as moved or found are on the target; if ``exact`` no row of a settled run is not."""
    there, settled = _rows_of_source(target, truth, known)
    for dag_id, kinds in totals.rows.items():
        for kind, counts in kinds.items():
            counted, at = counts.moved + counts.already, (dag_id, kind)
            if counted > there[at] or (exact and kind != DAG_RUNS.name and counted != settled[at]):
                said = f"{dag_id} {kind}: {counts.moved} moved, {counts.already} found; {there[at]} are there"
                raise Violation("counts_are_true", f"{said}, {settled[at]} of settled runs")


def _rows_of_source(
    target: Target, truth: Truth, known: Known
) -> tuple[Counter[tuple[str, str]], Counter[tuple[str, str]]]:
    there: Counter[tuple[str, str]] = Counter()
    settled: Counter[tuple[str, str]] = Counter()
    for kind in KINDS:
        for row in target.table.rows(kind):
            key = row["dag_id"], row["run_id"]
            there[key[0], kind.name] += key not in truth.strange
            settled[key[0], kind.name] += key in known and known[key][1] in {*WHOLE, Outcome.REJECTED}
    return there, settled
