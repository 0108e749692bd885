"""What a repair would do, DAG by DAG: from what was found, and from what the job remembers."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase
from itertools import islice
from typing import Final

from transfer.checkpoint import CheckpointReader, Totals
from transfer.cli.options import JobOptions
from transfer.engine.repair import Action, action_for, actions
from transfer.findings import Findings
from transfer.model import Outcome

_PAGE: Final = 500
_OURS: Final = frozenset({Outcome.MOVED, Outcome.PARTIAL, Outcome.IN_FLIGHT, Outcome.REPLACING, Outcome.MENDING})
_TRIED: Final = frozenset({Action.SEND, Action.COMPLETE, Action.REPLACE})
_FAILED: Final = frozenset({Outcome.CHANGED, Outcome.REJECTED, Outcome.PARTIAL})
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
    missing: list[str] = field(default_factory=list)
    """DAGs of which the target had no run."""
    sample: float | None = None
    """About the share of the runs whose children were compared, None for all."""

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
    applied, totals = (job.applied(), job.totals()) if job else ({}, None)
    for dag in findings.dags():
        if not dag.differences or not _is_wanted(dag.dag_id, options):
            continue
        counts = actions(findings, dag.dag_id)
        if job is not None and totals is not None:
            counts[Action.REMOVE] -= _removed(job, dag.dag_id, totals, work)
        if job is not None and totals is not None and applied.get(dag.dag_id) == work.verification:
            rest = _marked(totals, dag.dag_id) + _failed(findings, job, dag.dag_id)
            if rest or dag.dag_id not in totals.dags_done:
                work.begun.add(dag.dag_id)
            counts = rest + Counter({action: counts[action] for action in (Action.REMOVE, Action.LEAVE)})
        else:
            work.foreign += _foreign(findings, job, dag.dag_id) if counts[Action.REPLACE] else 0
        work.dags[dag.dag_id] = counts
        if dag.missing:
            work.missing.append(dag.dag_id)
    return work


def _is_wanted(dag_id: str, options: JobOptions) -> bool:
    taken = not options.dag or any(fnmatchcase(dag_id, pattern) for pattern in options.dag)
    return taken and not any(fnmatchcase(dag_id, pattern) for pattern in options.exclude_dag)


def _removed(job: CheckpointReader, dag_id: str, totals: Totals, work: Work) -> int:
    """Return how many surplus runs are removed already; a DAG that was not run since then is to be run."""
    removed = job.removed_runs(dag_id, work.verification)
    if removed and dag_id not in totals.dags_done:
        work.begun.add(dag_id)
    return removed


def _marked(totals: Totals, dag_id: str) -> Counter[Action]:
    """Count what is still marked in a DAG to which this verification was applied before."""
    runs = totals.runs.get(dag_id, {})
    left = {action: sum(runs.get(outcome, 0) for outcome in outcomes) for action, outcomes in _LEFT.items()}
    return +Counter(left)


def _failed(findings: Findings, job: CheckpointReader, dag_id: str) -> Counter[Action]:
    """Count the runs that were tried and are not the same yet; of those that differ no longer, what lacks is sent."""
    counts: Counter[Action] = Counter()
    wanted = ((run.run_id, action_for(run)) for run in findings.runs(dag_id))
    while page := dict(islice(wanted, _PAGE)):
        known = job.recall(dag_id, list(page))
        for run_id, action in page.items():
            if action in _TRIED and run_id in known and known[run_id].outcome in _FAILED:
                changed = known[run_id].outcome is Outcome.CHANGED
                counts[Action.REPLACE if changed and action is Action.REPLACE else Action.COMPLETE] += 1
    return counts


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
