"""All that a deployment's tables hold of the history, for comparing one moment with another."""

from typing import Any

import psycopg
from psycopg import sql

from .tables import KEYS, columns_of

Connection = psycopg.Connection[tuple[Any, ...]]
Everything = dict[str, list[tuple[Any, ...]]]


def everything(conn: Connection) -> Everything:
    """Return every column of every row of the history, whatever it means."""
    tables = [name for name in KEYS if columns_of(conn, name)]
    return {name: conn.execute(_ALL.format(sql.Identifier(name), _order(name))).fetchall() for name in tables}


def count_runs(conn: Connection) -> int:
    """Return the runs of all DAGs."""
    (runs,) = conn.execute("SELECT count(*) FROM dag_run").fetchone() or (0,)
    return int(runs)


_ALL = sql.SQL("SELECT * FROM {} ORDER BY {}")


def _order(table: str) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, KEYS[table]))
