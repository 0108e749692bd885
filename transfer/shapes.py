"""What rows look like, version by version: the columns that Starship serves and takes, as data.

Read from real servers with Starship 2.10.1 on PostgreSQL: 2.4.3, 2.5.3, 2.6.3, 2.7.3, 2.8.4, 2.9.3, 2.10.5, 2.11.2 and
3.1.8. What a GET serves is what a POST takes; on Airflow 3 the server keeps some of it for itself.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from transfer.kinds import DAG_RUNS, KINDS, TASK_INSTANCE_HISTORY, TASK_INSTANCES, Kind

Version: TypeAlias = tuple[int, int]
"""Major and minor version of an Airflow."""

Type: TypeAlias = Literal["text", "int", "float", "bool", "date", "json", "uuid"]

AIRFLOW_3: Final[Version] = (3, 0)
OLDEST: Final[Version] = (2, 4)
"""The oldest Airflow whose rows are known."""


@dataclass(frozen=True, slots=True)
class Field:
    """One column of one kind.

    ``required`` is NOT NULL without a default that a POST could rely on. ``default`` is what a row gets where its
    source knows nothing of the column. ``own`` is the server's own: made there or dropped there, whatever is sent.
    """

    name: str
    type: Type
    required: bool = False
    default: int | str | None = None
    own: bool = False


Fields: TypeAlias = Mapping[str, Field]
"""The columns of one kind by name."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The rows of one Airflow version; ``exact`` says whether that version was measured, or only an older one."""

    version: Version
    fields: Mapping[str, Fields]
    unique: Mapping[str, tuple[tuple[str, ...], ...]]
    exact: bool = True

    def of(self, kind: Kind) -> Fields:
        """Return the columns of ``kind``; none if this version does not keep such rows."""
        return self.fields[kind.name]

    def keeps(self, kind: Kind) -> bool:
        """Tell whether this version has a place for rows of ``kind``."""
        return bool(self.fields[kind.name])


def _fields(type_: Type, names: str, *, required: bool = False, own: bool = False) -> list[Field]:
    return [Field(name, type_, required=required, own=own) for name in names.split()]


_RUN_2: Final = (
    *_fields("text", "dag_id run_id run_type", required=True),
    *_fields("date", "execution_date", required=True),
    *_fields("date", "queued_at start_date end_date data_interval_start data_interval_end last_scheduling_decision"),
    *_fields("text", "state dag_hash"),
    *_fields("int", "creating_job_id"),
    *_fields("bool", "external_trigger"),
    *_fields("json", "conf"),
)
_TASK_KEY: Final = (
    *_fields("text", "dag_id run_id task_id", required=True),
    Field("map_index", "int", required=True, default=-1),
)
_TASK_REST: Final = (
    *_fields("date", "start_date end_date queued_dttm"),
    *_fields("float", "duration"),
    *_fields("text", "state hostname unixname queue operator external_executor_id"),
    *_fields("text", "pool", required=True),
    *_fields("int", "pool_slots", required=True),
    *_fields("int", "try_number max_tries priority_weight queued_by_job_id pid trigger_id"),
)
_TASK_2: Final = (
    *_TASK_KEY,
    *_TASK_REST,
    *_fields("int", "job_id"),
    *_fields("date", "trigger_timeout"),  # stored without an offset, and not converted
    Field("executor_config", "json", own=True),  # always served as null
)
_SINCE: Final[Mapping[Version, tuple[Field, ...]]] = {
    (2, 7): (Field("custom_operator_name", "text"),),
    (2, 9): (Field("rendered_map_index", "text"), Field("task_display_name", "text")),
    (2, 10): (Field("executor", "text"),),
}
"""Columns of task instances by the version that brought them."""

_CLEAR_NUMBER_SINCE: Final[Version] = (2, 8)
_CLEAR_NUMBER: Final = Field("clear_number", "int", required=True, default=0)  # 2.8 has no default, later ones do
_HISTORY_SINCE: Final[Version] = (2, 10)

