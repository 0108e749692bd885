"""State directories that were damaged: used or refused with an error of the state, never a surprise."""

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from transfer.cli.options import JobOptions, OutputOptions
from transfer.cli.output import say
from transfer.cli.run import run_job
from transfer.cli.status import show_status
from transfer.errors import TransferError

from .deployment import Asked, Deployment, Reply, answer, served
from .running import configured

FUZZ = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
TEXT, FOR_MACHINES = OutputOptions(), OutputOptions(json=True)
DATABASE, LOCK = "checkpoint.sqlite3", "checkpoint.sqlite3.lock"


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Run a job that leaves moved, unfinished and rejected rows; yields its configuration."""
    folder = tmp_path_factory.mktemp("job")
    source, target = Deployment.of(12), Deployment.of(0)
    source.runs[0]["state"] = "running"
    source.tasks[3]["task_id"] = "refused"

    def script(asked: Asked, _honest: Any) -> Reply | None:
        if asked.method != "POST" or b'"refused"' not in asked.body:
            return None
        target.tasks = [row for row in target.tasks if row["task_id"] != "refused"]
        return answer(b'{"error": "no"}', "409 Conflict")

    target.script = script
    with served(source) as left, served(target) as right:
        config = configured(folder, (left, right), seconds=5)
        assert anyio.run(run_job, JobOptions(config=config), OutputOptions()) == 3
        yield config


@pytest.fixture
def damaged(job: Path, tmp_path: Path) -> Callable[[], Path]:
    """Return a function that gives a fresh copy of the job's state directory."""

    def fresh() -> Path:
        state = tmp_path / "state"
        if state.is_symlink() or state.is_file():
            state.unlink()
        shutil.rmtree(state, ignore_errors=True)
        shutil.copytree(job.parent / "state", state)
        return state

    return fresh


def looked_at(state: Path) -> set[int]:
    """Look at the job in every way; return the exit codes. Anything that is no error of ours would be a defect."""
    return {_code(partial(show_status, state, how, rejected=True)) for how in (TEXT, FOR_MACHINES)}


def run_again(job: Path, state: Path) -> int:
    """Run the job; return the exit code."""
    options = JobOptions(config=job, state_dir=state)
    return _code(lambda: anyio.run(run_job, options, TEXT))


def _code(command: Callable[[], int]) -> int:
    try:
        return command()
    except TransferError as error:
        say(error.told)
        return error.exit_code


def test_the_state_as_it_was_left(job: Path, damaged: Callable[[], Path], capsys: pytest.CaptureFixture[str]) -> None:
    """A copy of the directory is as good as the directory."""
    assert (looked_at(damaged()), run_again(job, damaged())) == ({0}, 3)
    assert "task_id=refused" in capsys.readouterr().out


@FUZZ
@given(share=st.floats(0, 1, exclude_max=True))
def test_a_database_that_is_cut_off(
    job: Path, damaged: Callable[[], Path], capsys: pytest.CaptureFixture[str], share: float
) -> None:
    """Wherever it ends, nothing is taken for the whole."""
    path = damaged() / DATABASE
    content = path.read_bytes()
    path.write_bytes(content[: int(share * (len(content) - 1))])
    assert looked_at(path.parent) | {run_again(job, path.parent)} == {1}
    assert "cannot be read" in capsys.readouterr().out


flips = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255)), min_size=1, max_size=8)


@FUZZ
@given(flips=flips)
def test_flipped_bytes(job: Path, damaged: Callable[[], Path], flips: list[tuple[float, int]]) -> None:
    """Whatever bits turn over in what is used of the file, the program ends with a code of its own."""
    path = damaged() / DATABASE
    content = bytearray(path.read_bytes())
    used = [place for place, byte in enumerate(content) if byte]  # most of a small database is empty
    for share, mask in flips:
        content[used[int(share * len(used))]] ^= mask
    path.write_bytes(content)
    assert looked_at(path.parent) | {run_again(job, path.parent)} <= {0, 1, 2, 3}


values = (
    st.none()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.binary(max_size=9)
    | st.text(max_size=9)
)
columns = st.sampled_from(
    [
        ("job", "uuid"),
        ("job", "source"),
        ("job", "selection"),
        ("job", "created_at"),
        ("dag", "dag_id"),
        ("dag", "run_count"),
        ("dag", "target_runs"),
        ("dag", "planned"),
        ("dag", "note"),
        ("dag", "open_pass"),
        ("dag", "finished_pass"),
        ("dag", "finished_count"),
        ("window", "offset"),
        ("window", "size"),
        ("window", "number"),
        ("window", "last_start"),
        ("window", "done_at"),
        ("window_count", "moved"),
        ("window_count", "kind"),
        ("run", "fingerprint"),
        ("run", "outcome"),
        ("run", "pass"),
        ("rejected", "run_id"),
        ("rejected", "kind"),
        ("rejected", "rows"),
        ("rejected", "reason"),
        ("invocation", "started_at"),
        ("invocation", "ended_at"),
        ("invocation", "exit_code"),
        ("invocation", "pid"),
    ]
)


