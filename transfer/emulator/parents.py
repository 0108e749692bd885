"""The foreign keys of the three tables: who must be there before whom."""

from transfer.emulator.history import Parents
from transfer.emulator.refusal import Refusal, missing_parent
from transfer.kinds import DAG_RUNS, TASK_INSTANCES, Kind, Row


def orphan(history: Parents, kind: Kind, news: list[Row]) -> Refusal | None:
    """Return the refusal of the first new row whose parent is not in ``history``, None when all are there."""
    if kind is DAG_RUNS:
        return None
    of_row = _task_without_run if kind is TASK_INSTANCES else _try_without_task
    return next((refusal for row in news if (refusal := of_row(history, row))), None)


def _task_without_run(history: Parents, row: Row) -> Refusal | None:
    if not history.has_run(row["dag_id"], row["run_id"]):
        key = ("dag_id", "run_id"), (row["dag_id"], row["run_id"])
        return missing_parent("task_instance", "task_instance_dag_run_fkey", "dag_run", key)
    if row["trigger_id"] is not None:
        trigger = ("trigger_id",), (row["trigger_id"],)
        return missing_parent("task_instance", "task_instance_trigger_id_fkey", "trigger", trigger)
    return None


def _try_without_task(history: Parents, row: Row) -> Refusal | None:
    if history.has_task(row["dag_id"], row["run_id"], (row["task_id"], row["map_index"])):
        return None
    columns = ("dag_id", "task_id", "run_id", "map_index")
    key = columns, [row[column] for column in columns]
    return missing_parent("task_instance_history", "task_instance_history_ti_fkey", "task_instance", key)
