"""The tables of Airflow 2.4 to 2.11 in the database's order; a column names the release that brought it.

Served columns and what they must hold were measured on 2.4.3 to 2.11.2 with PostgreSQL; where the hidden ones stand in
older releases is taken from Airflow's models.
"""

from dataclasses import replace
from typing import Final

from transfer.emulator.schema import Column, Release, Table, date, hidden, integer, text
from transfer.kinds import DAG_RUNS, TASK_INSTANCE_HISTORY, TASK_INSTANCES

TRIES_SINCE: Final[Release] = (2, 10)
"""The release that brought the table of earlier tries."""

_ID: Final = hidden("id", "int")

_TASK_IDENTITY: Final = (
    text("task_id", 250, required=True),
    text("dag_id", 250, required=True),
    text("run_id", 250, required=True),
    integer("map_index", required=True, default=-1),
)
_TASK_TIMES: Final = (
    date("start_date"),
    date("end_date"),
    Column("duration", "float"),
    text("state", 20),
)
_TASK_REST: Final = (
    integer("max_tries", default=-1),
    text("hostname", 1000),
    text("unixname", 1000),
    integer("job_id"),
    text("pool", 256, required=True),
    integer("pool_slots", required=True),
    text("queue", 256),
    integer("priority_weight"),
    text("operator", 1000),
    text("custom_operator_name", 1000, since=(2, 7)),
    date("queued_dttm"),
    integer("queued_by_job_id"),
    integer("pid"),
    text("executor", 1000, since=(2, 10)),
    Column("executor_config", "blob"),
    hidden("updated_at", "date", since=(2, 5)),
    text("rendered_map_index", 250, since=(2, 9)),
    text("external_executor_id", 250),
    integer("trigger_id"),
    Column("trigger_timeout", "naive date"),
    hidden("next_method", "text", 1000),
    hidden("next_kwargs", "blob"),
    text("task_display_name", 2000, since=(2, 9)),
)

_DAG_RUN: Final = Table(
    "dag_run",
    (
        _ID,
        text("dag_id", 250, required=True),
        date("queued_at"),
        date("execution_date", required=True),
        date("start_date"),
        date("end_date"),
        text("state", 50),
        text("run_id", 250, required=True),
        integer("creating_job_id"),
        Column("external_trigger", "bool"),
        text("run_type", 50, required=True),
        Column("conf", "blob"),
        date("data_interval_start"),
        date("data_interval_end"),
        date("last_scheduling_decision"),
        text("dag_hash", 32),
        hidden("log_template_id", "int"),
        hidden("updated_at", "date", since=(2, 5)),
        Column("clear_number", "int", required=True, default=0, since=(2, 8), default_since=(2, 9)),
    ),
    (
        ("dag_run_dag_id_execution_date_key", ("dag_id", "execution_date")),
        ("dag_run_dag_id_run_id_key", ("dag_id", "run_id")),
    ),
)
_TASK_INSTANCE: Final = Table(
    "task_instance",
    (*_TASK_IDENTITY, *_TASK_TIMES, integer("try_number"), *_TASK_REST),
    (("task_instance_pkey", ("dag_id", "task_id", "run_id", "map_index")),),
)
_TASK_HISTORY: Final = Table(
    "task_instance_history",
    (_ID, *_TASK_IDENTITY, integer("try_number", required=True), *_TASK_TIMES, *_TASK_REST),
    (("task_instance_history_dtrt_uq", ("dag_id", "task_id", "run_id", "map_index", "try_number")),),
)


def tables(release: Release) -> dict[str, Table]:
    """Return the tables of that release by the names of their kinds; before 2.10 there are no earlier tries."""
    result = {DAG_RUNS.name: _of(_DAG_RUN, release), TASK_INSTANCES.name: _of(_TASK_INSTANCE, release)}
    if release >= TRIES_SINCE:
        result[TASK_INSTANCE_HISTORY.name] = _of(_TASK_HISTORY, release)
    return result


def _of(table: Table, release: Release) -> Table:
    columns = (column for column in table.columns if column.since <= release)
    return replace(table, columns=tuple(_column(column, release) for column in columns))


def _column(column: Column, release: Release) -> Column:
    return column if column.default_since <= release else replace(column, default=None)
