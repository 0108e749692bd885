"""What is under way at the same time: pages of several windows of one DAG, batches of one window."""

from dataclasses import dataclass, field
from pathlib import Path

import anyio
import pytest

from transfer.client.limit import SideLimit
from transfer.config.settings import Limits, SideLimits
from transfer.emulator import compare
from transfer.engine.order import StartOrder
from transfer.engine.pace import Pace
from transfer.engine.probe import LARGEST_FIRST, LONG, PROBED, first_size
from transfer.engine.read import FIRST_REACH
from transfer.engine.room import Room
from transfer.engine.scan import Cursor, Scanner
from transfer.engine.size import FIRST_SIZE
from transfer.kinds import TASK_INSTANCES, Kind
from transfer.model import Batch

from .local import READERS, WRITERS, local_settings, move
from .reading import TablePage, TableSide
from .tables import DAG, empty_like, history

A_WHILE = 50
"""Turns of the event loop in which more than should be could begin."""


@dataclass
class SlowSide(TableSide):
    """Answers the first requests for task instances when ``expected`` of them are under way, and counts them."""

    expected: int = 1
    under_way: int = 0
    most: int = 0
    all_there: anyio.Event = field(default_factory=anyio.Event)

    async def children(
        self, kind: Kind, dag_id: str, *, offset: int, limit: int, attempts: int | None = None
    ) -> TablePage:
        """Return a page, after a while."""
        await self._take(kind)
        return await super().children(kind, dag_id, offset=offset, limit=limit, attempts=attempts)

    async def insert(self, batch: Batch) -> None:
        """Store the rows, after a while."""
        await self._take(batch.kind)
        await super().insert(batch)

    async def _take(self, kind: Kind) -> None:
        if kind is not TASK_INSTANCES:
            return
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        if self.most >= self.expected:
            self.all_there.set()
        await self.all_there.wait()
        for _ in range(A_WHILE):
            await anyio.lowlevel.checkpoint()
        self.under_way -= 1


async def test_pages_of_several_windows_of_one_dag_are_under_way(tmp_path: Path) -> None:
    """A single DAG has as many windows on their way as the source may be asked for, and no more."""
    source = SlowSide(history(60), expected=READERS)
    target = TableSide(empty_like(source.table))
    await move(source, target, local_settings(tmp_path, window_runs=4))
    assert (source.most, compare(source.table, target.table)) == (READERS, [])


async def test_a_slow_target_is_written_to_by_all_writers(tmp_path: Path) -> None:
    """A single DAG is written by as many writers as the target may be asked for, and no more."""
    source = TableSide(history(60))
    target = SlowSide(empty_like(source.table), expected=WRITERS)
    await move(source, target, local_settings(tmp_path, window_runs=4))
    assert (target.most, compare(source.table, target.table)) == (WRITERS, [])


async def test_batches_of_a_single_window_are_sent_together(tmp_path: Path) -> None:
    """One run with many task instances does not end as one request after the other."""
    source = TableSide(history(1, tasks=30))
    target = SlowSide(empty_like(source.table), expected=WRITERS)
    await move(source, target, local_settings(tmp_path, batch_rows=3))
    assert (target.most, compare(source.table, target.table)) == (WRITERS, [])


async def test_history_waits_for_its_task_instances(tmp_path: Path) -> None:
    """However many batches are under way, no kind is sent before all of its parents are there."""
    kinds: list[str] = []

    async def note(batch: Batch) -> None:
        kinds.append(batch.kind.name)

    source = TableSide(history(1, tasks=30))
    target = TableSide(empty_like(source.table), writing=note)
    await move(source, target, local_settings(tmp_path, batch_rows=3))
    assert kinds == sorted(kinds, key=["dag_runs", "task_instances", "task_instance_history"].index)


async def test_the_runs_of_several_windows_come_with_one_request(tmp_path: Path) -> None:
    """While windows are small, their runs are asked for together and read again one by one."""
    source = TableSide(history(LONG - 1, tasks=1))
    target = TableSide(empty_like(source.table))
    asked: list[int] = []
    page = source.dag_runs

    async def dag_runs(dag_id: str, *, offset: int, limit: int) -> object:
        asked.append(limit)
        return await page(dag_id, offset=offset, limit=limit)

    source.dag_runs = dag_runs  # type: ignore[method-assign,assignment]  # the same, and remembers
    await move(source, target, local_settings(tmp_path))
    assert asked[:3] == [FIRST_REACH * FIRST_SIZE + 2, FIRST_SIZE, FIRST_SIZE]
    assert compare(source.table, target.table) == []


