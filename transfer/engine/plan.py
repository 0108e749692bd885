"""What will be moved: the DAGs of the source, the selection, what the target has, and a forecast from a sample."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from time import monotonic

from transfer.checkpoint import PlannedDag, Totals
from transfer.client.base import Source, Target
from transfer.config.settings import Selection
from transfer.errors import TransferError
from transfer.kinds import CHILDREN
from transfer.mapping import check_versions
from transfer.model import DagInfo, Outcome

_WILDCARDS = frozenset("*?[")

SAMPLED_DAGS = 5
SAMPLED_RUNS = 20

WRITE_RATE = 2_500
"""Rows per second that one target takes when nothing is known: two web server workers on two shared cores, measured on
Airflow 2.11 with PostgreSQL. A real target is usually faster, a loaded one slower."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The DAGs to move, the largest first; ``left_out`` says why others are not.

    ``target_only`` counts the DAGs with runs that the selection would take and that the target alone has.
    """

    dags: list[PlannedDag]
    left_out: dict[str, str] = field(default_factory=dict)
    target_only: int = 0

    @property
    def run_count(self) -> int:
        """Return the DAG runs that the source counts, of any state and date."""
        return sum(dag.run_count for dag in self.dags)


@dataclass(frozen=True, slots=True)
class Forecast:
    """What the plan amounts to, extrapolated from ``sampled_runs`` runs that were really read."""

    sampled_runs: int
    runs: int
    rows: int
    size: int
    """Bytes of JSON."""
    read_seconds: float
    """With one request at a time, as the sample was read."""
    write_seconds: float
    """At ``WRITE_RATE``: the target is not touched by a forecast."""


async def make_plan(source: Source, target: Target, selection: Selection) -> Plan:
    """Return what ``selection`` takes of the source.

    Raises ``UnsupportedError`` for versions that cannot be moved, ``TransferError`` when nothing is selected, or a
    ``SideError``.
    """
    check_versions(await source.info(), await target.info())
    listed = {dag.dag_id: dag for dag in await source.dags()}
    chosen = [dag for dag in listed.values() if is_selected(dag.dag_id, selection)]
    chosen += [await _unlisted(source, name) for name in exact_names(selection) if name not in listed]
    there = {dag.dag_id: dag.run_count for dag in await target.dags()}
    plan = _arrange(chosen, there, selection)
    theirs = there.keys() - {dag.dag_id for dag in chosen}
    target_only = sum(there[dag_id] > 0 and is_selected(dag_id, selection) for dag_id in theirs)
    plan = Plan([await _with_target_runs(target, dag) for dag in plan.dags], plan.left_out, target_only)
    if not plan.dags and not plan.left_out:
        raise TransferError(
            f"source: none of its {len(listed)} DAGs is selected by {', '.join(selection.dags)}",
            hint="look at selection.dags and selection.exclude_dags",
        )
    return plan


async def _with_target_runs(target: Target, dag: PlannedDag) -> PlannedDag:
    """Count what the target has of a DAG that it does not list."""
    if dag.on_target:
        return dag
    page = await target.dag_runs(dag.dag_id, offset=0, limit=1)
    return replace(dag, target_runs=page.run_count)


def _arrange(chosen: Sequence[DagInfo], there: Mapping[str, int], selection: Selection) -> Plan:
    dags, left_out = [], {}
    for dag in sorted(chosen, key=lambda dag: (-dag.run_count, dag.dag_id)):
        on_target = dag.dag_id in there
        if not dag.listed and not dag.run_count:
            left_out[dag.dag_id] = "the source neither lists it nor has runs of it"
        elif not on_target and not selection.allow_missing_dags:
            left_out[dag.dag_id] = "the target does not have it (deploy it there, or use --allow-missing-dags)"
        else:
            runs = there.get(dag.dag_id, 0)
            dags.append(PlannedDag(dag.dag_id, dag.run_count, dag.listed, on_target, target_runs=runs))
    return Plan(dags, left_out)


def is_selected(dag_id: str, selection: Selection) -> bool:
    """Tell whether the globs of ``selection`` take ``dag_id``; case counts."""
    taken = any(fnmatchcase(dag_id, pattern) for pattern in selection.dags)
    return taken and not any(fnmatchcase(dag_id, pattern) for pattern in selection.exclude_dags)


def exact_names(selection: Selection) -> list[str]:
    """Return the DAG ids that are named without wildcards: they are moved even if the source does not list them."""
    exact = [name for name in selection.dags if not _WILDCARDS & set(name)]
    return [name for name in dict.fromkeys(exact) if is_selected(name, selection)]


async def _unlisted(source: Source, dag_id: str) -> DagInfo:
    page = await source.dag_runs(dag_id, offset=0, limit=1)
    return DagInfo(dag_id, page.run_count, is_paused=True, listed=False)


def lost_on_target(plan: Plan, totals: Totals) -> dict[str, str]:
    """Return the DAGs of which the target has fewer runs than this job knows to be there, with what to do about it."""
    problems = {}
    for dag in plan.dags:
        runs = totals.runs.get(dag.dag_id, {})
        known = sum(runs.get(outcome, 0) for outcome in (Outcome.MOVED, Outcome.ALREADY, Outcome.PARTIAL))
        if dag.target_runs < known:
            problems[dag.dag_id] = (
                f"target: {known} runs were there, now it has {dag.target_runs}: somebody removed them since "
                "(`transfer verify` finds out which, `transfer repair` sends them again)"
            )
    return problems


async def forecast(source: Source, plan: Plan) -> Forecast:
    """Read a few runs from the middle of the largest DAGs and extrapolate; writes nothing anywhere."""
    runs = rows = size = 0
    started = monotonic()
    for dag in plan.dags[:SAMPLED_DAGS]:
        page = await source.dag_runs(dag.dag_id, offset=dag.run_count // 2, limit=SAMPLED_RUNS)
        runs += len(page.rows)
        rows += len(page.rows)
        size += page.size
        for kind in CHILDREN:
            children = await source.children(kind, dag.dag_id, offset=dag.run_count // 2, limit=SAMPLED_RUNS)
            with closing(children):
                rows += sum([len(chunk) async for chunk in children.rows()])
                size += children.size
    scale = plan.run_count / runs if runs else 0.0
    total = round(rows * scale)
    seconds = (monotonic() - started) * scale
    return Forecast(runs, plan.run_count, total, round(size * scale), seconds, total / WRITE_RATE)
