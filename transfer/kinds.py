"""What the moved rows are: one table of routes, keys, parents and harmless nulls.

Behaviours come from measurements on Airflow 2.4 to 2.11 and 3.1 with Starship 2.10.1 on PostgreSQL.
"""

from dataclasses import dataclass
from typing import Any, Final, TypeAlias

Row: TypeAlias = dict[str, Any]
"""One row as Starship's JSON carries it."""

Key: TypeAlias = tuple[Any, ...]
"""A row's identity below its DAG: the values of the kind's ``key`` columns, in order."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One of the things moved.

    ``route`` is the path below ``/api/starship/``; ``envelope`` the name of the list in a GET answer and in a POST
    body; ``key`` the columns that identify a row within its DAG, the run first; ``parent`` the kind whose rows must be
    there before. A column in ``optional`` may be left out of a batch in which it is null everywhere: the target
    stores null then. The others either have no default or break the target's own pages when absent.
    """

    name: str
    route: str
    envelope: str
    key: tuple[str, ...]
    parent: str | None
    optional: frozenset[str]

    def key_of(self, row: Row) -> Key:
        """Return the identity of ``row`` within its DAG; KeyError when a key column is missing."""
        return tuple([row[column] for column in self.key])


_TASK_OPTIONAL: Final = frozenset(
    {
        "custom_operator_name",
        "duration",
        "end_date",
        "executor",
        "external_executor_id",
        "job_id",
        "operator",
        "pid",
        "priority_weight",
        "queue",
        "queued_by_job_id",
        "queued_dttm",
        "rendered_map_index",
        "start_date",
        "task_display_name",
        "trigger_id",
        "trigger_timeout",
    }
)

DAG_RUNS: Final = Kind(
    name="dag_runs",
    route="dag_runs",
    envelope="dag_runs",
    key=("run_id",),
    parent=None,
    optional=frozenset(
        {
            "conf",  # a null that is sent is stored as a pickled None, not as NULL
            "creating_job_id",
            "dag_hash",
            "data_interval_end",
            "data_interval_start",
            "end_date",
            "last_scheduling_decision",
            "queued_at",
            "start_date",
        }
    ),
)
TASK_INSTANCES: Final = Kind(
    name="task_instances",
    route="task_instances",
    envelope="task_instances",
    key=("run_id", "task_id", "map_index"),
    parent="dag_runs",
    optional=_TASK_OPTIONAL,
)
TASK_INSTANCE_HISTORY: Final = Kind(
    name="task_instance_history",
    route="task_instance_history",
    envelope="task_instances",
    key=("run_id", "task_id", "map_index", "try_number"),
    parent="task_instances",
    optional=_TASK_OPTIONAL,
)

KINDS: Final = (DAG_RUNS, TASK_INSTANCES, TASK_INSTANCE_HISTORY)
"""All kinds in the order in which foreign keys want them written."""

CHILDREN: Final = (TASK_INSTANCES, TASK_INSTANCE_HISTORY)
"""The kinds that hang on a DAG run."""


def logical_date_of(run: Row) -> Any:
    """Return the date that a selection goes by: the run's logical date, or when it was due if it has none.

    Airflow 2 calls it execution_date, and every run has one. On Airflow 3 one that an asset triggered has none.
    """
    for column in ("execution_date", "logical_date", "run_after"):
        value = run.get(column)
        if value is not None:
            return value
    return None


FINISHED_STATES: Final = frozenset({"success", "failed"})
"""The DAG run states that never change by themselves."""

LIVE_TASK_STATES: Final = frozenset(
    {"running", "queued", "scheduled", "restarting", "deferred", "up_for_retry", "up_for_reschedule"}
)
"""Task instance states that a scheduler may still change."""
