"""Find finished runs whose tasks are not over: marked by hand while a task was running, or about to be retried.

Moved now, such a task would stay "running" on the target for ever, for nothing in its run's row tells when it ends. A
run that has been over for long waits for nothing any more: its tasks were forgotten in that state.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from transfer.client.base import ChildPage
from transfer.engine.order import parse_date
from transfer.kinds import LIVE_TASK_STATES, Row

PATIENCE = timedelta(days=1)
"""How long after its end a run may still wait for a task."""


def recent_runs(rows: Sequence[Row], now: datetime | None = None) -> set[str]:
    """Return the ids of the runs that ended less than ``PATIENCE`` before ``now`` (the present)."""
    since = (now or datetime.now(UTC)) - PATIENCE
    return {row["run_id"] for row in rows if row.get("end_date") and parse_date(row["end_date"], "source") > since}


async def live_runs(tasks: ChildPage, run_ids: set[str]) -> set[str]:
    """Return those of ``run_ids`` of which ``tasks`` holds a task instance that a scheduler may still change."""
    if not run_ids:
        return set()
    return {
        row["run_id"]
        async for rows in tasks.rows()
        for row in rows
        if row["run_id"] in run_ids and row.get("state") in LIVE_TASK_STATES
    }
