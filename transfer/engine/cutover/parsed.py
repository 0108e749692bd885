"""Wait until the target has parsed the DAGs after their history has come: only then it knows which runs are done.

Until a DAG is parsed again its next run is one that the source has made already. Times are compared with what the
target itself said before, never with our clock.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from transfer.client.switches import Schedule
from transfer.engine.cutover.sides import CutoverError, Rows, World, names
from transfer.kinds import Row

_NEWEST: Final = 100
"""Runs of a DAG that are looked at for the last one that its schedule made."""

_SCHEDULED: Final = frozenset({"scheduled", "backfill", "backfill_job"})
_BEYOND: Final = "its next run is still one of the past"


class NotToldError(CutoverError):
    """Raised where the target does not say when it has parsed its DAGs."""

    def __init__(self) -> None:
        super().__init__(
            "target: Airflow's stable REST API does not tell when DAGs were parsed, and so when they may be unpaused",
            hint="let /api/v1 or /api/v2 through at the proxy in front of the target, for the account that is"
            " configured here",
        )


async def wait_until_parsed(world: World, dag_ids: Sequence[str]) -> None:
    """Return when the target has parsed ``dag_ids`` since the call, and their next runs are behind their last ones.

    Raises ``CutoverError`` that names them when the time is over, ``NotToldError`` where nobody can tell, or a
    ``SideError``.
    """
    if not dag_ids:
        return
    before = await _schedules(world)
    ends = {dag_id: await last_end(world.target.rows, dag_id) for dag_id in dag_ids}
    until = world.now() + timedelta(seconds=world.wait)
    while True:
        left = (until - world.now()).total_seconds()
        reasons = _reasons(dag_ids, before, await _schedules(world), ends)
        if not reasons:
            return
        if left <= 0:
            raise _too_long(world, reasons)
        world.waiting({dag_id: f"target: {why}" for dag_id, why in reasons.items()}, left)
        await world.sleep(min(world.poll, left))


async def _schedules(world: World) -> Mapping[str, Schedule]:
    found = await world.target.switches.schedules()
    if found is None:
        raise NotToldError
    return found


def _reasons(
    dag_ids: Sequence[str],
    before: Mapping[str, Schedule],
    now: Mapping[str, Schedule],
    ends: Mapping[str, datetime | None],
) -> dict[str, str]:
    """Return why DAGs cannot be unpaused yet; those that can are absent."""
    never = Schedule(None, None)
    found = {dag_id: _reason(before.get(dag_id, never), now.get(dag_id, never), ends[dag_id]) for dag_id in dag_ids}
    return {dag_id: why for dag_id, why in found.items() if why}


def _reason(before: Schedule, now: Schedule, end: datetime | None) -> str:
    if now.parsed is None or now.parsed == before.parsed:
        return "not parsed since its history has come"
    return _BEYOND if now.due is not None and end is not None and now.due <= end else ""


async def last_end(rows: Rows, dag_id: str) -> datetime | None:
    """Return when the last interval ends for which the DAG's schedule has made a run; None if there is none."""
    page = await rows.dag_runs(dag_id, offset=0, limit=_NEWEST)
    ends = (_end(row) for row in page.rows if row["run_type"] in _SCHEDULED)
    return max((end for end in ends if end is not None), default=None)


def _end(row: Row) -> datetime | None:
    text = row.get("data_interval_end") or row.get("run_after")
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment


def _too_long(world: World, reasons: Mapping[str, str]) -> CutoverError:
    unparsed = [dag_id for dag_id, why in reasons.items() if why != _BEYOND]
    behind = [dag_id for dag_id, why in reasons.items() if why == _BEYOND]
    said = [
        f"{what}: {names(dag_ids)}"
        for what, dag_ids in (("not parsed since their history has come", unparsed), (_BEYOND, behind))
        if dag_ids
    ]
    return CutoverError(
        f"target: after {world.wait / 60:g} minutes DAGs cannot be unpaused: {'; '.join(said)}",
        hint="see that the target's scheduler and dag-processor run, or call `airflow dags reserialize` there, and run"
        " the command again; --undo puts everything back as it was",
    )
