"""The seeded history has what it promises, and the real server can serve all of it."""

import json
from typing import Any

import pytest
from psycopg.errors import UniqueViolation

from .later import add_rival, add_run, copy_history, finish_runs, finished_run_ids
from .login import fetch
from .rig import Connection, Rig
from .seed import seed_history

SMALL = {"dags": 3, "runs": 150, "tasks": 4, "wide": 3000}


def one(conn: Connection, query: str) -> Any:
    """Return the only value of a query's only row."""
    row = conn.execute(query).fetchone()
    assert row is not None
    return row[0]


@pytest.mark.parametrize(
    ("table", "counted"),
    [("dag_run", "runs"), ("task_instance", "task_instances"), ("task_instance_history", "tries")],
)
def test_counts_are_what_the_seed_says(source: Connection, table: str, counted: str) -> None:
    """The returned counts are the tables' counts."""
    seeded = seed_history(source, **SMALL)
    assert getattr(seeded, counted) == one(source, f"SELECT count(*) FROM {table}")  # noqa: S608 - a constant above


@pytest.mark.parametrize(
    ("promise", "query"),
    [
        ("16 runs tie", "SELECT max(n) = 16 FROM (SELECT count(*) n FROM dag_run GROUP BY dag_id, start_date) x"),
        ("unfinished", "SELECT count(DISTINCT state) = 2 FROM dag_run WHERE state IN ('running', 'queued')"),
        ("finished without start", "SELECT count(*) > 0 FROM dag_run WHERE start_date IS NULL AND state = 'success'"),
        ("all run types", "SELECT count(DISTINCT run_type) = 4 FROM dag_run"),
        ("a wide run", "SELECT max(n) >= 3000 FROM (SELECT count(*) n FROM task_instance GROUP BY dag_id, run_id) x"),
        ("no tasks", "SELECT bool_or(task_id IS NULL) FROM dag_run LEFT JOIN task_instance USING (dag_id, run_id)"),
        ("a heavy conf", "SELECT max(length(conf)) BETWEEN 150000 AND 250000 FROM dag_run"),
        ("no conf", "SELECT count(*) > 0 FROM dag_run WHERE conf IS NULL"),
        ("triggers", "SELECT count(*) > 0 FROM task_instance WHERE trigger_id IS NOT NULL"),
        ("states", "SELECT count(DISTINCT state) = 5 FROM task_instance"),
        ("fourth tries", "SELECT max(try_number) = 3 FROM task_instance_history"),
        ("odd ids", "SELECT count(*) > 0 FROM dag_run WHERE run_id LIKE '% %' AND run_id LIKE '%+%'"),
    ],
)  # fmt: skip
def test_the_history_has_every_awkward_thing(source: Connection, promise: str, query: str) -> None:
    """Each promise of the seed holds already for a small one."""
    seed_history(source, **SMALL)
    assert one(source, query) is True, promise


def test_two_calls_write_the_same(source: Connection, target: Connection) -> None:
    """The seed is the same each time, to the last column."""
    seed_history(source, **SMALL)
    seed_history(target, **SMALL)
    query = "SELECT md5(string_agg(t::text, '' ORDER BY dag_id, task_id, run_id, map_index)) FROM task_instance t"
    assert one(source, query) == one(target, query)


def test_a_second_call_adds_newer_runs(source: Connection) -> None:
    """The same DAGs go on where the first call ended."""
    seed_history(source, dags=1, runs=40, tasks=2, wide=0)
    seed_history(source, dags=1, runs=10, tasks=2, wide=0, first=40)
    assert one(source, "SELECT count(*) FROM dag_run") == 50


def test_the_server_serves_every_row(rig: Rig, source: Connection) -> None:
    """One page of everything has as many task instances as were seeded."""
    seeded = seed_history(source, **SMALL | {"dags": 1})
    path = f"/api/starship/task_instances?dag_id={seeded.dag_ids[0]}&limit=1000"
    answer, body = fetch(rig.source.url, path, headers={"Cookie": rig.source.log_in()})
    assert answer.status == 200
    assert len(json.loads(body)["task_instances"]) == seeded.task_instances


def test_finishing_leaves_nothing_unfinished(source: Connection) -> None:
    """Running and queued runs become part of the history."""
    seeded = seed_history(source, dags=1, runs=150, tasks=2, wide=0)
    assert finish_runs(source, seeded.dag_ids[0]) == seeded.runs - seeded.finished_runs
    assert len(finished_run_ids(source, seeded.dag_ids[0])) == seeded.runs


def test_a_rival_keeps_the_run_out(source: Connection, target: Connection) -> None:
    """A run at the same logical date under another id cannot be there twice."""
    add_run(source, "a", "one", conf={"n": float("inf")})
    assert add_rival(source, target, "a", "one") == "rival of one"
    with pytest.raises(UniqueViolation):
        copy_history(source, target, "a", ["one"])
