"""The settings of a seed's job."""

from pathlib import Path
from typing import Any, Final

from transfer.checkpoint import Checkpoint, PlannedDag
from transfer.cli.session import Sides
from transfer.config.settings import Endpoint, Limits, Retry, Selection, Settings, SideLimits

from .draw import Draw

FOUND: Final = 4
"""Where a seed draws this number of requests at once, the program has to find it."""


async def mark_changed(_sides: Sides, checkpoint: Checkpoint, dags: list[PlannedDag]) -> list[PlannedDag]:
    """Do what ``--replace-changed`` does when it was confirmed."""
    await checkpoint.replace_changed([dag.dag_id for dag in dags])
    return dags


def settings_of(plan: Draw, directory: Path) -> Settings:
    """Return what the configuration of the job says."""
    source, target = (_endpoint(plan, side) for side in (0, 1))
    return Settings(
        source=source,
        target=target,
        selection=Selection.model_validate(plan.selection),
        limits=Limits(**plan.limits),
        retry=Retry(attempts=plan.attempts, wait_initial=0.5, wait_max=8, retry_after_max=60),
        state_dir=directory,
    )


def _endpoint(plan: Draw, side: int) -> Endpoint:
    password, token = {"env": "SIMULATED_PASSWORD"}, {"env": "SIMULATED_TOKEN"}
    auths: dict[str, dict[str, Any]] = {
        "none": {"kind": "none"},
        "session": {"kind": "session", "username": "mover", "password": password},
        "bearer": {"kind": "bearer", "token": token},
        "airflow3": {"kind": "airflow3", "username": "mover", "password": password},
    }
    auth: Any = auths[plan.auth[side]]
    at_once = plan.concurrency[side]
    limits = SideLimits(concurrency="auto" if at_once == FOUND else at_once, requests_per_second=plan.rate)
    return Endpoint(url=f"http://{('source', 'target')[side]}.test", auth=auth, limits=limits, read_timeout=20)
