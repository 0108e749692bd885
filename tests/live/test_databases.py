"""Other databases than PostgreSQL behind a real Airflow: MariaDB on either side, SQLite as a target."""

import pickle
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from transfer.capabilities import Dates

from .client import PASSWORD, client
from .conftest import available
from .job import Job, Result
from .later import add_run
from .mariadb import find_binaries
from .mariadb_airflow import OnMariaDB, boot_mariadb
from .mariadb_history import BLOB_BYTES, copy_into, differences
from .pairs import ALL_VARIABLE, EVERYTHING, SMALL
from .rig import Connection, Rig, Side, boot_side
from .seed import Seeded, register_dags, seed_history
from .sqlite import boot_sqlite
from .unavailable import RigUnavailable

pytestmark = pytest.mark.skipif(not EVERYTHING, reason=f"takes minutes: {ALL_VARIABLE}=1")

LAX = ["", "NO_ENGINE_SUBSTITUTION"]
"""Modes in which a value that does not fit is changed until it does."""


@pytest.fixture(scope="module")
def booted_mariadb() -> Iterator[OnMariaDB]:
    """An Airflow on MariaDB; not every machine has one: it may be lacking even where the live tests are required."""
    try:
        find_binaries()
    except RigUnavailable as error:
        pytest.skip(error.reason)
    with available(boot_mariadb()) as running:
        yield running


@pytest.fixture
def on_mariadb(booted_mariadb: OnMariaDB) -> OnMariaDB:
    """The deployment on MariaDB, emptied for this test."""
    booted_mariadb.reset()
    return booted_mariadb


@pytest.fixture(scope="module")
def on_sqlite() -> Iterator[Side]:
    """A deployment whose database is a file."""
    with available(boot_sqlite()) as side:
        yield side


@pytest.fixture
def job_to_mariadb(rig: Rig, on_mariadb: OnMariaDB, tmp_path: Path) -> Job:
    """A job from PostgreSQL to MariaDB."""
    return Job(rig.source, on_mariadb.side, tmp_path)


def seed(source: Connection, target: OnMariaDB) -> Seeded:
    """Write a history that fits into MariaDB: without the confs that are too large."""
    seeded = seed_history(source, **SMALL)
    source.execute("UPDATE dag_run SET conf = NULL WHERE length(conf) > %s", [BLOB_BYTES])
    target.register_dags(seeded.dag_ids)
    return seeded


def assert_all_moved(job: Job, result: Result, seeded: Seeded) -> None:
    """Check the counts, that a second run sends nothing, and that `verify` finds no difference."""
    assert result.code == 0, result.err
    assert result.kinds["dag_runs"]["moved"] == seeded.finished_runs
    assert result.kinds["task_instances"]["moved"] == seeded.finished_task_instances
    assert result.kinds["task_instance_history"]["moved"] == seeded.finished_tries
    again = job.run()
    assert (again.code, again.sent) == (0, 0)
    verified = job.run(command="verify")
    assert verified.code == 0, verified.out[-2000:]


def test_check_says_what_mariadb_keeps(job_to_mariadb: Job, source: Connection, on_mariadb: OnMariaDB) -> None:
    """It is no obstacle; what is different there is said."""
    seed(source, on_mariadb)
    result = job_to_mariadb.run(command="check")
    assert result.code == 0, result.out
    assert "takes no offset in dates: they are sent in UTC without it" in result.out
    assert "six digits of a duration" in result.out


def test_a_whole_history_moves_to_mariadb(job_to_mariadb: Job, source: Connection, on_mariadb: OnMariaDB) -> None:
    """Every row is the same by SQL, but for the digits that MariaDB drops, which are counted as known losses."""
    seeded = seed(source, on_mariadb)

    result = job_to_mariadb.run()

    assert_all_moved(job_to_mariadb, result, seeded)
    assert differences(source, on_mariadb.database) == []
    losses = {(loss["kind"], loss["column"]) for loss in result.summary["job"]["losses"]}
    assert {("task_instances", "duration"), ("task_instances", "trigger_timeout")} <= losses


def wait_for_rows(target: OnMariaDB, rows: int, process: subprocess.Popen[str]) -> None:
    """Wait until the target has more than so many task instances, or the process has ended."""

    def ready() -> bool:
        return target.database.one("SELECT count(*) FROM task_instance") > rows or process.poll() is not None

    target.side.webserver.service.wait_until(ready, 120)


def test_killed_on_the_way_to_mariadb(job_to_mariadb: Job, source: Connection, on_mariadb: OnMariaDB) -> None:
    """Three times SIGKILL, then to the end: nothing is lost and nothing is there twice."""
    seeded, database = seed(source, on_mariadb), on_mariadb.database
    for rows in (1, 500, 1_200):
        with job_to_mariadb.started() as process:
            wait_for_rows(on_mariadb, rows, process)
            assert process.poll() is None
            process.send_signal(signal.SIGKILL)

    result = job_to_mariadb.run()

    assert_all_moved(job_to_mariadb, result, seeded)
    assert differences(source, database) == []


AWKWARD = ("Case", "case", "trailing", "trailing ", "run \U0001f40d", "2039", "heavy")
"""Ids of runs of which MariaDB can hold the first two and one of the next two."""


