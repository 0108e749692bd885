"""Reading the children of a slice, all kinds at once."""

from collections.abc import Awaitable, Callable

import anyio
import pytest

from transfer.emulator import TableHistory
from transfer.engine.children import FEW_ATTEMPTS, read_children
from transfer.engine.order import StartOrder
from transfer.engine.scan import Cursor, Scanner, Slice
from transfer.errors import AuthError, SideError, UnavailableError
from transfer.kinds import TASK_INSTANCE_HISTORY, TASK_INSTANCES, Kind

from .reading import TablePage, TableSide
from .tables import DAG, history, tied


class Failing(TableSide):
    """A side whose pages fail, or wait, as ``act`` says; ``attempts`` are those that were asked for."""

    def __init__(self, table: TableHistory, act: Callable[[Kind], Awaitable[None]]) -> None:
        super().__init__(table)
        self._act = act
        self.attempts: list[int | None] = []

    async def children(
        self, kind: Kind, dag_id: str, *, offset: int, limit: int, attempts: int | None = None
    ) -> TablePage:
        """Return a page, unless ``act`` raises."""
        self.attempts.append(attempts)
        await self._act(kind)
        return await super().children(kind, dag_id, offset=offset, limit=limit)


async def first_slice(side: TableSide, runs: int) -> Slice:
    """Return the first runs."""
    part = await Scanner(side, DAG, StartOrder("source"), Cursor()).next(runs)
    assert part is not None
    return part.head(runs)


def failing_history(error: type[SideError]) -> Callable[[Kind], Awaitable[None]]:
    """Return what lets pages of tries fail."""

    async def act(kind: Kind) -> None:
        await anyio.lowlevel.checkpoint()
        if kind is TASK_INSTANCE_HISTORY:
            raise error("source", "task_instance_history", "no")

    return act


async def test_pages_come_in_the_order_of_kinds() -> None:
    """Task instances stand before their history, and sizes add up."""
    side = TableSide(history(5))
    pages = await read_children(side, DAG, await first_slice(side, 3))
    assert pages is not None
    assert [page.kind for page in pages.pages] == [TASK_INSTANCES, TASK_INSTANCE_HISTORY]
    assert pages.size == 200
    pages.close()
    assert side.open_pages == 0


async def test_a_page_that_does_not_come_asks_for_a_smaller_slice() -> None:
    """Several runs are tried a few times only, and nothing stays open."""
    side = Failing(history(5), failing_history(UnavailableError))
    assert await read_children(side, DAG, await first_slice(side, 3)) is None
    assert (side.attempts, side.open_pages) == ([FEW_ATTEMPTS, FEW_ATTEMPTS], 0)


@pytest.mark.parametrize("ties", [1, 3])
async def test_a_slice_that_cannot_be_cut_gets_all_attempts(ties: int) -> None:
    """What cannot be smaller fails with the server's own words, after all the attempts there are."""
    side = Failing(tied(3 * ties, ties), failing_history(UnavailableError))
    part = await first_slice(side, 1)
    with pytest.raises(UnavailableError, match="task_instance_history: no"):
        await read_children(side, DAG, part)
    assert (len(part.rows), side.attempts, side.open_pages) == (ties, [None, None], 0)


async def test_other_errors_are_passed_on() -> None:
    """A login that is over is no reason to read less."""
    side = Failing(history(5), failing_history(AuthError))
    with pytest.raises(AuthError):
        await read_children(side, DAG, await first_slice(side, 3))
    assert side.open_pages == 0


async def test_cancelled_it_leaves_nothing_open() -> None:
    """A page that had come when the job was cancelled is freed."""
    waiting = anyio.Event()

    async def act(kind: Kind) -> None:
        if kind is TASK_INSTANCE_HISTORY:
            waiting.set()
            await anyio.sleep_forever()

    side = Failing(history(5), act)
    part = await first_slice(side, 3)
    async with anyio.create_task_group() as group:
        group.start_soon(read_children, side, DAG, part)
        await waiting.wait()
        await anyio.wait_all_tasks_blocked()
        assert side.open_pages == 1
        group.cancel_scope.cancel()
    assert side.open_pages == 0