_RUN_3: Final = (
    *_fields("text", "dag_id run_id run_type", required=True),
    *_fields("date", "run_after", required=True),
    *_fields("date", "logical_date queued_at start_date end_date data_interval_start data_interval_end"),
    *_fields("date", "last_scheduling_decision"),
    *_fields("text", "state triggered_by triggering_user_name bundle_version"),
    *_fields("int", "creating_job_id scheduled_by_job_id"),
    *_fields("json", "conf context_carrier"),
    _CLEAR_NUMBER,
    Field("span_status", "text", required=True, default="not_started"),
    *_fields("int", "id log_template_id backfill_id", own=True),
    *_fields("date", "updated_at", own=True),
    *_fields("uuid", "created_dag_version_id", own=True),
)
_TASK_3: Final = (
    *_TASK_KEY,
    *(field for field in _TASK_REST if field.name != "trigger_id"),
    *_fields("text", "executor custom_operator_name rendered_map_index task_display_name"),
    *_fields("date", "scheduled_dttm trigger_timeout"),
    *_fields("int", "trigger_id", own=True),
    Field("executor_config", "json"),  # always served as null; the server stores {} if the key is there, NULL if not
    *_fields("uuid", "dag_version_id", own=True),
)
_ID: Final = Field("id", "uuid", required=True)
_HISTORY_ID: Final = Field("task_instance_id", "uuid", required=True)


def _by_name(fields: Iterable[Field]) -> Fields:
    return MappingProxyType({field.name: field for field in fields})


_UNIQUE_TASKS: Final = {
    TASK_INSTANCES.name: (("dag_id", *TASK_INSTANCES.key),),
    TASK_INSTANCE_HISTORY.name: (("dag_id", *TASK_INSTANCE_HISTORY.key),),
}
_UNIQUE_2: Final = {DAG_RUNS.name: (("dag_id", "run_id"), ("dag_id", "execution_date")), **_UNIQUE_TASKS}
_UNIQUE_3: Final = {
    DAG_RUNS.name: (("dag_id", "run_id"), ("dag_id", "logical_date")),
    TASK_INSTANCES.name: (*_UNIQUE_TASKS[TASK_INSTANCES.name], ("id",)),
    TASK_INSTANCE_HISTORY.name: (*_UNIQUE_TASKS[TASK_INSTANCE_HISTORY.name], ("task_instance_id",)),
}


def _shape_2(version: Version) -> Shape:
    runs = (*_RUN_2, *((_CLEAR_NUMBER,) if version >= _CLEAR_NUMBER_SINCE else ()))
    tasks = (*_TASK_2, *(field for since, fields in _SINCE.items() if version >= since for field in fields))
    history = tasks if version >= _HISTORY_SINCE else ()
    fields = {kind.name: _by_name(of) for kind, of in zip(KINDS, (runs, tasks, history), strict=True)}
    return Shape(version, fields, _UNIQUE_2)


def _shape_3(version: Version) -> Shape:
    fields = {
        DAG_RUNS.name: _by_name(_RUN_3),
        TASK_INSTANCES.name: _by_name((_ID, *_TASK_3)),
        TASK_INSTANCE_HISTORY.name: _by_name((_HISTORY_ID, *_TASK_3)),
    }
    return Shape(version, fields, _UNIQUE_3)


SHAPES: Final[Mapping[Version, Shape]] = MappingProxyType(
    {(2, minor): _shape_2((2, minor)) for minor in range(4, 12)} | {(3, 1): _shape_3((3, 1))}
)
"""The shapes that were measured, oldest first."""


def shape_of(version: Version) -> Shape | None:
    """Return the shape of ``version``; for one that was not measured the nearest of its major version, not ``exact``.

    None for what is older than all of them, or no Airflow at all.
    """
    known = SHAPES.get(version)
    if known is not None:
        return known
    same_major = [shape for at, shape in SHAPES.items() if at[0] == version[0]]
    if version < OLDEST or not same_major:
        return None
    nearest = max((shape for shape in same_major if shape.version <= version), default=same_major[0], key=_version)
    return Shape(version, nearest.fields, nearest.unique, exact=False)


def _version(shape: Shape) -> Version:
    return shape.version
