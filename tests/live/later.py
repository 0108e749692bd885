"""What happens to two deployments while, before or after a history is moved.

The connections are those of `Side.connect`, which commit each statement.
"""

import pickle
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg import sql

from .columns import DAG_RUN, TASK_INSTANCE

Connection = psycopg.Connection[tuple[Any, ...]]
_TABLES = (("dag_run", DAG_RUN), ("task_instance", TASK_INSTANCE), ("task_instance_history", TASK_INSTANCE))


def add_run(conn: Connection, dag_id: str, run_id: str, *, conf: Any = None, state: str = "success") -> None:
    """Add one run, newer than all others, with whatever `conf` can be pickled."""
    now = datetime.now(UTC)
    conn.execute(
        "INSERT INTO dag_run (dag_id, run_id, execution_date, start_date, end_date, state, run_type, external_trigger,"
        " conf, log_template_id) VALUES (%s, %s, %s, %s, %s, %s, 'manual', true, %s, 1)",
        [dag_id, run_id, now, now, None if state in ("running", "queued") else now, state, pickle.dumps(conf)],
    )


def add_rival(source: Connection, target: Connection, dag_id: str, run_id: str) -> str:
    """Give the target another run at the logical date of the source's run; return the rival's run id."""
    found = source.execute(
        "SELECT execution_date FROM dag_run WHERE dag_id = %s AND run_id = %s", [dag_id, run_id]
    ).fetchone()
    if found is None:
        raise LookupError(f"the source has no run {run_id!r} of {dag_id!r}")
    rival = f"rival of {run_id}"[:250]
    target.execute(
        "INSERT INTO dag_run (dag_id, run_id, execution_date, state, run_type, external_trigger, log_template_id)"
        " VALUES (%s, %s, %s, 'success', 'manual', true, 1)",
        [dag_id, rival, found[0]],
    )
    return rival


def finish_runs(conn: Connection, dag_id: str) -> int:
    """Let every running and queued run of a DAG succeed now, its task instances too; return how many runs it were."""
    with conn.transaction():
        conn.execute(
            "UPDATE task_instance t SET state = 'success', start_date = coalesce(t.start_date, now()),"
            " end_date = now(), try_number = greatest(t.try_number, 1) FROM dag_run r WHERE t.dag_id = %s"
            " AND r.dag_id = t.dag_id AND r.run_id = t.run_id AND r.state IN ('running', 'queued')",
            [dag_id],
        )
        return conn.execute(
            "UPDATE dag_run SET state = 'success', start_date = coalesce(start_date, now()), end_date = now()"
            " WHERE dag_id = %s AND state IN ('running', 'queued')",
            [dag_id],
        ).rowcount


def finished_run_ids(conn: Connection, dag_id: str) -> list[str]:
    """Return the ids of a DAG's finished runs, oldest logical date first."""
    rows = conn.execute(
        "SELECT run_id FROM dag_run WHERE dag_id = %s AND state IN ('success', 'failed') ORDER BY execution_date",
        [dag_id],
    )
    return [run_id for (run_id,) in rows]


def run_again(conn: Connection, dag_id: str, run_ids: Sequence[str]) -> None:
    """Clear finished runs and let them succeed again: what was becomes history, start dates, tries and hosts change."""
    columns = sql.SQL(", ").join(map(sql.Identifier, TASK_INSTANCE))
    which = [dag_id, list(run_ids)]
    with conn.transaction():
        conn.execute(
            sql.SQL(
                "INSERT INTO task_instance_history ({}) SELECT {} FROM task_instance"
                " WHERE dag_id = %s AND run_id = ANY(%s) AND state IS NOT NULL ON CONFLICT DO NOTHING"
            ).format(columns, columns),
            which,
        )
        conn.execute(
            "UPDATE task_instance SET state = 'success', try_number = coalesce(try_number, 0) + 1, hostname = 'again',"
            " start_date = now(), end_date = now() WHERE dag_id = %s AND run_id = ANY(%s)",
            which,
        )
        conn.execute(
            "UPDATE dag_run SET state = 'success', clear_number = clear_number + 1, end_date = now(),"
            " start_date = now() + id * interval '1 millisecond' WHERE dag_id = %s AND run_id = ANY(%s)",
            which,
        )


def copy_history(
    source: Connection, target: Connection, dag_id: str, run_ids: Sequence[str], *, tables: int = len(_TABLES)
) -> None:
    """Copy runs with their task instances and tries past any API, as if something else had moved them.

    `tables=1` copies the runs alone, `tables=2` leaves out the earlier tries.
    """
    with target.transaction():
        for table, columns in _TABLES[:tables]:
            _copy_table(source, target, table, columns, (dag_id, run_ids))


def _copy_table(
    source: Connection, target: Connection, table: str, columns: Sequence[str], which: tuple[str, Sequence[str]]
) -> None:
    values = (sql.SQL("NULL::integer") if name == "trigger_id" else sql.Identifier(name) for name in columns)
    read = sql.SQL("COPY (SELECT {} FROM {} WHERE dag_id = {} AND run_id = ANY({})) TO STDOUT (FORMAT BINARY)").format(
        sql.SQL(", ").join(values), sql.Identifier(table), sql.Literal(which[0]), sql.Literal(list(which[1]))
    )
    write = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with source.cursor() as reader, target.cursor() as writer, reader.copy(read) as rows, writer.copy(write) as into:
        for data in rows:
            into.write(data)
