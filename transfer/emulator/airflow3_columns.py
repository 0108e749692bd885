"""The tables of Airflow 3.1 in the database's order, as they are in PostgreSQL, and what Starship does with them."""

from typing import Final

from transfer.emulator.schema import Column, Release, Table, date, hidden, integer, text
from transfer.kinds import DAG_RUNS, TASK_INSTANCE_HISTORY, TASK_INSTANCES

_RUN_STRIPS: Final = frozenset(
    {"id", "log_template_id", "backfill_id", "dag_version_id", "created_dag_version_id"},
)
_TASK_STRIPS: Final = frozenset({"trigger_id", "dag_version_id", "created_dag_version_id"})
_TRY_STRIPS: Final = frozenset({"dag_version_id", "created_dag_version_id"})

_CLEARED: Final = Column("clear_number", "int", required=True, default=0)
_SPAN: Final = Column("span_status", "text", 250, required=True, default="not_started")
_HIDDEN_SPAN: Final = Column("span_status", "text", 250, required=True, default="not_started", hidden=True)

_IDENTITY: Final = (
    text("task_id", 250, required=True),
    text("dag_id", 250, required=True),
    text("run_id", 250, required=True),
    integer("map_index", required=True, default=-1),
)
_TIMES: Final = (date("start_date"), date("end_date"), Column("duration", "float"), text("state", 20))
_PLACE: Final = (
    integer("max_tries", default=-1),
    text("hostname", 1000),
    text("unixname", 1000),
    text("pool", 256, required=True),
    integer("pool_slots", required=True),
    text("queue", 256),
    integer("priority_weight"),
    text("operator", 1000),
    text("custom_operator_name", 1000),
    date("queued_dttm"),
    date("scheduled_dttm"),
    integer("queued_by_job_id"),
)
_EXECUTION: Final = (
    integer("pid"),
    text("executor", 1000),
    Column("executor_config", "blob"),
    hidden("updated_at", "date"),
    text("rendered_map_index", 250),
    hidden("context_carrier", "json"),
    _HIDDEN_SPAN,
    text("external_executor_id", 250),
    integer("trigger_id"),
)
_REST: Final = (
    hidden("next_method", "text", 1000),
    hidden("next_kwargs", "json"),
    text("task_display_name", 2000),
    Column("dag_version_id", "uuid"),
)
_SERVED: Final = (
    "dag_id", "run_id", "task_id", "map_index", "try_number", "start_date", "end_date", "duration", "state",
    "max_tries", "hostname", "unixname", "pool", "pool_slots", "queue", "priority_weight", "operator",
    "custom_operator_name", "queued_dttm", "scheduled_dttm", "queued_by_job_id", "pid", "executor",
    "external_executor_id", "trigger_id", "trigger_timeout", "executor_config", "rendered_map_index",
    "task_display_name", "dag_version_id",
)  # fmt: skip

_RUN_COLUMNS: Final = (
    Column("id", "int"),
    text("dag_id", 250, required=True),
    date("queued_at"),
    date("logical_date"),
    date("start_date"),
    date("end_date"),
    text("state", 50),
    text("run_id", 250, required=True),
    integer("creating_job_id"),
    text("run_type", 50, required=True),
    text("triggered_by", 50),
    text("triggering_user_name", 512),
    Column("conf", "json"),
    date("data_interval_start"),
    date("data_interval_end"),
    date("run_after", required=True),
    date("last_scheduling_decision"),
    integer("log_template_id"),
    date("updated_at"),
    _CLEARED,
    integer("backfill_id"),
    text("bundle_version", 250),
    integer("scheduled_by_job_id"),
    Column("context_carrier", "json"),
    _SPAN,
    Column("created_dag_version_id", "uuid"),
)
_DAG_RUN: Final = Table(
    "dag_run",
    _RUN_COLUMNS,
    (
        ("dag_run_dag_id_run_id_key", ("dag_id", "run_id")),
        ("dag_run_dag_id_logical_date_key", ("dag_id", "logical_date")),
    ),
    order=tuple(column.name for column in _RUN_COLUMNS),
    ignores="dag_run_dag_id_run_id_key",
    strips=_RUN_STRIPS,
    lenient=True,
)
_TASK_INSTANCE: Final = Table(
    "task_instance",
    (
        Column("id", "uuid", required=True),
        *_IDENTITY,
        *_TIMES,
        integer("try_number"),
        *_PLACE,
        hidden("last_heartbeat_at", "date"),
        *_EXECUTION,
        date("trigger_timeout"),
        *_REST,
    ),
    (
        ("task_instance_composite_key", ("dag_id", "task_id", "run_id", "map_index")),
        ("task_instance_pkey", ("id",)),
    ),
    order=("id", *_SERVED),
    ignores="task_instance_composite_key",
    strips=_TASK_STRIPS,
    lenient=True,
)
_TASK_HISTORY: Final = Table(
    "task_instance_history",
    (
        Column("task_instance_id", "uuid", required=True),
        *_IDENTITY,
        integer("try_number", required=True),
        *_TIMES,
        *_PLACE,
        *_EXECUTION,
        Column("trigger_timeout", "naive date"),
        *_REST,
    ),
    (
        ("task_instance_history_dtrt_uq", ("dag_id", "task_id", "run_id", "map_index", "try_number")),
        ("task_instance_history_pkey", ("task_instance_id",)),
    ),
    order=("task_instance_id", *_SERVED),
    ignores="task_instance_history_dtrt_uq",
    strips=_TRY_STRIPS,
    lenient=True,
)


def tables(_release: Release) -> dict[str, Table]:
    """Return the tables by the names of their kinds; only 3.1 was measured, other releases are given the same."""
    return {
        DAG_RUNS.name: _DAG_RUN,
        TASK_INSTANCES.name: _TASK_INSTANCE,
        TASK_INSTANCE_HISTORY.name: _TASK_HISTORY,
    }
