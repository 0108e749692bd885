"""What the deployments were found to bear, from one run of the program to the next."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from transfer.checkpoint import Checkpoint, CheckpointReader, Found
from transfer.checkpoint.opening import DATABASE
from transfer.checkpoint.schema import MIGRATIONS, VERSION, migrate
from transfer.errors import StateCorruptError

from .samples import JOB

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def found(directory: Path) -> Found:
    """Return what is remembered."""
    with CheckpointReader.open(directory) as reader:
        return reader.found()


async def remember(directory: Path, *values: Found) -> Found:
    """Let runs of the program find ``values`` at noon; return what is remembered then."""
    async with Checkpoint.open(directory, JOB, clock=lambda: NOON) as checkpoint:
        for value in values:
            await checkpoint.remember(value)
    return found(directory)


async def test_a_new_job_knows_nothing(tmp_path: Path) -> None:
    """Everything is still to be found out."""
    assert await remember(tmp_path) == Found()


async def test_what_was_found_is_remembered(tmp_path: Path) -> None:
    """Each side's requests at once, and the body size with the time."""
    assert await remember(tmp_path, Found({"source": 4, "target": 12}, 500_000)) == Found(
        {"source": 4, "target": 12}, 500_000, NOON
    )


async def test_the_time_of_a_refusal_is_kept(tmp_path: Path) -> None:
    """Where it is given it is not the time of storing."""
    morning = NOON.replace(hour=8)
    assert await remember(tmp_path, Found({}, 500_000, morning)) == Found({}, 500_000, morning)


async def test_the_last_value_counts(tmp_path: Path) -> None:
    """A side that was not looked at keeps its value, a body size that is no more refused is forgotten."""
    assert await remember(tmp_path, Found({"source": 4, "target": 12}, 500_000), Found({"source": 6})) == Found(
        {"source": 6, "target": 12}
    )


async def test_the_end_of_a_run_stores_it_too(tmp_path: Path) -> None:
    """With the exit code, in one transaction; without anything found what was known stays."""
    async with Checkpoint.open(tmp_path, JOB) as checkpoint:
        await checkpoint.end_invocation(await checkpoint.begin_invocation(), 0, Found({"target": 9}))
        await checkpoint.end_invocation(await checkpoint.begin_invocation(), 4)
    assert found(tmp_path) == Found({"target": 9})


async def test_a_checkpoint_of_the_fourth_schema_is_brought_up_to_date(tmp_path: Path) -> None:
    """Nothing is known in it."""
    with closing(sqlite3.connect(tmp_path / DATABASE, isolation_level=None)) as connection:
        migrate(connection, MIGRATIONS[:4])
        values = ("00000000-0000-0000-0000-000000000007", JOB.source, JOB.target, JOB.selection, "2026-01-01")
        connection.execute("INSERT INTO job VALUES (1, ?, ?, ?, ?, ?)", values)
    assert await remember(tmp_path, Found({"source": 2})) == Found({"source": 2})
    with closing(sqlite3.connect(tmp_path / DATABASE)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (VERSION,)


@pytest.mark.parametrize(("value", "at"), [(0, "2026-01-01"), (-3, "2026-01-01"), (2**50, "2026-01-01"), (4, "noon")])
async def test_values_that_make_no_sense(tmp_path: Path, value: int, at: str) -> None:
    """A damaged file is not taken for knowledge."""
    async with Checkpoint.open(tmp_path, JOB):
        pass
    with closing(sqlite3.connect(tmp_path / DATABASE)) as connection:
        connection.execute("INSERT INTO found VALUES ('source.concurrency', ?, ?)", (value, at))
        connection.commit()
    with pytest.raises(StateCorruptError):
        found(tmp_path)