@settings(FUZZ, max_examples=25)
@given(column=columns, value=values)
def test_values_of_another_kind(
    job: Path,
    damaged: Callable[[], Path],
    column: tuple[str, str],
    value: object,
) -> None:
    """Whatever a column holds, it is used or refused."""
    state = damaged()
    table, name = column
    with closing(sqlite3.connect(state / DATABASE)) as connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        try:
            with connection:
                connection.execute(f"UPDATE OR IGNORE {table} SET {name} = ?", (value,))  # noqa: S608  names of ours
        except sqlite3.IntegrityError:
            return
    assert looked_at(state) | {run_again(job, state)} <= {0, 1, 2, 3}


def _directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _loop(path: Path) -> None:
    path.unlink()
    path.symlink_to(path)


def _nowhere(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.parent / "no" / "where")


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _device(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


def _newer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")


@pytest.mark.parametrize("damage", [_directory, _loop, _device, _newer], ids=lambda damage: damage.__name__[1:])
def test_something_else_in_its_place(
    job: Path, damaged: Callable[[], Path], capsys: pytest.CaptureFixture[str], damage: Callable[[Path], None]
) -> None:
    """What is no database, or that of a newer release, is refused."""
    path = damaged() / DATABASE
    damage(path)
    assert looked_at(path.parent) | {run_again(job, path.parent)} == {1}
    assert "(" in capsys.readouterr().out


@pytest.mark.parametrize("damage", [_directory, _loop, _nowhere, _device], ids=lambda damage: damage.__name__[1:])
def test_something_else_in_place_of_the_lock(
    job: Path, damaged: Callable[[], Path], damage: Callable[[Path], None]
) -> None:
    """A lock that cannot be taken keeps a run out; a look at the state says so or does without."""
    path = damaged() / LOCK
    path.touch()
    damage(path)
    assert looked_at(path.parent) | {run_again(job, path.parent)} <= {0, 1, 3}


@pytest.mark.parametrize(
    "content", [b"\xff\xfe", b"9" * 10_000, b"-1 host", b"1 " + b"x" * 100_000, b"\x1b[2J 1", b"\0"]
)
def test_garbage_in_the_lock(job: Path, damaged: Callable[[], Path], content: bytes) -> None:
    """What a lock file holds is of no importance while nobody holds the lock."""
    state = damaged()
    (state / LOCK).write_bytes(content)
    assert (looked_at(state), run_again(job, state)) == ({0}, 3)


@settings(FUZZ, max_examples=25)
@given(suffix=st.sampled_from(["-wal", "-shm", "-journal", ".new", ".new-wal"]), content=st.binary(max_size=400))
def test_garbage_beside_the_database(
    job: Path, damaged: Callable[[], Path], capsys: pytest.CaptureFixture[str], suffix: str, content: bytes
) -> None:
    """Leftovers that are no log of this database change nothing."""
    state = damaged()
    (state / f"{DATABASE}{suffix}").write_bytes(content)
    assert looked_at(state) <= ({0, 1} if suffix == "-journal" else {0})  # only a writer may roll back
    assert run_again(job, state) == 3
    assert "task_id=refused" in capsys.readouterr().out


def test_the_log_of_another_database(job: Path, damaged: Callable[[], Path], tmp_path: Path) -> None:
    """A write-ahead log that belongs to another file is not replayed into this one."""
    other = tmp_path / "other.sqlite3"
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE job (evil)")
        log = Path(f"{other}-wal").read_bytes()
    state = damaged()
    (state / f"{DATABASE}-wal").write_bytes(log)
    assert looked_at(state) | {run_again(job, state)} <= {0, 1, 3}


@pytest.mark.parametrize("name", ["x" * 300, "a/" * 2_000, "/proc/1/nothing", "/dev/null", "/dev/null/x", "\x1b[2J"])
def test_odd_places(job: Path, name: str, tmp_path: Path) -> None:
    """A state directory that cannot be is said to be so."""
    place = name if name.startswith("/") else str(tmp_path / name)
    assert looked_at(Path(place)) | {run_again(job, Path(place))} <= {0, 1, 2, 3}
