"""Pause DAGs on the source between two of their runs.

A scheduler does not go on with the runs of a paused DAG: a run in the middle would stay there for ever. So each DAG is
paused when none of its runs is under way; if one began in the same moment, it is unpaused again and waited for.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

from transfer.engine.cutover.sides import NAMED, CutoverError, Side, World, paused_on
from transfer.engine.cutover.switch import pause, unpause

_ACTIVE: Final = frozenset({"queued", "running"})
_PAGE: Final = 500

Active = Mapping[str, Sequence[str]]


async def pause_calmly(world: World, dag_ids: Sequence[str]) -> None:
    """Return when all of ``dag_ids`` are paused on the source and no run of them is queued or running there.

    Raises ``CutoverError`` that names the runs when the time is over, or a ``SideError``.
    """
    until = world.now() + timedelta(seconds=world.wait)
    while True:
        busy = await _pause_idle(world, dag_ids)
        if not busy:
            return
        left = (until - world.now()).total_seconds()
        if left <= 0:
            raise _too_long(world, busy)
        world.waiting({dag_id: f"source: runs {shown(runs)}" for dag_id, runs in busy.items()}, left)
        await world.sleep(min(world.poll, left))


async def _pause_idle(world: World, dag_ids: Sequence[str]) -> Active:
    """Pause the DAGs of which nothing runs, and let those go on again that are paused in the middle of a run."""
    busy = await active_runs(world.source, dag_ids)
    await pause(world, world.source, [dag_id for dag_id in dag_ids if dag_id not in busy])
    busy = await active_runs(world.source, dag_ids)
    states = await paused_on(world.source, dag_ids)
    await unpause(world, world.source, [dag_id for dag_id in busy if states[dag_id]])
    return busy


async def active_runs(side: Side, dag_ids: Sequence[str]) -> Active:
    """Return the runs that are queued or running, by DAG, where there are any; raises ``SideError``."""
    if not dag_ids:
        return {}
    found = await side.switches.active_runs(dag_ids)
    if found is None:  # Airflow's own API is closed to us: Starship shows all runs
        found = {dag_id: runs for dag_id in dag_ids if (runs := await _looked_through(side, dag_id))}
    return {dag_id: runs for dag_id, runs in found.items() if dag_id in dag_ids and runs}


async def _looked_through(side: Side, dag_id: str) -> list[str]:
    found: list[str] = []
    offset = 0
    while True:
        page = await side.rows.dag_runs(dag_id, offset=offset, limit=_PAGE)
        found += [row["run_id"] for row in page.rows if row["state"] in _ACTIVE]
        offset += len(page.rows)
        if len(page.rows) < _PAGE:
            return found


def shown(runs: Sequence[str]) -> str:
    """Return the first few runs, and how many more there are."""
    listed = ", ".join(runs[:NAMED])
    return listed if len(runs) <= NAMED else f"{listed} and {len(runs) - NAMED:,} more"


def _too_long(world: World, busy: Active) -> CutoverError:
    lines = [f"  {dag_id}: {shown(runs)}" for dag_id, runs in list(busy.items())[:NAMED]]
    more = [f"  and {len(busy) - NAMED:,} more DAGs"] if len(busy) > NAMED else []
    said = f"source: after {world.wait / 60:g} minutes, runs of {len(busy):,} DAGs are still not over:"
    return CutoverError(
        "\n".join([said, *lines, *more]),
        hint="these DAGs still work on the source; let the runs end, or mark them there as failed, and run the command"
        " again, with a longer --wait if need be; --undo puts everything back as it was",
    )
