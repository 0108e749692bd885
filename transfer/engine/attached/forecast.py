"""What task logs and XComs will cost, in requests and time, before anybody agrees to it.

They are many small requests, so what counts is how long one takes. That is measured on both sides with requests that
change nothing; of a write it is assumed that it takes as long as a read.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Final, Protocol

from transfer.client.xcoms import TaskName, XComs
from transfer.engine.attached.sample import DagSample, Sample
from transfer.engine.logs.probe import NOBODYS as NO_LOG
from transfer.engine.logs.probe import check_logs
from transfer.engine.logs.side import LogSide
from transfer.engine.plan import Plan
from transfer.engine.xcoms.check import NOBODYS, check_xcoms
from transfer.engine.xcoms.holders import Holders
from transfer.engine.xcoms.side import XComSide
from transfer.errors import InvalidRowError, SideError, UnavailableError, UnsupportedError
from transfer.model import Attached

AT_ONCE: Final = 4
"""Requests that each side is assumed to carry out at once: the web server workers that an Airflow has by default."""

TIMED: Final = 3
"""Requests of which the quickest counts: the first may have waited for a login."""

READ: Final = 10
"""Task instances of a DAG of which the values are counted where no list says how many there are."""


class AttachedSide(LogSide, XComSide, Protocol):
    """A deployment with both."""


@dataclass(frozen=True, slots=True)
class AttachedForecast:
    """One kind: ``pieces`` logs or values, the requests to both sides, and how long these take at ``AT_ONCE``.

    ``why_not`` says why they cannot be moved, or why nothing is known; all else is 0 then.
    """

    kind: Attached
    pieces: int = 0
    requests: int = 0
    seconds: float = 0.0
    why_not: str = ""


async def forecast_attached(
    source: AttachedSide, target: AttachedSide, plan: Plan, sample: Sample
) -> list[AttachedForecast]:
    """Return what each kind costs for all runs of ``plan``, of which ``sample`` was read; writes nothing anywhere."""
    ways = {Attached.TASK_LOGS: _logs, Attached.XCOMS: _xcoms}
    found = []
    for kind, way in ways.items():
        try:
            found.append(await way(source, target, plan, sample))
        except (UnsupportedError, SideError) as error:
            found.append(AttachedForecast(kind, why_not=error.message))
    return found


async def _logs(source: AttachedSide, target: AttachedSide, plan: Plan, sample: Sample) -> AttachedForecast:
    await check_logs(source, target)
    logs = round(sum(of.logs for of in sample.dags.values()) * _scale(plan, sample))
    times = [await _seconds(partial(side.task_logs().exists, NO_LOG)) for side in (source, target)]
    return AttachedForecast(Attached.TASK_LOGS, logs, 2 * logs, logs * max(times) / AT_ONCE)


async def _xcoms(source: AttachedSide, target: AttachedSide, plan: Plan, sample: Sample) -> AttachedForecast:
    await check_xcoms(source, target)
    left, right = await source.xcoms(), await target.xcoms()
    holders = Holders(left, source.info)
    counts = {dag.dag_id: dag.run_count for dag in plan.dags}
    reads = values = 0.0
    for dag_id, of in sample.dags.items():
        read, found = await _of_dag(of, left, holders, share=of.runs / max(counts[dag_id], of.runs, 1))
        reads, values = reads + read, values + found
    scale = _scale(plan, sample)
    times = [await _seconds(partial(_read, xcoms, NOBODYS)) for xcoms in (left, right)]
    seconds = scale * max(reads * times[0], values * times[1]) / AT_ONCE
    return AttachedForecast(Attached.XCOMS, round(values * scale), round((reads + values) * scale), seconds)


async def _of_dag(of: DagSample, xcoms: XComs, holders: Holders, share: float) -> tuple[float, float]:
    """Return the requests to the source and the values that the sampled runs of a DAG come to.

    ``share`` is that of these runs in all of the DAG's.
    """
    looked_at = list(of.names.values())
    count = await holders.count(looked_at[0][0].dag_id) if looked_at else 0
    if count == 0:
        return 0.0, 0.0
    found = [name for names in looked_at for name in await holders.among(names)]
    asked = len(found) * of.runs / len(looked_at)
    lists = 0 if holders.closed else of.runs
    if count is not None:
        values = count * share
        return lists + (min(asked, values) or values), values
    read = [await _read(xcoms, name) for name in found[:: len(found) // READ + 1]]
    return lists + asked, asked * sum(read) / max(len(read), 1)


async def _read(xcoms: XComs, name: TaskName) -> int:
    """Return how many values a task instance has; one that cannot be read counts as one."""
    try:
        return len((await xcoms.read(name)).values())
    except (InvalidRowError, UnavailableError):
        return 1


async def _seconds(ask: Callable[[], Awaitable[object]]) -> float:
    times = []
    for _ in range(TIMED):
        before = monotonic()
        await ask()
        times.append(monotonic() - before)
    return min(times)


def _scale(plan: Plan, sample: Sample) -> float:
    runs = sum(of.runs for of in sample.dags.values())
    return plan.run_count / runs if runs else 0.0
