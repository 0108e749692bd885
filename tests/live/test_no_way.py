"""Directions that are refused: before anything is sent, with the side, the reason and what to do instead."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import available
from .dag_files import dag_file
from .install import AIRFLOW_2
from .job import Job
from .rig import Connection, Rig
from .seed import seed_history
from .side import Side
from .sqlite import boot_sqlite

COMMANDS = pytest.mark.parametrize("command", ["check", "run"])


@pytest.fixture(scope="module")
def on_sqlite() -> Iterator[Side]:
    """A deployment on SQLite that has the DAGs of the history."""
    with available(boot_sqlite(AIRFLOW_2)) as side:
        side.parse(dag_file(["history_000"], tasks=2))
        yield side


@COMMANDS
def test_a_target_on_sqlite_is_refused(
    rig: Rig, source: Connection, on_sqlite: Side, tmp_path: Path, command: str
) -> None:
    """Starship can store no date there: the target is named with its database, and nothing is written."""
    seed_history(source, dags=1, runs=30, tasks=2, wide=0)

    result = Job(rig.source, on_sqlite, tmp_path).run(command=command)

    assert result.code == 1, result.out
    assert "its database is SQLite, into which Starship cannot write history" in result.err + result.out
    assert "PostgreSQL" in result.err + result.out
    with sqlite3.connect(on_sqlite.dsn.removeprefix("sqlite:///")) as database:
        assert database.execute("SELECT count(*) FROM dag_run").fetchone() == (0,)
