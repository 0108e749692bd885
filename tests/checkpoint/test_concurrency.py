"""Many tasks, one connection; cancelled tasks leave whole transactions."""

import asyncio
from pathlib import Path
from sqlite3 import Connection
from threading import Event

from anyio import CancelScope, create_task_group

from transfer.checkpoint import Checkpoint
from transfer.model import Window

from .samples import DAG, JOB, move, run_ids, started, window


async def test_many_tasks_settle_at_once(tmp_path: Path) -> None:
    """Windows that several tasks settle at the same time are all there."""
    async with started(tmp_path) as checkpoint:
        async with create_task_group() as group:
            for number in range(20):
                group.start_soon(move, checkpoint, window(number))
        assert (await checkpoint.totals()).windows_done == 20
        assert (await checkpoint.resume_point(DAG)).next_number == 20


async def test_cancelled_task_leaves_a_whole_transaction(tmp_path: Path) -> None:
    """A task that is cancelled amid its transaction does not let the next one in before that is complete."""
    entered, leave = Event(), Event()

    def slow(connection: Connection) -> None:
        connection.execute("UPDATE dag SET note = 'begun'")
        entered.set()
        leave.wait()
        connection.execute("UPDATE dag SET note = note || ' and ended'")

    async with started(tmp_path) as checkpoint:
        task = asyncio.create_task(checkpoint._database.run(slow))
        await asyncio.to_thread(entered.wait)
        task.cancel()
        await asyncio.wait([task])
        following = asyncio.create_task(checkpoint.plan())
        done, _ = await asyncio.wait([following], timeout=0.05)
        leave.set()
        assert not done
        assert [dag.note for dag in await following] == ["begun and ended"]


async def _settle_all(checkpoint: Checkpoint, windows: list[Window]) -> None:
    for one in windows:
        await move(checkpoint, one)


async def test_cancelling_at_any_moment_keeps_windows_whole(tmp_path: Path) -> None:
    """Wherever a cancellation falls, runs are remembered window by window, and reading goes on behind them."""
    async with started(tmp_path) as checkpoint:
        for turns in range(1, 40):
            point = await checkpoint.resume_point(DAG)
            ahead = [window(point.next_number + step) for step in range(5)]
            task = asyncio.create_task(_settle_all(checkpoint, ahead))
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
            known = await checkpoint.recall(DAG, run_ids(0, point.offset + 25))
            assert len(known) % 5 == 0
            assert (await checkpoint.resume_point(DAG)).offset in {len(known), len(known) - 5}


async def test_closing_is_not_cancelled(tmp_path: Path) -> None:
    """A run that is cancelled still closes its checkpoint and frees the lock."""
    with CancelScope() as scope:
        async with started(tmp_path):
            scope.cancel()
            await asyncio.sleep(0)
    async with Checkpoint.open(tmp_path, JOB):
        pass
