"""What the source is born with, and what the target has of it before the job."""

from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, Any

from transfer.emulator import TableHistory
from transfer.emulator.rows import dag_row, run_row, task_row
from transfer.kinds import CHILDREN, DAG_RUNS, TASK_INSTANCE_HISTORY, TASK_INSTANCES, Row

from .clock import EPOCH
from .truth import LONGEST_QUEUE, Truth

if TYPE_CHECKING:
    from .draw import DagDraw, Draw

CANARY = "ROWCANARY"
"""Stands in values of rows: it must not get into the state."""

LAST_NUMBER = 58
"""The number of the youngest run at birth: it ended about a day before the world begins."""


def born(draw: "Draw") -> tuple[TableHistory, TableHistory, Truth]:
    """Return source, target and what is true of them at the beginning."""
    random = Random(f"{draw.seed}/birth")  # noqa: S311 - a reproducible world
    source = TableHistory(dag_row(dag.dag_id) for dag in draw.dags)
    target = TableHistory(dag_row(dag.dag_id) for dag in draw.dags)
    truth = Truth(source)
    for dag in draw.dags:
        for index in range(dag.runs):
            _add(source, dag, index, random, truth)
    truth.note_all()
    for dag in draw.dags:
        for run in list(source.runs(dag.dag_id)):
            if random.random() < dag.there_before:
                copy_run(truth, target, run, share=random.choice((0.0, 0.5, 1.0, 1.0)))
    return source, target, truth


def _add(source: TableHistory, dag: "DagDraw", index: int, random: Random, truth: Truth) -> None:
    number = LAST_NUMBER - dag.runs + index
    first_of_tie = LAST_NUMBER - dag.runs + index // dag.ties * dag.ties
    start = run_row(dag.dag_id, first_of_tie)["start_date"]
    changes: dict[str, Any] = {"start_date": start, "conf": random.choice(({}, None, {"a": CANARY}, {"b": [1, None]}))}
    changes["state"] = random.choice(("success", "success", "failed"))
    if random.random() < dag.unstarted:
        changes |= {"start_date": None, "state": random.choice(("queued", "failed"))}
    elif random.random() < dag.unfinished:
        changes |= {"state": "running", "end_date": None}
    if random.random() < 0.02:
        changes["conf"] = {"long": CANARY * 500}
    run = run_row(dag.dag_id, number, **changes)
    source.add(DAG_RUNS, run)
    add_tasks(source, run, random.randint(0, dag.tasks), random, bad_rows=dag.bad_rows)
    if random.random() < dag.living and run["start_date"] and run["state"] in {"success", "failed"}:
        _leave_a_task_alive(source, run, random)
    elif random.random() < 0.03 and run["state"] in {"success", "failed"} and number < LAST_NUMBER - 3:
        _forget_a_task(source, run, truth)


def add_tasks(table: TableHistory, run: Row, count: int, random: Random, *, bad_rows: float = 0.0) -> None:
    """Add ``count`` task instances of ``run``, some of them mapped, some tried before, some that no target takes."""
    for index in range(count):
        task_id, map_index = (f"task_{index}", -1) if index < 3 else ("mapped", index - 3)
        tries = random.choice((1, 1, 1, 2, 3))
        changes: dict[str, Any] = {"map_index": map_index, "hostname": f"{CANARY}-{index}"}
        if random.random() < 0.05:
            changes["trigger_id"] = 5
        if random.random() < bad_rows:
            changes["queue"] = "q" * (LONGEST_QUEUE + 1)
        table.add(TASK_INSTANCES, task_row(run, task_id, try_number=tries, **changes))
        for number in range(1, tries):
            table.add(TASK_INSTANCE_HISTORY, task_row(run, task_id, try_number=number, state="failed", **changes))


def _leave_a_task_alive(source: TableHistory, run: Row, random: Random) -> None:
    """Make it a run that was marked by hand some hours ago, one of whose tasks has not ended."""
    stored = source.run(run["dag_id"], run["run_id"])
    assert stored is not None
    stored["end_date"] = str(EPOCH - timedelta(hours=random.randint(1, 12)))
    for row in source.children(TASK_INSTANCES, run["dag_id"], run["run_id"])[:1]:
        row["state"] = random.choice(("running", "up_for_retry"))


def _forget_a_task(source: TableHistory, run: Row, truth: Truth) -> None:
    """Leave a task running in a run that is over for long."""
    for row in source.children(TASK_INSTANCES, run["dag_id"], run["run_id"])[:1]:
        row["state"] = "running"
    truth.forgotten.add((run["dag_id"], run["run_id"]))


def copy_run(truth: Truth, target: TableHistory, run: Row, *, share: float) -> None:
    """Let somebody else have copied a run to the target, with a ``share`` of what hangs on it."""
    key = run["dag_id"], run["run_id"]
    versions = truth.of(*key)
    if not versions or target.has_run(*key) or rival_of(target, run):
        return
    truth.shared.add(key)
    target.add(DAG_RUNS, versions[-1].run)
    there: set[Any] = set()
    for kind in CHILDREN:
        rows = list(versions[-1].children[kind.name].values())
        for row in rows[: round(len(rows) * share)]:
            if kind is TASK_INSTANCES or (row["task_id"], row["map_index"]) in there:
                target.add(kind, row)
                there.add((row["task_id"], row["map_index"]))


def rival_of(target: TableHistory, run: Row) -> bool:
    """Tell whether the target has a run with the same logical date."""
    return any(row["execution_date"] == run["execution_date"] for row in target.runs(run["dag_id"]))


def young(number: int) -> str:
    """Return a logical date after all that are born."""
    return str(EPOCH + timedelta(days=100 + number))
