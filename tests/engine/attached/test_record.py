"""Remembering many small things with few commits."""

from collections.abc import Sequence
from typing import cast

import anyio
import pytest

from transfer.checkpoint import AttachedStep, Checkpoint
from transfer.engine.attached.record import Recorder
from transfer.errors import StateFullError
from transfer.model import Attached

pytestmark = pytest.mark.anyio


class Slow:
    """A checkpoint that stores when it is told to; ``commits`` are the runs of each transaction."""

    def __init__(self) -> None:
        self.commits: list[list[str]] = []
        self.may = anyio.Event()
        self.failure: StateFullError | None = None

    async def attach(self, kind: Attached, steps: Sequence[AttachedStep]) -> None:
        """Implement ``Checkpoint``."""
        assert kind is Attached.TASK_LOGS
        runs = [step.run_id for step in steps]
        await self.may.wait()
        if self.failure is not None:
            raise self.failure
        self.commits.append(runs)


def recorder(slow: Slow) -> Recorder:
    """Return a recorder over a checkpoint that is only stored to."""
    return Recorder(cast("Checkpoint", slow), Attached.TASK_LOGS)


async def test_what_comes_during_a_commit_goes_into_the_next_together() -> None:
    """Each returns when its own step is stored, and each is stored once."""
    slow = Slow()
    record = recorder(slow)
    async with anyio.create_task_group() as group:
        for number in range(10):
            group.start_soon(record.record, AttachedStep("d", str(number)))
        await anyio.wait_all_tasks_blocked()
        assert slow.commits == []
        slow.may.set()
    assert [run for commit in slow.commits for run in commit] == [str(number) for number in range(10)]
    assert len(slow.commits) <= 2


async def test_a_stop_does_not_leave_anybody_in_doubt() -> None:
    """A commit that was begun comes to its end, and nothing is stored twice."""
    slow = Slow()
    record = recorder(slow)
    async with anyio.create_task_group() as group:
        for number in range(4):
            group.start_soon(record.record, AttachedStep("d", str(number)))
        await anyio.wait_all_tasks_blocked()
        group.cancel_scope.cancel()
        slow.may.set()
    assert sorted(run for commit in slow.commits for run in commit) == ["0", "1", "2", "3"]


async def test_a_full_disk_is_said_to_everybody_who_waits() -> None:
    """Nobody takes a step for stored that is not."""
    slow = Slow()
    slow.failure = StateFullError("no space left")
    slow.may.set()
    record, failed = recorder(slow), 0

    async def store() -> None:
        nonlocal failed
        with pytest.raises(StateFullError):
            await record.record(AttachedStep("d", "r"))
        failed += 1

    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(store)
    assert failed == 3
