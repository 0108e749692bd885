"""What a repair would do, DAG by DAG: from what was found, and from what the job remembers."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Final

from transfer.checkpoint import CheckpointReader
from transfer.cli.options import JobOptions
from transfer.engine.repair import Action, action_for, actions
from transfer.findings import Findings
from transfer.model import Outcome

_PAGE: Final = 500
_OURS: Final = frozenset({Outcome.MOVED, Outcome.PARTIAL, Outcome.IN_FLIGHT, Outcome.REPLACING, Outcome.MENDING})
_LEFT: Final = {
    Action.REPLACE: (Outcome.TO_REPLACE, Outcome.REPLACING),
    Action.COMPLETE: (Outcome.MENDING, Outcome.MENDING_FOUND, Outcome.IN_FLIGHT, Outcome.FILLING),
}
"""What is left of an action that was begun, as the checkpoint remembers it."""


@dataclass(slots=True)
class Work:
    """What is to be done: runs of each DAG by action.

    ``begun`` are DAGs of which a part is done already, ``foreign`` counts runs to be replaced that are not known to
    have been written by this job.
    """

    verification: str
    ended_at: datetime
    """When the verification was done."""
    one_way: bool = False
    """Whether rows that only the target has were not looked for."""
    dags: dict[str, Counter[Action]] = field(default_factory=dict)
    begun: set[str] = field(default_factory=set)
    foreign: int = 0
    sample: float | None = None
    """The share of the windows whose children were compared, None for all."""

    def count(self, *wanted: Action) -> int:
        """Return how many runs there are with one of these actions."""
        return sum(counts[action] for counts in self.dags.values() for action in wanted)

    @property
    def to_run(self) -> frozenset[str]:
        """Return the DAGs in which something is to be sent."""
        return self.having(Action.SEND, Action.COMPLETE, Action.REPLACE) | self.begun

    def having(self, *wanted: Action) -> frozenset[str]:
        """Return the DAGs that have runs with one of these actions."""
        return frozenset(dag_id for dag_id, counts in self.dags.items() if any(map(counts.get, wanted)))


def survey(findings: Findings, job: CheckpointReader | None, options: JobOptions) -> Work:
    """Return what is to be done in the DAGs that ``options`` name; ``job`` is None where none has run yet."""
    ended_at = findings.ended_at or findings.started_at
    work = Work(str(findings.id), ended_at, one_way=findings.identity.one_way, sample=findings.sample)
    applied = job.applied() if job else {}
    for dag in findings.dags():
        if not dag.differences or not _is_wanted(dag.dag_id, options):
            continue
        counts = actions(findings, dag.dag_id)
        if job is not None and applied.get(dag.dag_id) == work.verification:
            counts = _rest(job, dag.dag_id, counts, work)
        else:
            work.foreign += _foreign(findings, job, dag.dag_id) if counts[Action.REPLACE] else 0
        work.dags[dag.dag_id] = counts
    return work


def _is_wanted(dag_id: str, options: JobOptions) -> bool:
    taken = not options.dag or any(fnmatchcase(dag_id, pattern) for pattern in options.dag)
    return taken and not any(fnmatchcase(dag_id, pattern) for pattern in options.exclude_dag)


def _rest(job: CheckpointReader, dag_id: str, counts: Counter[Action], work: Work) -> Counter[Action]:
    """Return what is left of a DAG to which this verification was applied before."""
    totals = job.totals()
    runs = totals.runs.get(dag_id, {})
    left = {action: sum(runs.get(outcome, 0) for outcome in outcomes) for action, outcomes in _LEFT.items()}
    if any(left.values()) or dag_id not in totals.dags_done:
        work.begun.add(dag_id)
    return Counter({**left, Action.REMOVE: counts[Action.REMOVE], Action.LEAVE: counts[Action.LEAVE]})


def _foreign(findings: Findings, job: CheckpointReader | None, dag_id: str) -> int:
    """Count the runs to be replaced that are not known to have been written by this job."""
    count = 0
    page: list[str] = []
    for run in findings.runs(dag_id):
        if action_for(run) is Action.REPLACE:
            page.append(run.run_id)
        if len(page) == _PAGE:
            count += _not_ours(job, dag_id, page)
            page = []
    return count + _not_ours(job, dag_id, page)


def _not_ours(job: CheckpointReader | None, dag_id: str, run_ids: list[str]) -> int:
    known = job.recall(dag_id, run_ids) if job else {}
    return len(run_ids) - sum(run.outcome in _OURS for run in known.values())
