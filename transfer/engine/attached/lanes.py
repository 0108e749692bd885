"""Walk several DAGs at once, and hand their runs over one by one to whoever moves what hangs on them.

::

    whoever calls
    └── walker x LANES       take a DAG, walk it, send its runs into a stream without capacity

The stream makes the walkers wait for whoever takes the runs, so that few are held at a time.
"""

from collections import deque
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Final

import anyio
from anyio.streams.memory import MemoryObjectSendStream

from transfer.engine.attached.walk import MovedRun, RunWalk, Walking
from transfer.engine.ending import Ending
from transfer.errors import DriftError, UnavailableError


@dataclass(slots=True)
class AttachedEnding(Ending):
    """How it ended; ``left`` says what of a DAG cannot be moved any more, which is no failure of this run."""

    left: dict[str, str] = field(default_factory=dict)


LANES: Final = 3
"""DAGs that are walked at once: one alone would wait for its pages while nothing is handed over."""


async def walk_all(walking: Walking, runs: MemoryObjectSendStream[MovedRun], ending: AttachedEnding) -> None:
    """Send every run that is wanted into ``runs``, which is closed afterwards.

    A DAG that cannot be walked to its end is a problem of ``ending``. Runs that are gone or changed at the source are
    named in its ``left``: they stay not done, and nothing can be done about it. Raises the ``SideError`` of a source
    that does not answer at all.
    """
    left = await walking.checkpoint.runs_left(walking.kind, walking.outcomes)
    dags = deque(sorted(left.items(), key=lambda item: -item[1]))
    async with runs, anyio.create_task_group() as walkers:
        for _ in range(min(LANES, len(dags))):
            walkers.start_soon(_walk, walking, dags, runs, ending)


async def _walk(
    walking: Walking, dags: deque[tuple[str, int]], runs: MemoryObjectSendStream[MovedRun], ending: AttachedEnding
) -> None:
    while dags:
        dag_id, left = dags.popleft()
        try:
            await _walk_dag(RunWalk(walking, dag_id, left), runs, ending)
        except UnavailableError as error:
            await walking.source.info()  # a source that is gone altogether ends it all; one DAG's trouble does not
            ending.problems[dag_id] = error.told
        except DriftError as drift:
            ending.problems[dag_id] = drift.told


async def _walk_dag(walk: RunWalk, runs: MemoryObjectSendStream[MovedRun], ending: AttachedEnding) -> None:
    async with aclosing(walk.windows()) as windows:
        async for window in windows:
            for run in window:
                await runs.send(run)
    left = "; ".join(_left(walk))
    if left:
        ending.left[walk.dag_id] = left


def _left(walk: RunWalk) -> Iterator[str]:
    if walk.gone > 0:
        yield f"{walk.gone:,} of the runs that were moved are gone at the source"
    if walk.changed:
        yield f"{walk.changed:,} have changed there since then: transfer run --replace-changed moves them anew"
