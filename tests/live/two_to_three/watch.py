"""Lets a deployment's scheduler loose on a moved history and sees whether it leaves it alone."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import psycopg
from psycopg import sql

from tests.live.histories.crew import Crew, crew, working_environment
from tests.live.login import fetch
from tests.live.rig import Side

Connection = psycopg.Connection[tuple[Any, ...]]
Snapshot = Mapping[str, list[str]]
TABLES = ("dag_run", "task_instance", "task_instance_history")
CANARY = "manual__canary"
CANARY_SECONDS = 90.0
POLL_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Watched:
    """What was seen.

    Args:
        dead: exit codes of the processes that ended, by their names.
        changed: rows of the history that appeared, disappeared or changed, in words.
        canary: the state that a new run of one of the DAGs came to: proof that the scheduler was at work.
        log: what the scheduler said.
    """

    dead: Mapping[str, int]
    changed: list[str]
    canary: str
    log: str


def watch(side: Side, dag_id: str, seconds: float) -> Watched:
    """Unpause every DAG and let the crew work for `seconds` and until a new run of `dag_id` is over.

    The files have to be parsed after the history has arrived, as the documentation says: this is done here first.
    """
    side.airflow("dags", "reserialize")
    with side.connect() as conn:
        conn.execute("UPDATE dag SET is_paused = false")
        before, environment = snapshot(conn), working_environment(side.environment)
        with crew(side.install, environment, side.home / "crew") as working:
            _trigger(side, dag_id)
            canary = _wait(conn, working, seconds)
            dead, log = working.dead(), working.log("scheduler")
        watched = Watched(dead, changes(before, snapshot(conn)), canary, log)
        conn.execute("DELETE FROM dag_run WHERE run_id = %s", [CANARY])
        conn.execute("UPDATE dag SET is_paused = true")
        return watched


@contextmanager
def restored(conn: Connection) -> Iterator[None]:
    """Put every row of the history back at the end of the block, whatever has become of it."""
    for table in TABLES:
        conn.execute(sql.SQL("CREATE TABLE {} AS TABLE {}").format(_kept(table), sql.Identifier(table)))
    try:
        yield
    finally:
        with conn.transaction():
            conn.execute("SET LOCAL session_replication_role = replica")  # no foreign key is checked: the order is free
            for table in TABLES:
                conn.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
                conn.execute(sql.SQL("INSERT INTO {} TABLE {}").format(sql.Identifier(table), _kept(table)))
                conn.execute(sql.SQL("DROP TABLE {}").format(_kept(table)))


def _kept(table: str) -> sql.Identifier:
    return sql.Identifier(f"kept_{table}")


def snapshot(conn: Connection) -> Snapshot:
    """Return every row of the history with every column, but for the canary's."""
    return {table: _rows(conn, table) for table in TABLES}


def _rows(conn: Connection, table: str) -> list[str]:
    query = sql.SQL("SELECT t::text FROM {} t WHERE run_id <> {} ORDER BY 1")
    return [row for (row,) in conn.execute(query.format(sql.Identifier(table), sql.Literal(CANARY)))]


def changes(before: Snapshot, after: Snapshot) -> list[str]:
    """Return what is in only one of the two, in words."""
    return [
        f"{table}: {what} {row}"
        for table in TABLES
        for what, these, those in (("lost", before, after), ("new", after, before))
        for row in sorted(set(these[table]) - set(those[table]))
    ]


def _trigger(side: Side, dag_id: str) -> None:
    body = json.dumps({"dag_run_id": CANARY, "logical_date": None}).encode()
    headers = side.headers() | {"Content-Type": "application/json"}
    answer, said = fetch(side.url, f"/api/v2/dags/{quote(dag_id)}/dagRuns", method="POST", body=body, headers=headers)
    if answer.status != 200:
        raise RuntimeError(f"{dag_id} was not triggered: {answer.status} {said.decode()}")


def _wait(conn: Connection, working: Crew, seconds: float) -> str:
    started, state = time.monotonic(), ""
    while not working.dead():
        passed = time.monotonic() - started
        ((state,),) = conn.execute("SELECT state FROM dag_run WHERE run_id = %s", [CANARY]).fetchall()
        over = state in ("success", "failed") or passed > CANARY_SECONDS
        if over and passed >= seconds:
            break
        time.sleep(POLL_SECONDS)  # to see that nothing happens, time has to pass
    return state
