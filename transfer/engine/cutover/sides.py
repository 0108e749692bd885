"""What a cutover wants of the deployments and of the world around it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Protocol

import anyio

from transfer.checkpoint.cutover import CutoverMemory
from transfer.client.switches import Schedule
from transfer.errors import TransferError
from transfer.model import DagInfo, RunPage, SideName

PATIENCE_SECONDS: Final = 60.0
"""How long one switch may take, with all waits in front of it, before its answer counts as lost."""

LATE_SECONDS: Final = 180.0
"""After this a request that was never answered counts as not carried out: ``PATIENCE_SECONDS``, in which it may not
even have been sent, and the two minutes after which gunicorn ends a worker that waits for a lock on the DAG's row."""

NAMED: Final = 5
"""DAGs, and runs of each, that a message names."""


class Rows(Protocol):
    """What a cutover reads of a deployment; see ``client.base.Source``."""

    async def dags(self) -> list[DagInfo]:
        """Return the DAGs that the deployment lists."""
        ...

    async def dag_runs(self, dag_id: str, *, offset: int, limit: int) -> RunPage:
        """Return a slice of the runs."""
        ...


class Pausing(Protocol):
    """How its DAGs are paused; see ``client.switches.Switches``."""

    async def set_paused(self, dag_id: str, *, paused: bool) -> None:
        """Pause or unpause a DAG."""
        ...

    async def active_runs(self, dag_ids: Sequence[str]) -> Mapping[str, Sequence[str]] | None:
        """Return the runs that are not over, by DAG."""
        ...

    async def schedules(self) -> Mapping[str, Schedule] | None:
        """Return when each DAG was parsed and is due."""
        ...


@dataclass(frozen=True, slots=True)
class Side:
    """One deployment."""

    name: SideName
    rows: Rows
    switches: Pausing


def utc_now() -> datetime:
    """Return the time of day."""
    return datetime.now(UTC)


def ignore(*_what: object) -> None:
    """Say nothing."""


@dataclass(frozen=True, slots=True)
class World:
    """Everything a cutover works with.

    ``wait`` is how many seconds may be waited for runs to end, and again for the target to parse. Without
    ``must_parse`` a target that does not tell when it has parsed is believed to have. ``tell`` hears what people should
    know, ``waiting`` what is waited for (text by DAG) and how many seconds are left.
    """

    source: Side
    target: Side
    memory: CutoverMemory
    wait: float
    must_parse: bool = True
    poll: float = 1.0
    tell: Callable[[str], None] = ignore
    waiting: Callable[[Mapping[str, str], float], None] = ignore
    now: Callable[[], datetime] = utc_now
    sleep: Callable[[float], Awaitable[None]] = anyio.sleep

    def other(self, side: Side) -> Side:
        """Return the deployment on the other side."""
        return self.target if side is self.source else self.source


class CutoverError(TransferError):
    """Raised when a cutover cannot go on; what was done so far is remembered."""


class AwakeError(CutoverError):
    """Raised when somebody else has unpaused a DAG that was to stay paused."""


async def paused_on(side: Side, dag_ids: Sequence[str]) -> dict[str, bool]:
    """Return which of ``dag_ids`` are paused.

    Raises ``CutoverError`` if the deployment does not list one of them, or a ``SideError``.
    """
    if not dag_ids:
        return {}
    found = {dag.dag_id: dag.is_paused for dag in await side.rows.dags()}
    gone = [dag_id for dag_id in dag_ids if dag_id not in found]
    if gone:
        hint = f"put them back on the {side.name}, or leave them out of another job's selection"
        raise CutoverError(f"{side.name}: does not list {names(gone)} any more", hint=hint)
    return {dag_id: found[dag_id] for dag_id in dag_ids}


def names(dag_ids: Sequence[str]) -> str:
    """Return the first few names, and how many more there are."""
    shown = ", ".join(dag_ids[:NAMED])
    return shown if len(dag_ids) <= NAMED else f"{shown} and {len(dag_ids) - NAMED:,} more"
