"""The columns of the three tables of Airflow 2.11, in the database's order, with what PostgreSQL holds against them."""

from dataclasses import dataclass
from typing import Any, Final, Literal

from transfer.kinds import DAG_RUNS, TASK_INSTANCE_HISTORY, TASK_INSTANCES

ColumnType = Literal["text", "int", "float", "bool", "date", "naive date", "blob"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column: ``length`` in characters, ``required`` is NOT NULL; a ``hidden`` one is stored but never served."""

    name: str
    type: ColumnType
    length: int = 0
    required: bool = False
    default: Any = None
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """One table: its columns, and its unique constraints in the order in which PostgreSQL checks them."""

    name: str
    columns: tuple[Column, ...]
    unique: tuple[tuple[str, tuple[str, ...]], ...]

    @property
    def served(self) -> tuple[str, ...]:
        """The names that Starship's GET shows, sorted as in its answers."""
        return tuple(sorted(column.name for column in self.columns if not column.hidden))


def _text(name: str, length: int, *, required: bool = False) -> Column:
    return Column(name, "text", length, required=required)


def _int(name: str, *, required: bool = False, default: int | None = None) -> Column:
    return Column(name, "int", required=required, default=default)


def _date(name: str, *, required: bool = False, hidden: bool = False) -> Column:
    return Column(name, "date", required=required, hidden=hidden)


_ID: Final = Column("id", "int", hidden=True)

_TASK_IDENTITY: Final = (
    _text("task_id", 250, required=True),
    _text("dag_id", 250, required=True),
    _text("run_id", 250, required=True),
    _int("map_index", required=True, default=-1),
)
_TASK_TIMES: Final = (
    _date("start_date"),
    _date("end_date"),
    Column("duration", "float"),
    _text("state", 20),
)
_TASK_REST: Final = (
    _int("max_tries", default=-1),
    _text("hostname", 1000),
    _text("unixname", 1000),
    _int("job_id"),
    _text("pool", 256, required=True),
    _int("pool_slots", required=True),
    _text("queue", 256),
    _int("priority_weight"),
    _text("operator", 1000),
    _text("custom_operator_name", 1000),
    _date("queued_dttm"),
    _int("queued_by_job_id"),
    _int("pid"),
    _text("executor", 1000),
    Column("executor_config", "blob"),
    _date("updated_at", hidden=True),
    _text("rendered_map_index", 250),
    _text("external_executor_id", 250),
    _int("trigger_id"),
    Column("trigger_timeout", "naive date"),
    Column("next_method", "text", 1000, hidden=True),
    Column("next_kwargs", "blob", hidden=True),
    _text("task_display_name", 2000),
)

DAG_RUN: Final = Table(
    "dag_run",
    (
        _ID,
        _text("dag_id", 250, required=True),
        _date("queued_at"),
        _date("execution_date", required=True),
        _date("start_date"),
        _date("end_date"),
        _text("state", 50),
        _text("run_id", 250, required=True),
        _int("creating_job_id"),
        Column("external_trigger", "bool"),
        _text("run_type", 50, required=True),
        Column("conf", "blob"),
        _date("data_interval_start"),
        _date("data_interval_end"),
        _date("last_scheduling_decision"),
        _text("dag_hash", 32),
        Column("log_template_id", "int", hidden=True),
        _date("updated_at", hidden=True),
        _int("clear_number", required=True, default=0),
    ),
    (
        ("dag_run_dag_id_execution_date_key", ("dag_id", "execution_date")),
        ("dag_run_dag_id_run_id_key", ("dag_id", "run_id")),
    ),
)
TASK_INSTANCE: Final = Table(
    "task_instance",
    (*_TASK_IDENTITY, *_TASK_TIMES, _int("try_number"), *_TASK_REST),
    (("task_instance_pkey", ("dag_id", "task_id", "run_id", "map_index")),),
)
TASK_HISTORY: Final = Table(
    "task_instance_history",
    (_ID, *_TASK_IDENTITY, _int("try_number", required=True), *_TASK_TIMES, *_TASK_REST),
    (("task_instance_history_dtrt_uq", ("dag_id", "task_id", "run_id", "map_index", "try_number")),),
)

TABLES: Final = {
    DAG_RUNS.name: DAG_RUN,
    TASK_INSTANCES.name: TASK_INSTANCE,
    TASK_INSTANCE_HISTORY.name: TASK_HISTORY,
}
"""The table of each kind, by the kind's name."""
