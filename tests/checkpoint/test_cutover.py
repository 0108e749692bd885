"""What is remembered of a cutover."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from transfer.checkpoint import Checkpoint, CheckpointReader, Job
from transfer.checkpoint.cutover import CutoverDag, Step, Switched
from transfer.checkpoint.opening import DATABASE
from transfer.errors import StateCorruptError

JOB = Job("http://source", "http://target", "{}")
NOW = datetime(2026, 1, 2, tzinfo=UTC)
A, B = (
    CutoverDag("a", source_paused=False, target_paused=True),
    CutoverDag("b", source_paused=True, target_paused=False),
)


async def test_who_was_paused_survives(tmp_path: Path) -> None:
    """And so does the step; a reader sees both."""
    async with Checkpoint.open(tmp_path, JOB, clock=lambda: NOW) as checkpoint:
        assert await checkpoint.cutover().read() is None
        await checkpoint.cutover().begin([A, B])
        await checkpoint.cutover().enter(Step.MOVE)
        await checkpoint.cutover().count({"a": 7})
    with CheckpointReader.open(tmp_path) as reader:
        found = reader.cutover()
    assert found is not None
    assert (found.step, found.since) == (Step.MOVE, NOW)
    assert found.dags == {"a": CutoverDag("a", source_paused=False, target_paused=True, runs=7), "b": B}


async def test_what_is_begun_is_in_doubt_until_it_is_confirmed(tmp_path: Path) -> None:
    """By the moment at which it was begun."""
    async with Checkpoint.open(tmp_path, JOB, clock=lambda: NOW) as checkpoint:
        memory = checkpoint.cutover()
        await memory.begin([A, B])
        await memory.intend("target", ["a", "b"], paused=True)
        await memory.confirm("target", {"a": None})
        found = await memory.read()
    assert found is not None
    assert found.switched == {
        ("a", "target"): Switched(paused=True, sure=True),
        ("b", "target"): Switched(paused=True, sure=False, doubt=NOW),
    }


async def test_another_cutover_forgets_all_but_doubts(tmp_path: Path) -> None:
    """What was sent before it may still be carried out."""
    async with Checkpoint.open(tmp_path, JOB, clock=lambda: NOW) as checkpoint:
        memory = checkpoint.cutover()
        await memory.begin([A, B])
        await memory.intend("source", ["a", "b"], paused=False)
        await memory.confirm("source", {"a": None, "b": NOW - timedelta(seconds=3)})
        await memory.begin([A])
        found = await memory.read()
    assert found is not None
    assert (list(found.dags), found.step) == (["a"], Step.HOLD)
    doubt = NOW - timedelta(seconds=3)
    assert found.switched == {("b", "source"): Switched(paused=False, sure=True, doubt=doubt)}


async def test_a_step_that_nobody_knows_is_a_corrupt_state(tmp_path: Path) -> None:
    """A newer release may have written it."""
    async with Checkpoint.open(tmp_path, JOB) as checkpoint:
        await checkpoint.cutover().begin([A])
    with closing(sqlite3.connect(tmp_path / DATABASE)) as connection, connection:
        connection.execute("UPDATE cutover SET step = 'dance'")
    with CheckpointReader.open(tmp_path) as reader, pytest.raises(StateCorruptError):
        reader.cutover()