def test_what_mariadb_cannot_hold_is_rejected(job_to_mariadb: Job, source: Connection, on_mariadb: OnMariaDB) -> None:
    """Ids that differ in case both arrive; the second of two that differ in trailing spaces is listed, not lost."""
    register_dags(source, ["odd"])
    on_mariadb.register_dags(["odd"])
    for run_id in AWKWARD:
        add_run(source, "odd", run_id)
    late = datetime(2039, 1, 1, tzinfo=UTC)
    source.execute("UPDATE dag_run SET execution_date = %s WHERE run_id = '2039'", [late])
    heavy = pickle.dumps({"text": "x" * BLOB_BYTES})
    source.execute("UPDATE dag_run SET conf = %s WHERE run_id = 'heavy'", [heavy])

    result = job_to_mariadb.run()

    held = {run_id for (run_id,) in on_mariadb.database.rows("SELECT run_id FROM dag_run")}
    assert result.code == 3, result.err
    assert held & {"Case", "case"} == {"Case", "case"}
    assert len(held & {"trailing", "trailing "}) == 1
    assert len(held) == 3
    assert (result.kinds["dag_runs"]["moved"], result.kinds["dag_runs"]["rejected"]) == (3, 4)
    said = " ".join(result.summary["rejected"])
    for reason in ("Duplicate entry", "Incorrect string value", "Incorrect datetime value", "Data too long"):
        assert reason in said
    missing = {one.key[1] for one in differences(source, on_mariadb.database)}
    assert missing == set(AWKWARD) - held
    verified = job_to_mariadb.run(command="verify")
    assert verified.code == 3
    assert verified.summary["differences_total"] == 4


def test_a_history_moves_from_mariadb(
    rig: Rig, source: Connection, target: Connection, on_mariadb: OnMariaDB, tmp_path: Path
) -> None:
    """Runs that never started stand last there: all arrive on PostgreSQL, and `verify` agrees."""
    seeded = seed_history(source, **SMALL)
    on_mariadb.register_dags(seeded.dag_ids)
    copy_into(source, on_mariadb.database)
    register_dags(target, seeded.dag_ids)
    finished = "SELECT count(*) FROM dag_run WHERE state IN ('success', 'failed')"
    runs = on_mariadb.database.one(finished)
    assert on_mariadb.database.one(f"{finished} AND start_date IS NULL") > 0

    job = Job(on_mariadb.side, rig.target, tmp_path)
    result = job.run()

    assert result.code == 0, result.err
    assert result.kinds["dag_runs"]["moved"] == runs > 250
    assert differences(on_mariadb.database, target) == []
    again = job.run()
    assert (again.code, again.sent) == (0, 0)
    assert job.run(command="verify").code == 0


def test_an_older_airflow_moves_to_mariadb(on_mariadb: OnMariaDB, tmp_path: Path) -> None:
    """The columns are fitted, and the dates go without their offsets."""
    with available(boot_side("2.8.4")) as older, older.connect() as source:
        seeded = seed(source, on_mariadb)
        job = Job(older, on_mariadb.side, tmp_path)
        result = job.run()
        assert_all_moved(job, result, seeded)
        assert differences(source, on_mariadb.database) == []


@pytest.mark.parametrize("mode", LAX)
@pytest.mark.parametrize("command", ["check", "run"])
def test_a_mariadb_that_is_not_strict_is_refused(
    job_to_mariadb: Job, source: Connection, on_mariadb: OnMariaDB, mode: str, command: str
) -> None:
    """It would store something else than it is given, without a word: nothing is written, and what to do is said."""
    seed(source, on_mariadb)
    with on_mariadb.database.mode(mode):
        result = job_to_mariadb.run(command=command)
    assert result.code == 1, result.out
    assert "is not strict (sql_mode)" in result.out + result.err
    assert "STRICT_TRANS_TABLES" in result.out + result.err
    assert on_mariadb.database.one("SELECT count(*) FROM dag_run") == 0


async def probed(side: Side, monkeypatch: pytest.MonkeyPatch) -> Dates:
    """Return what the program's probe finds out about the database of ``side``."""
    monkeypatch.setenv(PASSWORD, side.admin.password)
    async with client(side.url, "session", side.admin) as starship:
        return await starship.probe_dates()


@pytest.mark.parametrize(
    ("mode", "dates"),
    [("", Dates.UNCHECKED), (None, Dates.WITHOUT_OFFSET), ("STRICT_ALL_TABLES", Dates.WITHOUT_OFFSET)],
)
async def test_the_probe_stores_nothing_on_mariadb(
    on_mariadb: OnMariaDB, monkeypatch: pytest.MonkeyPatch, mode: str | None, dates: Dates
) -> None:
    """Neither if it is strict nor otherwise."""
    database = on_mariadb.database
    with database.mode(database.one("SELECT @@GLOBAL.sql_mode") if mode is None else mode):
        for _ in range(2):
            assert await probed(on_mariadb.side, monkeypatch) is dates
    assert database.one("SELECT count(*) FROM dag_run") == 0


async def test_the_probe_stores_nothing_on_postgresql(
    rig: Rig, target: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is the run without an id that is refused there."""
    assert await probed(rig.target, monkeypatch) is Dates.AS_SERVED
    assert target.execute("SELECT count(*) FROM dag_run").fetchone() == (0,)


async def test_the_probe_stores_nothing_on_sqlite(on_sqlite: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its driver takes no date that is text."""
    assert await probed(on_sqlite, monkeypatch) is Dates.NOT_AT_ALL
    with sqlite3.connect(on_sqlite.dsn.removeprefix("sqlite:///")) as database:
        found: Any = database.execute("SELECT count(*) FROM dag_run").fetchone()
    assert found == (0,)
