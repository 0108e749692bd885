"""Changes one value of every column of a moved history, each in a row of its own: what a comparison has to find."""

from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg import sql

from .tables import KEYS, columns_of

Connection = psycopg.Connection[tuple[Any, ...]]
Planted = set[tuple[str, str, tuple[Any, ...]]]
"""Table, column and the values of the row's key."""

_OTHER = {
    "character varying": "left(coalesce({0}, ''), 18) || 'x'",
    "text": "left(coalesce({0}, ''), 18) || 'x'",
    "integer": "coalesce({0}, 0) + 1",
    "boolean": "NOT coalesce({0}, false)",
    "double precision": "coalesce({0}, 0) + 0.125",
    "timestamp with time zone": "coalesce({0}, '2024-02-29T12:00:00Z') + interval '1 microsecond'",
    "timestamp without time zone": "coalesce({0}, '2024-02-29T12:00:00') + interval '1 microsecond'",
    "jsonb": """'{{"planted": 1}}'""",
    "bytea": r"'\x80047d948c07706c616e7465644b01732e'",  # a pickled {"planted": 1}
    "uuid": "gen_random_uuid()",
}
_SPECIAL = {
    "context_carrier": """'{{"__var": {{"planted": 1}}, "__type": "dict"}}'""",  # Airflow's own way to store JSON
    "next_kwargs": """'{{"__var": {{"planted": 1}}, "__type": "dict"}}'""",
    "trigger_id": "1",
    "log_template_id": "1",
    "dag_version_id": "NULL",
    "created_dag_version_id": "NULL",
}
"""What is possible where another table has to have the row, or Airflow could not read any other value."""

_FREE = {"dag_run": {"id"}, "task_instance": set[str](), "task_instance_history": {"id"}}
_UNREACHABLE = {"backfill_id"}


def plant_everywhere(target: Connection) -> Planted:
    """Change each column but keys, row numbers and what refers to backfills; return what was changed.

    The target needs more rows of each kind than the table has columns, or none. The executor_config gets a few bytes
    more than that of nothing has.
    """
    target.execute(
        "INSERT INTO trigger (id, classpath, kwargs, created_date) VALUES (1, '', '{}', now()) ON CONFLICT DO NOTHING"
    )
    planted: Planted = set()
    for table, key in KEYS.items():
        types = types_of(target, table)
        names = [name for name in columns_of(target, table) if name not in {*key, *_FREE[table], *_UNREACHABLE}]
        rows = _rows(target, table, key, len(names)) if names else []
        for name, row in zip(names if rows else [], rows, strict=True):
            change_value(target, table, name, types[name], dict(zip(key, row, strict=True)))
            planted.add((table, name, row))
    return planted


def types_of(target: Connection, table: str) -> dict[str, str]:
    """Return PostgreSQL's name of each column's type."""
    query = "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = %s"
    return dict(target.execute(query, [table]).fetchall())


def _rows(target: Connection, table: str, key: tuple[str, ...], count: int) -> list[tuple[Any, ...]]:
    names = sql.SQL(", ").join(map(sql.Identifier, key))
    query = sql.SQL("SELECT {0} FROM {1} ORDER BY md5({1}::text) LIMIT {2}")
    return target.execute(query.format(names, sql.Identifier(table), count)).fetchall()


def change_value(target: Connection, table: str, name: str, type_: str, key: Mapping[str, Any]) -> None:
    """Give one column of the row with this key a value that is another in any case."""
    other = _SPECIAL.get(name) or _OTHER[type_]
    statement = sql.SQL("UPDATE {} SET {} = {} WHERE {}").format(
        sql.Identifier(table),
        sql.Identifier(name),
        sql.SQL(other).format(sql.Identifier(name)),
        sql.SQL(" AND ").join(sql.SQL("{} = {}").format(sql.Identifier(at), sql.Literal(key[at])) for at in key),
    )
    target.execute(statement)
