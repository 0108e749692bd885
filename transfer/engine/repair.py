"""What a verification found, turned into what is to be done about each run."""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from enum import StrEnum
from typing import Final

from transfer.checkpoint import Checkpoint, Remedy
from transfer.client.base import Target
from transfer.errors import RefusedError
from transfer.findings import DifferingRun, Findings
from transfer.kinds import DAG_RUNS
from transfer.model import Mark

MET_REASON: Final = "the source may have it by now: this job has met it there since it was verified; verify again"


class Action(StrEnum):
    """What is done about a run that is not the same on both sides."""

    SEND = "send"  # the target does not have it
    COMPLETE = "complete"  # it lacks rows there
    REPLACE = "replace"  # it has other rows there, or more of them
    REMOVE = "remove"  # only the target has it
    LEAVE = "leave"  # it could not be read


_REMEDIES = {Action.SEND: Remedy.COMPLETE, Action.COMPLETE: Remedy.COMPLETE, Action.REPLACE: Remedy.REPLACE}


def action_for(run: DifferingRun) -> Action:
    """Return what is to be done about ``run``."""
    marks = {mark for counts in run.marks.values() for mark, rows in counts.items() if rows}
    own = run.marks.get(DAG_RUNS.name, {})
    if Mark.UNREADABLE in marks:
        return Action.LEAVE
    if own.get(Mark.EXTRA):
        return Action.REMOVE
    if marks & {Mark.DIFFERS, Mark.EXTRA}:
        return Action.REPLACE
    return Action.SEND if own.get(Mark.MISSING) else Action.COMPLETE


def actions(findings: Findings, dag_id: str) -> Counter[Action]:
    """Count the runs of a DAG by what is to be done about them."""
    return Counter(map(action_for, findings.runs(dag_id)))


def remedies(findings: Findings, dag_id: str) -> Iterator[tuple[str, Remedy]]:
    """Yield the runs of a DAG that are to be sent, completed or replaced."""
    for run in findings.runs(dag_id):
        remedy = _REMEDIES.get(action_for(run))
        if remedy is not None:
            yield run.run_id, remedy


async def check_removal(target: Target, dag_ids: Iterable[str]) -> None:
    """Make sure that the target answers where runs are removed, by asking for one, before anything is marked.

    Runs that cannot be asked for, one by one, are no reason to stop. Raises ``NotStarshipError`` or another
    ``SideError`` that says what is wrong there.
    """
    for dag_id in dag_ids:
        for row in (await target.dag_runs(dag_id, offset=0, limit=1)).rows:
            with suppress(RefusedError):
                await target.run_state(dag_id, row["run_id"])
                return


async def remove_extra(target: Target, checkpoint: Checkpoint, findings: Findings, dag_id: str) -> dict[str, str]:
    """Remove the runs of a DAG that only the target has; return those that must stay there, with the reason.

    The source may have them by now: what it has shown to this job since stays, and so that nothing else gets lost the
    DAG is to be run afterwards. Harmless when repeated. Raises another ``SideError`` when the target does not answer.
    """
    kept = {}
    for run in findings.runs(dag_id):
        verification = str(findings.id)
        if action_for(run) is not Action.REMOVE or await checkpoint.was_removed(dag_id, run.run_id, verification):
            continue
        if await checkpoint.was_met_since(dag_id, run.run_id, findings.started_at):
            kept[run.run_id] = MET_REASON
            continue
        try:
            await target.remove_run(dag_id, run.run_id)
        except RefusedError as error:
            kept[run.run_id] = error.detail
        else:
            await checkpoint.forget(dag_id, run.run_id, verification)
    return kept
