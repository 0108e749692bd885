"""Puts a kept history into the database of an Airflow of the same version."""

from collections.abc import Iterable

from psycopg import sql

from .dump import Connection, Table, saved


def load_history(conn: Connection, version: str) -> None:
    """Replace everything but accounts and settings in this database by the history that Airflow `version` made.

    The database must be one of exactly that version, and `conn` a superuser's.
    """
    tables = saved(version)
    with conn.transaction():
        conn.execute("SET LOCAL session_replication_role = replica")  # no foreign key is checked: the order is free
        every = sql.SQL(", ").join(map(sql.Identifier, tables))
        conn.execute(sql.SQL("TRUNCATE {} RESTART IDENTITY CASCADE").format(every))
        for name, table in tables.items():
            _write(conn, name, table)
        _move_sequences_on(conn, tables)
    conn.execute("ANALYZE")


def _write(conn: Connection, name: str, table: Table) -> None:
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(name), sql.SQL(", ").join(map(sql.Identifier, table.columns))
    )
    with conn.cursor() as cursor, cursor.copy(statement) as copy:
        for row in table.rows:
            copy.write_row(row)


def _move_sequences_on(conn: Connection, tables: Iterable[str]) -> None:
    counted = conn.execute(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
        " AND column_default LIKE 'nextval%%' AND table_name = ANY(%s)",
        [list(tables)],
    ).fetchall()
    for table, column in counted:
        highest = sql.SQL("SELECT max({}) FROM {}").format(sql.Identifier(column), sql.Identifier(table))
        move = sql.SQL("SELECT setval(pg_get_serial_sequence({}, {}), h.max) FROM ({}) h WHERE h.max IS NOT NULL")
        conn.execute(move.format(sql.Literal(table), sql.Literal(column), highest))
