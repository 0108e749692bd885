"""What columns a deployment's tables have: asked of the database, so that no list of ours can be wrong about it."""

from typing import Any

import psycopg

from .columns import DAG_RUN_KEY, TASK_INSTANCE_KEY, TRY_KEY

Connection = psycopg.Connection[tuple[Any, ...]]

KEYS = {"dag_run": DAG_RUN_KEY, "task_instance": TASK_INSTANCE_KEY, "task_instance_history": TRY_KEY}
"""The history tables and their natural keys, parents before children."""


def columns_of(conn: Connection, table: str) -> tuple[str, ...]:
    """Return the names of a table's columns; none if there is no such table, as `task_instance_history` before 2.10."""
    query = (
        "SELECT column_name FROM information_schema.columns WHERE table_schema = 'public' AND table_name = %s"
        " ORDER BY ordinal_position"
    )
    return tuple(name for (name,) in conn.execute(query, [table]))


def is_airflow_3(conn: Connection) -> bool:
    """Tell whether the database is that of an Airflow 3."""
    return "logical_date" in columns_of(conn, "dag_run")
