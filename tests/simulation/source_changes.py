"""What happens to the source: one function per kind of change.

Only what Airflow does: a run that starts gets the present as its start date, a cleared one loses it and waits, what is
deleted takes its children along. A new change is a new row of ``SOURCE_CHANGES``.
"""

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from transfer.emulator.rows import run_row
from transfer.kinds import DAG_RUNS, FINISHED_STATES, TASK_INSTANCES, Row

from .history import add_tasks, young
from .living import Life


def _new_row(life: Life, dag_id: str, **changes: Any) -> Row:
    number = life.number()
    logical = young(number)
    run = run_row(dag_id, 0, run_id=f"scheduled__{logical}", execution_date=logical, **changes)
    life.source.add(DAG_RUNS, run)
    return run


def _queue(life: Life, dag_id: str) -> Row:
    run = _new_row(life, dag_id, start_date=None, end_date=None, state="queued")
    if life.random.random() < 0.5:
        add_tasks(life.source, run, 2, life.random)
        for row in life.source.children(TASK_INSTANCES, dag_id, run["run_id"]):
            row["state"] = None
    return run


def _start(life: Life, dag_id: str) -> Row | None:
    run = life.one(dag_id, "queued")
    if run is not None:
        life.source.move_run(dag_id, run["run_id"], start_date=life.moment(), state="running")
        for row in life.source.children(TASK_INSTANCES, dag_id, run["run_id"]):
            row.update(state="running", start_date=life.moment(), end_date=None)
    return run


def _finish(life: Life, dag_id: str) -> Row | None:
    run = life.one(dag_id, "running")
    if run is None:
        return None
    for row in life.source.children(TASK_INSTANCES, dag_id, run["run_id"]):
        row.update(state="success", end_date=life.moment())
    _over(life, run)
    return run


def _over(life: Life, run: Row) -> None:
    state = life.random.choice(("success", "failed"))
    run["end_date"] = life.moment()
    life.source.move_run(run["dag_id"], run["run_id"], start_date=run["start_date"] or life.moment(), state=state)


def _finish_before_its_task(life: Life, dag_id: str) -> Row | None:
    """Mark a running run by hand; its tasks run on."""
    run = life.one(dag_id, "running")
    if run is not None:
        for row in life.source.children(TASK_INSTANCES, dag_id, run["run_id"])[:1]:
            row.update(state=life.random.choice(("running", "up_for_retry")))
        _over(life, run)
    return run


def _end_a_late_task(life: Life, dag_id: str) -> Row | None:
    for run in list(life.source.runs(dag_id)):
        is_over = run["state"] in FINISHED_STATES and (dag_id, run["run_id"]) not in life.truth.forgotten
        if is_over and life.end_tasks(run):
            return run
    return None


def _whole(life: Life, dag_id: str) -> Row:
    """A run comes and goes between two requests."""
    start = life.moment()
    run = _new_row(life, dag_id, start_date=start, end_date=life.moment(), state="success")
    add_tasks(life.source, run, life.random.randint(0, 3), life.random)
    return run


def _tie(life: Life, dag_id: str) -> Row | None:
    first = next((run for run in life.source.runs(dag_id) if run["start_date"]), None)
    if first is None:
        return None
    run = _new_row(life, dag_id, start_date=first["start_date"], end_date=life.moment(), state="success")
    add_tasks(life.source, run, life.random.randint(0, 3), life.random)
    return run


def _clear(life: Life, dag_id: str) -> Row | None:
    run = life.one(dag_id, *FINISHED_STATES)
    if run is not None:
        life.truth.forgotten.discard((dag_id, run["run_id"]))
        life.source.clear_run(dag_id, run["run_id"])
    return run


def _run_again(life: Life, dag_id: str) -> Row | None:
    """Clear a run and have it finished again at once."""
    run = _clear(life, dag_id)
    if run is not None:
        for row in life.source.children(TASK_INSTANCES, dag_id, run["run_id"]):
            row.update(state="success", start_date=life.moment(), end_date=life.moment())
        _over(life, run)
    return run


def _mark(life: Life, dag_id: str) -> Row | None:
    """Mark a finished run by hand as what it was not: nothing but its state changes."""
    run = life.one(dag_id, *FINISHED_STATES)
    if run is not None:
        run["state"] = "failed" if run["state"] == "success" else "success"
    return run


def _delete(life: Life, dag_id: str) -> Row | None:
    run = life.one(dag_id)
    if run is not None:
        life.source.remove_run(dag_id, run["run_id"])
    return run


def _delete_all(life: Life, dag_id: str) -> Row | None:
    runs = list(life.source.runs(dag_id))
    if not runs or life.random.random() < 0.8:
        return _delete(life, dag_id)
    life.source.delete_runs(dag_id)
    return runs[0]


Change: TypeAlias = Callable[[Life, str], Row | None]
"""Changes a DAG; returns the run that it changed, None if there was nothing to be changed."""

SOURCE_CHANGES: Final[dict[str, Change]] = {
    "queue": _queue,
    "start": _start,
    "finish": _finish,
    "finish before its task": _finish_before_its_task,
    "end a late task": _end_a_late_task,
    "whole run": _whole,
    "tie": _tie,
    "clear": _clear,
    "run again": _run_again,
    "mark": _mark,
    "delete": _delete,
    "delete all": _delete_all,
}
