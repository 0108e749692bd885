"""Compare DAGs side by side, one per lane.

verify
└── everything                     second signal, or the first one's time is over: cancelled
    └── reading                    first signal: cancelled; what was stored stays
        └── lane x source.concurrency    take a DAG, compare it
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import anyio

from transfer.client.base import Source
from transfer.config.settings import Settings
from transfer.engine.ending import Ending
from transfer.engine.pace import Pace
from transfer.engine.stop import Stop
from transfer.engine.verify.dag import DagComparison
from transfer.engine.verify.sample import Sampler
from transfer.engine.verify.side import Deployment
from transfer.engine.verify.walk import Comparing
from transfer.errors import DriftError, RefusedError, SideError, UnavailableError, UnexpectedAnswerError, gravest
from transfer.findings import FindingsStore, Phase
from transfer.mapping import Mapping
from transfer.progress import Progress


@dataclass(frozen=True, slots=True)
class Job:
    """Everything one verification works with. ``sample`` and ``one_way`` are those of the store's identity.

    ``absent`` are DAGs that the target does not even list.
    """

    settings: Settings
    source: Source
    target: Source
    store: FindingsStore
    progress: Progress
    stop: Stop
    mapping: Mapping = field(kw_only=True)
    sample: float | None = None
    one_way: bool = False
    absent: frozenset[str] = frozenset()
    pace: Pace = field(default_factory=Pace)


async def verify(job: Job, dags: Sequence[tuple[str, int]]) -> Ending:
    """Compare ``dags`` (with their runs at the source) and return how it ended; what was found is in the store.

    The caller holds ``job.stop.everything`` as a scope around this. Raises the ``TransferError`` that ended it early;
    the verification can be resumed after any of them.
    """
    ending = Ending()
    await job.store.plan(dags, job.absent)
    for dag_id, runs in dags:
        job.progress.plan(dag_id, runs)
    try:
        await _compare(job, deque(dag_id for dag_id, _ in dags), ending)
    except BaseExceptionGroup as failures:
        raise gravest(failures) from failures
    ending.stopped = job.stop.requested
    if not ending.stopped:
        await job.store.finish()
    return ending


async def _compare(job: Job, dag_ids: deque[str], ending: Ending) -> None:
    comparing = Comparing(
        Deployment("source", job.source, job.mapping.expected),
        Deployment("target", job.target, job.mapping.shown),
        job.store,
        job.settings.selection,
        job.settings.limits,
        Sampler(job.sample, job.store.seed),
        job.one_way,
        job.progress,
        job.pace,
    )
    with job.stop.reading:
        async with anyio.create_task_group() as lanes:
            for _ in range(job.settings.source.limits.bounds("source")[1]):
                lanes.start_soon(_lane, comparing, dag_ids, ending)


async def _lane(comparing: Comparing, dag_ids: deque[str], ending: Ending) -> None:
    while dag_ids:
        dag_id = dag_ids.popleft()
        if (await comparing.store.point(dag_id)).phase is Phase.DONE:
            comparing.progress.finished(dag_id)
            continue
        await comparing.pace.open()
        try:
            await DagComparison(comparing, dag_id).compare()
        except (UnavailableError, UnexpectedAnswerError, RefusedError) as error:
            await _ask(comparing, error)  # a side that is gone altogether ends it all; one DAG's trouble does not
            problem = error.told
        except DriftError as drift:
            problem = drift.told
        else:
            continue
        ending.problems[dag_id] = problem
        await comparing.store.give_up(dag_id, problem)


async def _ask(comparing: Comparing, error: SideError) -> None:
    """Raise if the side that failed does not even say what it is."""
    deployment = comparing.source if error.side == "source" else comparing.target
    await deployment.side.info()
