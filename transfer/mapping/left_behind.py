"""What cannot be carried from one version to another, known before anything moves.

``Mapping`` counts what of it really occurs; what no API shows (a note, a pickled config) can only be named.
"""

from collections.abc import Iterator
from typing import Final

from transfer.capabilities import Capabilities
from transfer.kinds import CHILDREN, DAG_RUNS, KINDS, TASK_INSTANCE_HISTORY, TASK_INSTANCES, Kind
from transfer.mapping.account import SOURCES_OWN
from transfer.model import Loss

UNSEEN: Final = "Starship does not show it"
ANY: Final = "*"
"""In place of a column: the rows themselves, or what hangs on them."""

_TASKS: Final = tuple(kind.name for kind in CHILDREN)
_HIDDEN: Final = (
    (DAG_RUNS.name, "note"),
    (TASK_INSTANCES.name, "note"),
    (DAG_RUNS.name, "log_template_id"),
    (DAG_RUNS.name, "updated_at"),
    (TASK_INSTANCES.name, "executor_config"),
    (TASK_INSTANCES.name, "next_method"),
    (TASK_INSTANCES.name, "next_kwargs"),
    (TASK_INSTANCES.name, "rendered_fields"),
)
_TO_3: Final = {
    DAG_RUNS.name: ("creating_job_id", "dag_hash", "external_trigger"),
    **dict.fromkeys(_TASKS, ("job_id", "queued_by_job_id", "trigger_id", "trigger_timeout")),
}


def left_behind(source: Capabilities, target: Capabilities) -> Iterator[Loss]:
    """Yield what rows of ``source`` lose on their way to ``target``, whether or not any row has it."""
    for kind, column in _HIDDEN:
        yield Loss(kind, column, UNSEEN)
    if target.is_airflow_3:
        yield from _to_airflow_3(source)
    else:
        yield from _to_airflow_2(source, target)
    for what in ("task_logs", "xcoms"):
        for side in (source, target):
            if not side.moves_logs:
                yield Loss(what, ANY, f"Starship neither serves nor takes them on {side.name}")
                break


def _to_airflow_3(source: Capabilities) -> Iterator[Loss]:
    if not source.is_airflow_3:
        for kind, columns in _TO_3.items():
            for column in columns:
                yield Loss(kind, column, "Airflow 3 has no such column, or it refers to a row of the source's own")
        return
    yield Loss(DAG_RUNS.name, "backfill_id", SOURCES_OWN)
    yield Loss(TASK_INSTANCES.name, "trigger_id", SOURCES_OWN)


def _to_airflow_2(source: Capabilities, target: Capabilities) -> Iterator[Loss]:
    for kind in KINDS:
        if source.shape.keeps(kind) and not target.shape.keeps(kind):
            yield tries_lost(target)
        else:
            yield from _columns(kind, source, target)
    yield Loss(TASK_INSTANCES.name, "trigger_id", SOURCES_OWN)


def _columns(kind: Kind, source: Capabilities, target: Capabilities) -> Iterator[Loss]:
    for column in sorted(source.shape.of(kind).keys() - target.shape.of(kind).keys()):
        yield Loss(kind.name, column, f"{target.name} has no such column")


def tries_lost(target: Capabilities) -> Loss:
    """Return the loss of all earlier tries."""
    return Loss(TASK_INSTANCE_HISTORY.name, ANY, f"{target.name} does not keep earlier tries")
