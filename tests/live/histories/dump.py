"""A whole Airflow database as one compressed file: PostgreSQL's own text of every value.

    {"airflow": "2.8.4", "tables": {"dag_run": {"columns": [..], "rows": [["1", "history_failed", null, ..], ..]}, ..}}

Left out is what Airflow makes itself and what must not be kept: accounts, sessions, connections, variables, the audit
log with its command lines.
"""

import gzip
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

Connection = psycopg.Connection[tuple[Any, ...]]
LEFT_OUT = ("ab_", "alembic_version", "connection", "variable", "session", "log", "callback_request", "sla_miss", "job")
DATA = Path(__file__).parent / "data"


class Table:
    """The rows of one table; a value is PostgreSQL's text of it or None."""

    def __init__(self, columns: list[str], rows: list[list[str | None]]) -> None:
        self.columns = columns
        self.rows = rows

    def records(self) -> list[dict[str, str | None]]:
        """Return each row by its columns' names."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


def dump_file(version: str) -> Path:
    """Return where the history made by that Airflow is kept."""
    return DATA / f"{version}.json.gz"


def read_database(conn: Connection, replaced: Mapping[str, str]) -> dict[str, Table]:
    """Return all tables but those left out, each text of `replaced` replaced wherever it occurs."""
    conn.execute("SET TIME ZONE 'UTC'")
    return {name: _read_table(conn, name, replaced) for name in _tables(conn)}


def _tables(conn: Connection) -> list[str]:
    found = conn.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename")
    return [name for (name,) in found if not _left_out(name)]


def _left_out(name: str) -> bool:
    return any(name == left or (left.endswith(("_", "version")) and name.startswith(left)) for left in LEFT_OUT)


def _read_table(conn: Connection, name: str, replaced: Mapping[str, str]) -> Table:
    columns = [
        column
        for (column,) in conn.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = 'public' AND table_name = %s"
            " ORDER BY ordinal_position",
            [name],
        )
    ]
    texts = [sql.SQL("{}::text").format(sql.Identifier(column)) for column in columns]
    query = sql.SQL("SELECT {} FROM {} ORDER BY {}").format(
        sql.SQL(", ").join(texts), sql.Identifier(name), sql.Identifier(columns[0])
    )
    return Table(columns, [[_replace(value, replaced) for value in row] for row in conn.execute(query)])


def _replace(value: str | None, replaced: Mapping[str, str]) -> str | None:
    if value is not None:
        for old, new in replaced.items():
            value = value.replace(old, new)
    return value


def save(version: str, tables: Mapping[str, Table]) -> Path:
    """Write the file of that version and return it; equal tables make equal bytes."""
    plain = {name: {"columns": table.columns, "rows": table.rows} for name, table in tables.items()}
    text = json.dumps({"airflow": version, "tables": plain}, ensure_ascii=False, separators=(",", ":"))
    file = dump_file(version)
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(gzip.compress(text.encode(), mtime=0))
    return file


def saved(version: str) -> dict[str, Table]:
    """Read the file of that version."""
    read = json.loads(gzip.decompress(dump_file(version).read_bytes()))
    return {name: Table(table["columns"], table["rows"]) for name, table in read["tables"].items()}
