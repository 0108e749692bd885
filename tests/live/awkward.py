"""Values that an Airflow 2 has picked up over the years, and that an Airflow 3 would store and could not show."""

import pickle
from typing import Any

import psycopg
from psycopg import sql

from .tables import KEYS

Connection = psycopg.Connection[tuple[Any, ...]]
Row = tuple[str, tuple[Any, ...]]
"""A table and the values of a row's key."""

BOGUS = "bogus"
"""A state that no rule can translate."""

_RUNS: tuple[tuple[str, Any], ...] = (
    ("conf", pickle.dumps(["a", {"list": 1}])),
    ("conf", pickle.dumps("text")),
    ("conf", pickle.dumps(7)),
    ("conf", pickle.dumps([])),
    ("conf", pickle.dumps(False)),
    ("run_type", "SCHEDULED"),
    ("run_type", "by_some_plugin"),
    ("data_interval_end", None),
    ("external_trigger", None),
    ("queued_at", None),
)
_TASKS: tuple[tuple[str, Any], ...] = (
    *(("state", state) for state in ("shutdown", "sensing", "none", "", "SUCCESS", "running", "queued", "deferred")),
    *(("state", state) for state in ("restarting", "removed", "up_for_retry", "up_for_reschedule", "scheduled", None)),
    ("max_tries", None),
    ("hostname", None),
    ("unixname", None),
    ("operator", None),
    ("duration", None),
    ("task_display_name", None),
)
_ONLY_NOW: tuple[tuple[str, Any], ...] = (("try_number", None), ("state", BOGUS))
_ONLY_BEFORE: tuple[tuple[str, Any], ...] = (("state", BOGUS),)


_OF_THE_TASK = " AND ".join(f"h.{name} = t.{name}" for name in KEYS["task_instance"])
_TRIED = f"EXISTS (SELECT FROM task_instance_history h WHERE {_OF_THE_TASK})"
_AWKWARD_BEFORE = f"EXISTS (SELECT FROM task_instance_history h WHERE {_OF_THE_TASK} AND h.state = '{BOGUS}')"


def make_awkward(source: Connection) -> list[Row]:
    """Put each of these values into a finished run's row of its own; return the rows that can have no place."""
    _put(source, "dag_run", _RUNS, "")
    tasks = _put(source, "task_instance", (*_TASKS, *_ONLY_NOW), f"AND NOT {_TRIED}")
    tries = _put(source, "task_instance_history", (*_TASKS, *_ONLY_BEFORE), "")
    homeless = [row for row, value in (*tasks, *tries) if value == BOGUS]
    ((tried, _),) = _put(source, "task_instance", (("state", BOGUS),), f"AND {_TRIED} AND NOT {_AWKWARD_BEFORE}")
    return [*homeless, tried, *_tries_of(source, tried[1])]


def _tries_of(source: Connection, key: tuple[Any, ...]) -> list[Row]:
    rows = source.execute(
        "SELECT dag_id, task_id, run_id, map_index, try_number FROM task_instance_history"
        " WHERE dag_id = %s AND task_id = %s AND run_id = %s AND map_index = %s",
        key,
    )
    return [("task_instance_history", row) for row in rows]


def _put(source: Connection, table: str, values: tuple[tuple[str, Any], ...], where: str) -> list[tuple[Row, Any]]:
    key = KEYS[table]
    query = sql.SQL(
        "SELECT {} FROM {} t WHERE EXISTS (SELECT FROM dag_run r WHERE r.dag_id = t.dag_id AND r.run_id = t.run_id"
        " AND r.state IN ('success', 'failed')) {} ORDER BY md5(t::text) LIMIT {}"
    ).format(
        sql.SQL(", ").join(sql.Identifier(name) for name in key), sql.Identifier(table), sql.SQL(where), len(values)
    )
    rows = source.execute(query).fetchall()
    for (name, value), row in zip(values, rows, strict=True):
        statement = sql.SQL("UPDATE {} SET {} = {} WHERE {}").format(
            sql.Identifier(table),
            sql.Identifier(name),
            sql.Placeholder(),
            sql.SQL(" AND ").join(sql.SQL("{} = {}").format(sql.Identifier(at), sql.Placeholder()) for at in key),
        )
        source.execute(statement, [value, *row])
    return [((table, row), value) for row, (_, value) in zip(rows, values, strict=True)]
