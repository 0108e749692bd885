"""Fills a source with a history that has everything that has ever gone wrong; the same at every call."""

from collections.abc import Iterable
from dataclasses import dataclass
from random import Random
from typing import Any

import psycopg
from psycopg import sql

from .columns import DAG_RUN, NOT_CARRIED, TASK_INSTANCE
from .seed_runs import Run, all_runs, dag_name
from .seed_tasks import TRIGGER_ID, Task, tasks_of

Connection = psycopg.Connection[tuple[Any, ...]]
SEED = 20_260_101


@dataclass(slots=True)
class Seeded:
    """What was written; the `finished_` counts are those of finished runs, which are the ones that move."""

    dag_ids: tuple[str, ...] = ()
    runs: int = 0
    task_instances: int = 0
    tries: int = 0
    finished_runs: int = 0
    finished_task_instances: int = 0
    finished_tries: int = 0


def seed_history(
    conn: Connection, *, dags: int = 3, runs: int = 2000, tasks: int = 10, wide: int = 3000, first: int = 0
) -> Seeded:
    """Write `dags` DAGs with `runs` runs each, all or nothing.

    `wide` is the number of map indexes in the one wide run, 0 for none. `first` is the first run's number: a second
    call with `first=runs` adds newer runs to the same DAGs.
    """
    seeded = Seeded(tuple(dag_name(dag) for dag in range(dags)))
    made: list[Task] = []
    random, written = Random(SEED + first), list(all_runs(dags, runs, first))  # noqa: S311 - must be the same each time
    for run in written:
        of_run = list(tasks_of(run, tasks, wide, random))
        made += of_run
        _count(seeded, of_run, finished=run.finished)
    with conn.transaction():
        register_dags(conn, seeded.dag_ids)
        _write(conn, written, made)
    conn.execute("ANALYZE dag_run, task_instance, task_instance_history")
    return seeded


def _write(conn: Connection, runs: list[Run], tasks: list[Task]) -> None:
    conn.execute(
        "INSERT INTO trigger (id, classpath, kwargs, created_date) VALUES (%s, '', '{}', now()) ON CONFLICT DO NOTHING",
        [TRIGGER_ID],
    )
    copy_rows(conn, "dag_run", (*DAG_RUN, *NOT_CARRIED["dag_run"]), (run.row() for run in runs))
    columns = (*TASK_INSTANCE, *NOT_CARRIED["task_instance"])
    copy_rows(conn, "task_instance", columns, (task.row() for task in tasks))
    tries = (earlier.row(history=True) for task in tasks for earlier in task.earlier_tries())
    copy_rows(conn, "task_instance_history", columns, tries)


def _count(seeded: Seeded, of_run: list[Task], *, finished: bool) -> None:
    tries = sum(max(task.try_number - 1, 0) for task in of_run)
    seeded.runs += 1
    seeded.task_instances += len(of_run)
    seeded.tries += tries
    if finished:
        seeded.finished_runs += 1
        seeded.finished_task_instances += len(of_run)
        seeded.finished_tries += tries


def register_dags(conn: Connection, dag_ids: Iterable[str], *, paused: bool = True) -> None:
    """Give each DAG its row in table `dag`, without which Starship does not list it; those that have one keep it."""
    for dag_id in dag_ids:
        conn.execute(
            "INSERT INTO dag (dag_id, is_paused, is_active, is_subdag, fileloc, owners, description, schedule_interval,"
            " default_view, max_active_tasks, max_active_runs, max_consecutive_failed_dag_runs,"
            " has_task_concurrency_limits) VALUES (%s, %s, true, false, '/dags/a.py', 'airflow', NULL,"
            " '\"@hourly\"', 'grid', 16, 16, 0, false) ON CONFLICT DO NOTHING",
            [dag_id, paused],
        )


def copy_rows(conn: Connection, table: str, columns: Iterable[str], rows: Iterable[tuple[Any, ...]]) -> None:
    """Write `rows` with COPY, which is a hundred times faster than INSERT."""
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with conn.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)
