"""Which task instances of a run have XComs, with as few requests as may be.

One request says that a whole DAG has none, one more for each run which of its task instances have some. Where that list
is closed to us, or cannot be made, all of them are asked.
"""

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import anyio
import structlog

from transfer.client.xcoms import TaskName, XComs
from transfer.engine.attached.walk import MovedRun
from transfer.errors import (
    AuthError,
    ForbiddenError,
    InvalidRowError,
    NotStarshipError,
    RefusedError,
    SideError,
    UnavailableError,
    UnexpectedAnswerError,
)

T = TypeVar("T")

_CLOSED: Final = (AuthError, ForbiddenError, NotStarshipError, UnexpectedAnswerError, RefusedError)
"""What a server says that has this list closed to us, or none."""

Ask = Callable[[], Awaitable[object]]
"""A harmless request that logs in again, and that a side answers if it answers at all."""


class Holders:
    """Asks one source; may be used by several tasks at once."""

    def __init__(self, source: XComs, ask: Ask) -> None:
        self._source = source
        self._ask = ask
        self.closed = False
        """Whether the list cannot be had at all."""
        self._counts: dict[str, int | None] = {}
        self._lock = anyio.Lock()

    async def of(self, run: MovedRun) -> list[TaskName]:
        """Return the task instances of ``run`` that have XComs, or may have some; raises ``SideError``."""
        names = [TaskName(run.dag_id, run.run_id, task.task_id, task.map_index) for task in run.tasks]
        return await self.among(list(dict.fromkeys(names)))

    async def among(self, names: list[TaskName]) -> list[TaskName]:
        """Return those of ``names``, which are all of one run, that have XComs, or may have some."""
        if not names or await self.count(names[0].dag_id) == 0:
            return []
        if len(names) == 1:  # the list would cost as much
            return names
        dag_id, run_id = names[0].dag_id, names[0].run_id
        holders = await self._listed(lambda: self._source.holders(dag_id, run_id))
        return names if holders is None else [name for name in names if (name.task_id, name.map_index) in holders]

    async def count(self, dag_id: str) -> int | None:
        """Return how many XComs a DAG has, as of the first time that somebody asked; None if that is not known."""
        async with self._lock:
            if dag_id not in self._counts:
                self._counts[dag_id] = await self._listed(lambda: self._source.count(dag_id))
        return self._counts[dag_id]

    async def _listed(self, look: Callable[[], Awaitable[T | None]]) -> T | None:
        """Return what ``look`` finds, None where it finds nothing out.

        Airflow says the same to somebody who may not and to a session that is over, so it is asked twice.
        """
        for again in (True, False):
            if self.closed:
                return None
            try:
                return await look()
            except InvalidRowError:
                return None
            except UnavailableError:
                await self._ask()
                return None
            except _CLOSED as error:
                await self._ask()
                if not again:
                    self._close(error)
        return None

    def _close(self, error: SideError) -> None:
        self.closed = True
        structlog.get_logger().warning(
            "which task instances have XComs cannot be listed: each is asked, which takes longer", reason=error.detail
        )