async def test_who_waits_for_a_place_when_it_pauses_waits_on(tmp_path: Path) -> None:
    """A pause holds for readers, too, that had been let through and were waiting for their turn."""
    source = TableSide(history(40, dags=("a", "b", "c", "d", "e", "f"), tasks=1))
    target, pace, begun_later = TableSide(empty_like(source.table)), Pace(), -1

    async def watch(_batch: Batch) -> None:
        nonlocal begun_later
        if begun_later < 0:
            begun_later = 0
            pace.close("for the test")
            asked = source.pages
            for _ in range(200 * A_WHILE):
                await anyio.lowlevel.checkpoint()
            begun_later = source.pages - asked
            pace.release()

    target.writing = watch
    await move(source, target, local_settings(tmp_path, window_runs=4), pace=pace)
    assert begun_later <= 2 * READERS, "two pages of each window that was begun and had not asked for any yet"
    assert compare(source.table, target.table) == []


async def test_the_first_windows_of_a_long_dag_are_large(tmp_path: Path) -> None:
    """A look at a few runs tells how large the first windows can be: on an empty target small ones cost most."""
    source = TableSide(history(3 * LARGEST_FIRST, tasks=1))
    target = TableSide(empty_like(source.table))
    inserted: list[int] = []

    async def note(batch: Batch) -> None:
        inserted.append(len(batch.rows))

    target.writing = note
    await move(source, target, local_settings(tmp_path))
    assert inserted[0] == LARGEST_FIRST
    assert compare(source.table, target.table) == []


@pytest.mark.parametrize(
    ("bytes_of_probe", "most", "wanted"),
    [(PROBED * 1_000, 1_000, LARGEST_FIRST), (PROBED * 10_000, 1_000, 50), (10**9, 1_000, FIRST_SIZE), (1, 20, None)],
)
async def test_what_is_seen_decides_how_large(bytes_of_probe: int, most: int, wanted: int | None) -> None:
    """Runs with thousands of task instances begin with small windows; where windows are small anyway nobody looks."""
    side = TableSide(history(LONG, tasks=0))
    page = await side.children(TASK_INSTANCES, DAG, offset=0, limit=1)
    page.size = bytes_of_probe

    async def children(*_args: object, **_named: object) -> TablePage:
        return page

    part = await Scanner(side, DAG, StartOrder("source"), Cursor()).next(5)
    side.children = children  # type: ignore[method-assign]  # a page of that size
    assert part is not None
    assert await first_size(side, DAG, part, 1_000_000, most) == wanted


def room(source: SideLimits, target: SideLimits, **limits: int) -> Room:
    """Return the room between two sides."""
    return Room(SideLimit("source", source), SideLimit("target", target), Limits.model_validate(limits))


@pytest.mark.parametrize(
    ("left", "size", "wanted"), [(10_000, 400, 400), (1_000, 400, 250), (200, 400, 100), (8, 25, 25)]
)
def test_the_last_windows_of_a_history_are_shared(left: int, size: int, wanted: int) -> None:
    """What is left is split among the writers, but not into crumbs."""
    assert room(SideLimits(concurrency=2), SideLimits(concurrency=4)).share(left, size) == wanted


def test_many_windows_at_once_are_smaller() -> None:
    """All windows that are held together aim at ``ahead_bytes``, each at most at ``window_bytes``."""
    few = room(SideLimits(concurrency=1), SideLimits(concurrency=1), ahead_bytes=8 << 20, window_bytes=2 << 20)
    many = room(SideLimits(concurrency=4), SideLimits(concurrency=12), ahead_bytes=8 << 20, window_bytes=2 << 20)
    assert (few.aim, many.aim) == (2 << 20, (8 << 20) // 20)


def test_room_follows_a_limit_that_changes() -> None:
    """A side that may be asked less from now on gets fewer windows and batches."""
    limit = SideLimit("target", SideLimits(concurrency=8))
    between = Room(SideLimit("source", SideLimits(concurrency=1)), limit, Limits())
    limit.change(SideLimits(concurrency=3))
    assert (between.berths.total_tokens, between.batches.total_tokens) == (3, 3)
