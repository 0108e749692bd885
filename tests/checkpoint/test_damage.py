"""Damaged files and full disks end in errors that say what to do, never in SQLite's own."""

import asyncio
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transfer.checkpoint import Checkpoint, CheckpointReader, PlannedDag
from transfer.errors import StateCorruptError, StateError, StateFullError

from .samples import DAG, JOB, move, run_ids, runs, settlement, started, window

DATABASE = "checkpoint.sqlite3"
PAGE = 4096


async def _filled(directory: Path, *, ended: bool = True) -> Path:
    async with started(directory) as checkpoint:
        number = await checkpoint.begin_invocation()
        await move(checkpoint, window(0, size=500), window(1, size=500))
        if ended:
            await checkpoint.end_invocation(number, 0)
    return directory / DATABASE


def _halve(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _scribble(path: Path) -> None:
    path.write_bytes(b"not a database" * 1000)


def _replace(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE something (else_ TEXT)")


@pytest.mark.parametrize("damage", [_halve, _empty, _scribble, _replace])
async def test_ruined_file_is_refused(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    """A file that is cut off, empty, no database or another program's is refused by both doors with a way out."""
    damage(await _filled(tmp_path))
    with pytest.raises(StateCorruptError) as caught:
        async with Checkpoint.open(tmp_path, JOB):
            pass
    assert "move the state directory away" in caught.value.hint
    with pytest.raises(StateCorruptError), CheckpointReader.open(tmp_path):
        pass


async def test_damage_is_looked_for_after_a_crash(tmp_path: Path) -> None:
    """If the last invocation did not end, a page that was overwritten is found before anything is used."""
    path = await _filled(tmp_path, ended=False)
    content = bytearray(path.read_bytes())
    content[-PAGE : -PAGE + 64] = bytes(64)
    path.write_bytes(content)
    with pytest.raises(StateCorruptError, match="cannot be read"):
        async with Checkpoint.open(tmp_path, JOB):
            pass


async def _use(directory: Path) -> None:
    async with Checkpoint.open(directory, JOB) as checkpoint:
        await checkpoint.store_plan([PlannedDag(DAG, 20, listed=True, on_target=True)])
        await checkpoint.resume_point(DAG)
        await checkpoint.recall(DAG, run_ids(0, 1000))
        await checkpoint.plan()
        await checkpoint.totals()
    with CheckpointReader.open(directory) as reader:
        reader.invocations()


@settings(max_examples=40, deadline=None)
@given(flips=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255)), min_size=1, max_size=30))
def test_flipped_bytes_never_surprise(flips: list[tuple[float, int]]) -> None:
    """Whatever bytes of the file are flipped, it can be used or is refused with an error of the state."""
    with TemporaryDirectory() as directory:
        path = asyncio.run(_filled(Path(directory)))
        content = bytearray(path.read_bytes())
        for place, mask in flips:
            content[int(place * len(content))] ^= mask
        path.write_bytes(content)
        with suppress(StateError):
            asyncio.run(_use(Path(directory)))


async def _overfill(checkpoint: Checkpoint) -> None:
    for number in range(1, 100):
        await checkpoint.settle(settlement(window(number, size=500)))


async def test_full_database_loses_nothing(tmp_path: Path) -> None:
    """When there is no room the settlement is refused as a whole; with room again, the same one succeeds."""
    async with started(tmp_path) as checkpoint:
        connection = checkpoint._database._connection
        connection.execute("PRAGMA max_page_count = 30")
        with pytest.raises(StateFullError, match="full") as caught:
            await _overfill(checkpoint)
        totals = await checkpoint.totals()
        assert sum(totals.runs[DAG].values()) == 500 * totals.windows_done
        connection.execute("PRAGMA max_page_count = 100000")
        await checkpoint.settle(settlement(window(totals.windows_done + 1, size=500)))
        assert (await checkpoint.totals()).windows_done == totals.windows_done + 1
    assert "nothing that was acknowledged is lost" in caught.value.hint


@contextmanager
def _tiny_disk(directory: Path) -> Iterator[Path]:
    disk = directory / "disk"
    disk.mkdir()
    mount = shutil.which("mount") or "mount"
    command = [mount, "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(disk)]
    try:
        subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - a fixed command
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("mounting a small file system is not allowed here")
    try:
        yield disk
    finally:
        subprocess.run([shutil.which("umount") or "umount", str(disk)], check=True)  # noqa: S603 - as above


async def test_full_disk_loses_nothing(tmp_path: Path) -> None:
    """On a disk that really is full the job stops; what was acknowledged is there when it is opened again."""
    with _tiny_disk(tmp_path) as disk:
        async with started(disk / "state") as checkpoint:
            with pytest.raises(StateFullError):
                await _overfill(checkpoint)
            before = await checkpoint.totals()
        async with Checkpoint.open(disk / "state", JOB) as checkpoint:
            after = await checkpoint.totals()
    assert before == after
    assert sum(after.runs[DAG].values()) == 500 * after.windows_done > 0


async def test_read_only_database(tmp_path: Path) -> None:
    """A database that turned read-only is reported as one that cannot be written."""
    async with started(tmp_path) as checkpoint:
        checkpoint._database._connection.execute("PRAGMA query_only = ON")
        with pytest.raises(StateFullError, match="cannot be written"):
            await checkpoint.cut(window(0), runs(0, 5))


async def test_directory_that_cannot_be_made(tmp_path: Path) -> None:
    """A state directory that is a file, or below one, is reported as such."""
    (tmp_path / "file").touch()
    for directory in (tmp_path / "file", tmp_path / "file" / "state"):
        with pytest.raises(StateError, match="cannot be a directory"):
            async with Checkpoint.open(directory, JOB):
                pass


async def test_foreign_writer_is_named_as_such(tmp_path: Path) -> None:
    """Another program with a write transaction on the file makes it in use, not corrupt."""
    async with started(tmp_path) as checkpoint:
        checkpoint._database._connection.execute("PRAGMA busy_timeout = 1")
        with closing(sqlite3.connect(tmp_path / DATABASE, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StateError, match="is in use"):
                await checkpoint.begin_invocation()
            other.execute("ROLLBACK")
        assert await checkpoint.begin_invocation() == 1
