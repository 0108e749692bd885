"""What a moved history has in each column in which it is not simply the upgraded one, and why."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

UUID_VERSION = 7
"""The kind of UUID that Airflow 3 itself makes for task instances."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What stands in a column where a moved history may differ from an upgraded one.

    Args:
        why: the reason, for the reader of a report.
        holds: tells from the value after the upgrade, the value that was moved, and the whole moved row.
    """

    why: str
    holds: Callable[[Any, Any, Mapping[str, Any]], bool]


_SURROGATE = Rule("numbered anew by the target's database", lambda _, moved, __: isinstance(moved, int))
_IDENTITY = Rule(
    "an identity that rows of Airflow 2 do not have",
    lambda _, moved, __: isinstance(moved, UUID) and moved.version == UUID_VERSION,
)
_UPDATED = Rule("Starship carries no updated_at", lambda _, moved, __: moved is None)
_TEMPLATE = Rule("Starship carries no log template", lambda _, moved, __: moved is None)
_VERSION = Rule(
    "Starship fills in the parsed DAG's version, an upgrade leaves it empty",
    lambda upgraded, moved, _: upgraded is None and isinstance(moved, UUID),
)
_SOURCES_JOB = Rule("the number of a job of the source, a stranger's on the target", lambda _, moved, __: moved is None)
_EMPTY_CONF = Rule(
    "an upgrade makes NULL of an empty conf, Airflow 3 itself stores it",
    lambda upgraded, moved, _: upgraded == moved or (upgraded is None and moved == {}),
)
_TASK_NAME = Rule(
    "Airflow 2 leaves it empty where a mapped task expands, Airflow 3 wants it",
    lambda upgraded, moved, row: moved == (row["task_id"] if upgraded is None else upgraded),
)

_OF_A_TASK = {
    "updated_at": _UPDATED,
    "dag_version_id": _VERSION,
    "queued_by_job_id": _SOURCES_JOB,
    "task_display_name": _TASK_NAME,
}
RULES: Mapping[str, Mapping[str, Rule]] = {
    "dag_run": {
        "id": _SURROGATE,
        "updated_at": _UPDATED,
        "log_template_id": _TEMPLATE,
        "created_dag_version_id": _VERSION,
        "creating_job_id": _SOURCES_JOB,
        "conf": _EMPTY_CONF,
    },
    "task_instance": {"id": _IDENTITY, **_OF_A_TASK},
    "task_instance_history": {"task_instance_id": _IDENTITY, **_OF_A_TASK},
}
"""By table and column; every other column is equal."""

NEVER_NEEDED = {("task_instance_history", "task_display_name")}
"""Rules that this history has no case for: its earlier tries had their names already on Airflow 2."""
