"""The ids that task instances and tries have on Airflow 3, under two names."""

from transfer.kinds import Row


def as_try(task: Row) -> Row:
    """Return a task instance as a row of history: on Airflow 3 its id has another name there."""
    if "id" not in task:
        return task
    return {"task_instance_id": task["id"], **{name: value for name, value in task.items() if name != "id"}}


def id_of(row: Row) -> str:
    """Return the id of a task instance or a try of Airflow 3, empty for one of Airflow 2."""
    found: str = row.get("id") or row.get("task_instance_id") or ""
    return found
