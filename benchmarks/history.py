"""A plain history for measuring: no ties, no unfinished runs, so that simpler movers survive it as well."""

from tests.live.rig import Connection
from tests.live.seed import register_dags

DAG = "benchmark"

_RUNS = """
    INSERT INTO dag_run (dag_id, run_id, execution_date, queued_at, start_date, end_date, state, run_type,
        external_trigger, conf, data_interval_start, data_interval_end, last_scheduling_decision, dag_hash,
        clear_number, log_template_id)
    SELECT %(dag)s, 'scheduled__' || to_char(at, 'YYYY-MM-DD"T"HH24:MI:SS') || '+00:00', at, at + interval '61 minutes',
        at + interval '62 minutes', at + interval '75 minutes', CASE WHEN n %% 20 = 0 THEN 'failed' ELSE 'success' END,
        'scheduled', false, '\\x80047d942e', at, at + interval '1 hour', at + interval '75 minutes',
        md5('benchmark'), 0, 1
    FROM generate_series(1, %(runs)s) n, LATERAL (SELECT timestamptz '2020-01-01 UTC' + n * interval '1 hour' AS at) t
"""
_TASKS = """
    INSERT INTO task_instance (dag_id, run_id, task_id, map_index, start_date, end_date, duration, state, try_number,
        max_tries, hostname, unixname, job_id, pool, pool_slots, queue, priority_weight, operator, queued_dttm,
        queued_by_job_id, pid, executor_config, task_display_name, custom_operator_name)
    SELECT dag_id, run_id, 'transform_step_' || t, -1, start_date + t * interval '1 minute',
        start_date + t * interval '1 minute' + interval '41.5 seconds', 41.5, 'success',
        CASE WHEN t %% 5 = 0 THEN 2 ELSE 1 END, 2, 'worker-' || t || '.example.internal', 'airflow', t, 'default_pool',
        1, 'default', 10 - t, 'PythonOperator', start_date, 1, 4000 + t, '\\x80057d942e', 'transform_step_' || t,
        'PythonOperator'
    FROM dag_run, generate_series(0, %(tasks)s - 1) t WHERE dag_id = %(dag)s
"""
_TRIES = """
    INSERT INTO task_instance_history (dag_id, run_id, task_id, map_index, start_date, end_date, duration, state,
        try_number, max_tries, hostname, unixname, job_id, pool, pool_slots, queue, priority_weight, operator,
        queued_dttm, queued_by_job_id, pid, executor_config, task_display_name, custom_operator_name)
    SELECT dag_id, run_id, task_id, map_index, start_date - interval '5 minutes', start_date - interval '4 minutes', 60,
        'failed', 1, max_tries, hostname, unixname, job_id, pool, pool_slots, queue, priority_weight, operator,
        queued_dttm, queued_by_job_id, pid, executor_config, task_display_name, custom_operator_name
    FROM task_instance WHERE dag_id = %(dag)s AND try_number = 2
"""


def seed(conn: Connection, *, runs: int, tasks: int) -> int:
    """Fill the source with one DAG of ``runs`` runs and ``tasks`` task instances each; return the rows of all kinds."""
    register_dags(conn, [DAG])
    values = {"dag": DAG, "runs": runs, "tasks": tasks}
    with conn.transaction():
        rows = sum(conn.execute(statement, values).rowcount for statement in (_RUNS, _TASKS, _TRIES))
    conn.execute("ANALYZE dag_run, task_instance, task_instance_history")
    return rows


def empty(conn: Connection) -> None:
    """Make the target ready for the next candidate: the DAG is there, its history is not."""
    conn.execute("TRUNCATE dag_run, task_instance, task_instance_history CASCADE")
    register_dags(conn, [DAG])
    conn.execute("VACUUM ANALYZE dag_run, task_instance, task_instance_history")


def empty_of(conn: Connection, kind: str) -> None:
    """Remove the rows of one kind, ``dag_runs`` for instance, with all that hangs on them."""
    table = {"dag_runs": "dag_run", "task_instances": "task_instance"}.get(kind, kind)
    conn.execute(f"TRUNCATE {table} CASCADE")
    conn.execute(f"VACUUM ANALYZE {table}")


def count(conn: Connection) -> int:
    """Return the rows of all kinds."""
    tables = ("dag_run", "task_instance", "task_instance_history")
    selects = " UNION ALL ".join(f"SELECT count(*) AS n FROM {table}" for table in tables)  # noqa: S608  fixed names
    (rows,) = conn.execute(f"SELECT sum(n) FROM ({selects}) counts").fetchone() or (0,)  # noqa: S608  fixed names
    return int(rows)


def count_runs(conn: Connection) -> int:
    """Return the runs alone."""
    (runs,) = conn.execute("SELECT count(*) FROM dag_run").fetchone() or (0,)
    return int(runs)
