"""Creating a state directory, recognising it again, refusing another job's."""

import sqlite3
import stat
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from transfer.checkpoint import Checkpoint, CheckpointReader, Job, filesystem
from transfer.checkpoint.schema import MIGRATIONS, VERSION, migrate, version_of
from transfer.errors import ExitCode, StateCorruptError, StateError, StateMismatchError

from .samples import DAG, JOB, move, run_ids, started, window

DATABASE = "checkpoint.sqlite3"


def _modes(directory: Path) -> dict[str, int]:
    paths = {"": directory} | {path.name: path for path in directory.iterdir()}
    return {name: stat.S_IMODE(path.stat().st_mode) for name, path in paths.items()}


def _content(directory: Path) -> bytes:
    return b"".join(path.read_bytes() for path in directory.iterdir())


async def test_only_the_owner_may_look(tmp_path: Path) -> None:
    """The directory is made with its parents for the owner alone, and so are all files in it."""
    directory = tmp_path / "deep" / "state"
    async with started(directory):
        modes = _modes(directory)
    assert modes.pop("") == 0o700
    assert modes == dict.fromkeys([DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm", f"{DATABASE}.lock"], 0o600)


async def test_credentials_in_urls_are_not_stored(tmp_path: Path) -> None:
    """Userinfo in a URL is neither stored nor compared."""
    secret = Job("http://user:c4nary@source.example:8080", "http://c4nary@target.example:8080", JOB.selection)
    async with Checkpoint.open(tmp_path, secret):
        pass
    async with Checkpoint.open(tmp_path, JOB):
        assert b"c4nary" not in _content(tmp_path)


async def test_another_job_is_refused(tmp_path: Path) -> None:
    """A directory of another job is refused; each differing item is named with both values, no other, no password."""
    async with Checkpoint.open(tmp_path, JOB):
        pass
    other = Job(JOB.source, "http://me:c4nary@other.example", '{"dags":["x"]}')
    with pytest.raises(StateMismatchError) as caught:
        async with Checkpoint.open(tmp_path, other):
            pass
    assert str(caught.value).splitlines()[1:] == [
        "target: there http://target.example:8080, here http://other.example",
        'selection: there {"dags":["*"]}, here {"dags":["x"]}',
    ]
    assert "another state directory" in caught.value.hint
    assert caught.value.exit_code == ExitCode.USAGE


async def test_creation_that_was_cut_short_is_repeated(tmp_path: Path) -> None:
    """What a process left that died while it made the checkpoint, and a log without its database, are swept away."""
    for name in (f"{DATABASE}.new", f"{DATABASE}.new-wal", f"{DATABASE}-wal"):
        (tmp_path / name).write_bytes(b"left over")
    async with started(tmp_path) as checkpoint:
        await move(checkpoint, window(0))
    assert set(_modes(tmp_path)) == {"", DATABASE, f"{DATABASE}.lock"}


async def test_clock_is_the_callers(tmp_path: Path) -> None:
    """Times come from the clock that was passed in, and are read back in UTC."""
    noon = datetime(2024, 5, 1, 12, tzinfo=UTC)
    async with Checkpoint.open(tmp_path, JOB, clock=lambda: noon) as checkpoint:
        totals = await checkpoint.totals()
    assert (totals.created_at, totals.settled_at) == (noon, None)


def test_reader_never_starts_a_job(tmp_path: Path) -> None:
    """Reading where no job is says so, and creates nothing."""
    with pytest.raises(StateError, match="no job in") as caught, CheckpointReader.open(tmp_path / "state"):
        pass
    assert "transfer run" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


async def test_reading_an_ended_job(tmp_path: Path) -> None:
    """A job can be read after its process has ended, and goes on after that."""
    async with started(tmp_path) as checkpoint:
        await move(checkpoint, window(0))
    with CheckpointReader.open(tmp_path) as reader:
        assert reader.totals().windows_done == 1
        assert reader.running_pid() is None
    async with Checkpoint.open(tmp_path, JOB) as checkpoint:
        assert len(await checkpoint.recall(DAG, run_ids(0, 5))) == 5


async def test_newer_schema_is_refused(tmp_path: Path) -> None:
    """A checkpoint of a newer release is refused by both doors, saying both versions."""
    async with Checkpoint.open(tmp_path, JOB):
        pass
    with closing(sqlite3.connect(tmp_path / DATABASE)) as connection:
        connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    with pytest.raises(StateCorruptError, match=f"schema {VERSION + 1}, this one knows {VERSION}") as caught:
        async with Checkpoint.open(tmp_path, JOB):
            pass
    assert "use that release" in caught.value.hint
    with pytest.raises(StateCorruptError), CheckpointReader.open(tmp_path):
        pass


def test_migration_changes_and_records_together(tmp_path: Path) -> None:
    """A migration that fails leaves schema and version as they were; repeated, each runs once."""
    with closing(sqlite3.connect(tmp_path / "db", isolation_level=None)) as connection:
        connection.execute("BEGIN")
        migrate(connection)
        connection.execute("COMMIT")
        connection.execute("BEGIN")
        with pytest.raises(sqlite3.OperationalError):
            migrate(connection, [*MIGRATIONS, ["CREATE TABLE later (x)"], ["CREATE TABLE later (x)"]])
        connection.execute("ROLLBACK")
        assert version_of(connection) == VERSION
        migrate(connection, [*MIGRATIONS, ["CREATE TABLE later (x)"]])
        assert version_of(connection) == VERSION + 1


async def test_network_directory_is_left_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a network file system no checkpoint is made."""
    kind = filesystem._kind_of(tmp_path, filesystem._MOUNTS.read_text().splitlines())
    monkeypatch.setattr(filesystem, "_NETWORK", {kind})
    with pytest.raises(StateError, match="network file system"):
        async with Checkpoint.open(tmp_path, JOB):
            pass
    assert set(_modes(tmp_path)) == {""}


@pytest.mark.parametrize(("kind", "refused"), [("nfs4", True), ("fuse.sshfs", True), ("ext4", False)])
def test_network_file_systems_are_refused(tmp_path: Path, kind: str, *, refused: bool) -> None:
    """The innermost and newest mount over the directory decides, also one with a blank in its name."""
    state = tmp_path / "my state"
    state.mkdir()
    mounts = tmp_path / "mountinfo"
    point = str(state.resolve()).replace(" ", "\\040")
    mounts.write_text(
        "1 0 8:1 / / rw - nfs server:/ rw\n"
        f"2 1 8:1 / {point} rw shared:1 - cifs //server rw\n"
        f"3 1 8:1 / {point} rw - {kind} server:/x rw\n"
    )
    if refused:
        with pytest.raises(StateError, match=kind):
            filesystem.refuse_network(state, mounts)
    else:
        filesystem.refuse_network(state, mounts)
