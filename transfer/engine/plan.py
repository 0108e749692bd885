"""What will be moved: the DAGs of the source, the selection, what the target has, and a forecast from a sample."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from time import monotonic
from typing import TypeAlias

from transfer.checkpoint import PlannedDag, Totals
from transfer.client.base import Source, Target
from transfer.config.settings import Selection
from transfer.errors import SideError, TransferError
from transfer.kinds import CHILDREN, DAG_RUNS, Kind, Row
from transfer.mapping import Mapping as VersionMapping
from transfer.mapping import mapping_for
from transfer.model import DagInfo, Outcome

_WILDCARDS = frozenset("*?[")

SAMPLED_DAGS = 5
SAMPLED_RUNS = 20

WRITE_RATE = 2_500
"""Rows per second that one target takes when nothing is known: two web server workers on two shared cores, measured on
Airflow 2.11 with PostgreSQL. A real target is usually faster, a loaded one slower."""


See: TypeAlias = Callable[[Kind, str, Sequence[Row]], None]
"""Is shown rows that were read: their kind, their DAG, and the rows."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The DAGs to move, the largest first; ``left_out`` says why others are not.

    ``target_only`` counts the DAGs with runs that the selection would take and that the target alone has.
    """

    dags: list[PlannedDag]
    left_out: dict[str, str] = field(default_factory=dict)
    target_only: int = 0
    mapping: VersionMapping = field(kw_only=True)
    notes: list[str] = field(default_factory=list, kw_only=True)
    """What could not be found out, or was never tried."""

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


async def make_plan(source: Source, target: Target, selection: Selection, *, writing: bool = True) -> Plan:
    """Return what ``selection`` takes of the source; ``writing`` leaves out DAGs that the target cannot take yet.

    Raises ``UnsupportedError`` for versions that cannot be moved, ``TransferError`` when nothing is selected, or a
    ``SideError``.
    """
    mapping = mapping_for(await source.info(), await target.info())
    listed = {dag.dag_id: dag for dag in await source.dags()}
    chosen = [dag for dag in listed.values() if is_selected(dag.dag_id, selection)]
    chosen += [await _unlisted(source, name) for name in exact_names(selection) if name not in listed]
    there = {dag.dag_id: dag.run_count for dag in await target.dags()}
    plan = _arrange(chosen, there, selection, mapping)
    if writing:
        plan = await _without_unparsed(target, plan)
    theirs = there.keys() - {dag.dag_id for dag in chosen}
    target_only = sum(there[dag_id] > 0 and is_selected(dag_id, selection) for dag_id in theirs)
    dags = [await _with_target_runs(target, dag) for dag in plan.dags]
    plan = replace(plan, dags=dags, target_only=target_only, notes=plan.notes + _caveats(mapping))
    if not plan.dags and not plan.left_out:
        raise TransferError(
            f"source: none of its {len(listed)} DAGs is selected by {', '.join(selection.dags)}",
            hint="look at selection.dags and selection.exclude_dags",
        )
    return plan


async def make_ready(plan: Plan, target: Target) -> Plan:
    """Return ``plan`` for the database that the target has; to be called before anything is written.

    Raises ``UnsupportedError`` if it cannot hold history at all, or a ``SideError``.
    """
    return replace(plan, mapping=plan.mapping.with_dates(await target.probe_dates()))


async def make_comparable(plan: Plan, target: Target) -> Plan:
    """Return ``plan`` for comparing with the database that the target has; one that does not tell counts as exact."""
    try:
        dates = await target.probe_dates()
    except SideError:
        return plan
    return replace(plan, mapping=plan.mapping.with_database(dates))


def _caveats(mapping: VersionMapping) -> list[str]:
    return [f"{side.side}: {side.caveat}" for side in (mapping.source, mapping.target) if side.caveat]


async def _without_unparsed(target: Target, plan: Plan) -> Plan:
    """Leave out DAGs that an Airflow 3 target does not have or has not parsed: their runs would break its pages."""
    if not plan.mapping.target.needs_parsed_dags:
        return plan
    parsed = await target.parsed_dags()
    taken = [dag for dag in plan.dags if dag.on_target and (parsed is None or dag.dag_id in parsed)]
    kept = {dag.dag_id for dag in taken}
    left_out = {dag.dag_id: _UNPARSED if dag.on_target else _ABSENT for dag in plan.dags if dag.dag_id not in kept}
    notes = [] if parsed is not None else [_UNKNOWN]
    return replace(plan, dags=taken, left_out=plan.left_out | left_out, notes=notes)


_UNPARSED = "the target has a row of it, but has not parsed it (deploy its file there, and let the dag-processor run)"
_ABSENT = "the target does not have it, and Airflow 3 cannot show runs of a DAG that it has not parsed"
_UNKNOWN = (
    "target: which DAGs it has parsed could not be found out (its /api/v2 does not answer us): runs of one that it has"
    " not parsed break its pages"
)


async def _with_target_runs(target: Target, dag: PlannedDag) -> PlannedDag:
    """Count what the target has of a DAG that it does not list."""
    if dag.on_target:
        return dag
    page = await target.dag_runs(dag.dag_id, offset=0, limit=1)
    return replace(dag, target_runs=page.run_count)


def _arrange(
    chosen: Sequence[DagInfo], there: Mapping[str, int], selection: Selection, mapping: VersionMapping
) -> Plan:
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
    return Plan(dags, left_out, mapping=mapping)


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


async def forecast(source: Source, plan: Plan, see: See | None = None) -> Forecast:
    """Read a few runs from the middle of the largest DAGs and extrapolate; writes nothing anywhere.

    ``see`` is shown all rows that are read, with their kind and DAG.
    """
    runs = rows = size = 0
    started = monotonic()
    for dag in plan.dags[:SAMPLED_DAGS]:
        page = await source.dag_runs(dag.dag_id, offset=dag.run_count // 2, limit=SAMPLED_RUNS)
        runs += len(page.rows)
        rows += len(page.rows)
        size += page.size
        if see is not None:
            see(DAG_RUNS, dag.dag_id, page.rows)
        for kind in CHILDREN:
            children = await source.children(kind, dag.dag_id, offset=dag.run_count // 2, limit=SAMPLED_RUNS)
            with closing(children):
                async for chunk in children.rows():
                    rows += len(chunk)
                    if see is not None:
                        see(kind, dag.dag_id, chunk)
                size += children.size
    scale = plan.run_count / runs if runs else 0.0
    total = round(rows * scale)
    seconds = (monotonic() - started) * scale
    return Forecast(runs, plan.run_count, total, round(size * scale), seconds, total / WRITE_RATE)
