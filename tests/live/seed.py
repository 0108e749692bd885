"""Fills a source with a history that has everything that has ever gone wrong; the same at every call."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from random import Random
from typing import Any

import psycopg
from psycopg import sql

from . import seed_airflow3
from .columns import DAG_RUN, NOT_CARRIED, TASK_INSTANCE
from .seed_runs import Run, all_runs, dag_name
from .seed_tasks import TRIGGER_ID, Task, tasks_of
from .tables import KEYS, columns_of, is_airflow_3

Connection = psycopg.Connection[tuple[Any, ...]]
SEED = 20_260_101
_OF_TASKS = (*TASK_INSTANCE, *NOT_CARRIED["task_instance"])
_DAG = {
    "is_active": True,
    "is_subdag": False,
    "is_stale": False,
    "fileloc": "/dags/a.py",
    "bundle_name": "dags-folder",
    "owners": "airflow",
    "schedule_interval": '"@hourly"',
    "timetable_summary": "@hourly",
    "default_view": "grid",
    "max_active_tasks": 16,
    "max_active_runs": 16,
    "max_consecutive_failed_dag_runs": 0,
    "has_task_concurrency_limits": False,
}
"""A row of table `dag`; each version has some of these columns."""


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
    keeps_tries = bool(columns_of(conn, "task_instance_history"))
    for run in written:
        of_run = list(tasks_of(run, tasks, wide, random))
        made += of_run
        _count(seeded, of_run, finished=run.finished, keeps_tries=keeps_tries)
    with conn.transaction():
        register_dags(conn, seeded.dag_ids)
        _write(conn, written, made)
    conn.execute(f"ANALYZE {', '.join(name for name in KEYS if columns_of(conn, name))}")
    return seeded


def _write(conn: Connection, runs: list[Run], tasks: list[Task]) -> None:
    conn.execute(
        "INSERT INTO trigger (id, classpath, kwargs, created_date) VALUES (%s, '', '{}', now()) ON CONFLICT DO NOTHING",
        [TRIGGER_ID],
    )
    new = is_airflow_3(conn)
    of_runs = (dict(zip((*DAG_RUN, *NOT_CARRIED["dag_run"]), run.row(), strict=True)) for run in runs)
    copy_known(conn, "dag_run", map(seed_airflow3.run_row, of_runs) if new else of_runs)
    tries = [earlier for task in tasks for earlier in task.earlier_tries()]
    for table, made in (("task_instance", tasks), ("task_instance_history", tries)):
        history = table == "task_instance_history"
        rows = (dict(zip(_OF_TASKS, task.row(history=history), strict=True)) for task in made)
        copy_known(conn, table, (seed_airflow3.task_row(row, history=history) for row in rows) if new else rows)


def _count(seeded: Seeded, of_run: list[Task], *, finished: bool, keeps_tries: bool) -> None:
    tries = sum(max(task.try_number - 1, 0) for task in of_run) if keeps_tries else 0
    seeded.runs += 1
    seeded.task_instances += len(of_run)
    seeded.tries += tries
    if finished:
        seeded.finished_runs += 1
        seeded.finished_task_instances += len(of_run)
        seeded.finished_tries += tries


def register_dags(conn: Connection, dag_ids: Iterable[str], *, paused: bool = True) -> None:
    """Give each DAG its row in table `dag`, without which Starship does not list it; those that have one keep it."""
    known = columns_of(conn, "dag")
    if is_airflow_3(conn):
        conn.execute("INSERT INTO dag_bundle (name, active) VALUES ('dags-folder', true) ON CONFLICT DO NOTHING")
    for dag_id in dag_ids:
        row = {name: value for name, value in _DAG.items() if name in known} | {"dag_id": dag_id, "is_paused": paused}
        statement = sql.SQL("INSERT INTO dag ({}) VALUES ({}) ON CONFLICT DO NOTHING").format(
            sql.SQL(", ").join(map(sql.Identifier, row)), sql.SQL(", ").join(map(sql.Literal, row.values()))
        )
        conn.execute(statement)


def copy_known(conn: Connection, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write of each row what the table has columns for; nothing if there is no such table, as for tries before 2.10."""
    remaining = iter(rows)
    first, known = next(remaining, None), columns_of(conn, table)
    if first is None or not known:
        return
    columns = [name for name in first if name in known]
    copy_rows(conn, table, columns, (tuple(row[name] for name in columns) for row in chain([first], remaining)))


def copy_rows(conn: Connection, table: str, columns: Iterable[str], rows: Iterable[tuple[Any, ...]]) -> None:
    """Write `rows` with COPY, which is a hundred times faster than INSERT."""
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with conn.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)
