"""The task instances of a seeded run and the tries before them."""

import pickle
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

from .seed_runs import WIDE_RUN, Run

TRIGGER_ID = 1
_EMPTY_CONFIG = pickle.dumps({})
_OPERATORS = ("PythonOperator", "BashOperator", "EmptyOperator", "_PythonDecoratedOperator")
_RUN_STATES = {"success": ("success", "skipped"), "failed": ("failed", "upstream_failed", "success")}


@dataclass(frozen=True, slots=True)
class Task:
    """One task instance, or one earlier try of it; `drawn` makes the values that are just any value."""

    run: Run
    number: int
    map_index: int
    state: str | None
    try_number: int
    drawn: int

    @property
    def task_id(self) -> str:
        """The task's id."""
        return task_name(self.number)

    @property
    def start_date(self) -> datetime | None:
        """NULL where the task never ran; whole seconds now and then, as a string then has no fraction."""
        if self.state in (None, "upstream_failed", "skipped"):
            return None
        fraction = self.drawn % 1_000_000 if self.drawn % 5 else 0
        return self.run.execution_date.replace(microsecond=0) + timedelta(
            minutes=self.try_number, microseconds=fraction
        )

    def earlier_tries(self) -> Iterator["Task"]:
        """Yield the failed tries before this one."""
        for number in range(1, self.try_number):
            yield replace(self, try_number=number, state="failed")

    def row(self, *, history: bool = False) -> tuple[Any, ...]:
        """Return the values of `columns.TASK_INSTANCE`, then those of its NOT_CARRIED."""
        start, duration = self.start_date, self.drawn % 1_000_003 / 997
        ended = start + timedelta(seconds=duration) if start and self.state != "running" else None
        operator, mapped = _OPERATORS[self.number % len(_OPERATORS)], self.map_index >= 0
        deferred = self.drawn % 53 == 0 and not history
        return (
            self.run.dag_id, self.task_id, self.run.run_id, self.map_index,
            "@task" if operator.startswith("_") else None, duration if ended else None, ended,
            "LocalExecutor" if self.drawn % 3 == 0 else None, f"{self.drawn:032x}" if self.drawn % 4 == 0 else None,
            f"worker-{self.drawn % 7}.example" if start else "", self.drawn % 100_000 if start else None, 3, operator,
            self.drawn % 32_000 if start else None, "default_pool", 1 + self.number % 2, 1 + self.number,
            "größe" if self.drawn % 9 == 0 else "default", self.drawn % 50 if start else None,
            start - timedelta(seconds=3) if start else None, f"🐍 {self.map_index}" if mapped else None, start,
            self.state, f"Task № {self.number}", TRIGGER_ID if deferred else None,
            self.run.execution_date.replace(tzinfo=None) if deferred else None, self.try_number, "airflow",
            _EMPTY_CONFIG, ended,
        )  # fmt: skip


def task_name(number: int) -> str:
    """Return the id of task number `number`; every fourth one is not ASCII."""
    return f"größe.步骤_{number:02d}" if number % 4 == 3 else f"group.task_{number:02d}"


def tasks_of(run: Run, tasks: int, wide: int, random: Random) -> Iterator[Task]:
    """Yield the task instances of `run`.

    The last task of every tenth run is mapped to 0..2, that of run WIDE_RUN of the first DAG to `wide` indexes; every
    53rd run has no task instance at all.
    """
    if run.number % 53 == 1:
        return
    for number in range(tasks):
        for map_index in _map_indexes(run, last=number == tasks - 1, wide=wide):
            drawn = random.getrandbits(31)
            state = _state(run, number, drawn)
            retried = number == 1 and run.number % 3 == 0 and state in ("success", "failed")
            yield Task(run, number, map_index, state, 2 + drawn % 3 if retried else int(state is not None), drawn)


def _map_indexes(run: Run, *, last: bool, wide: int) -> range:
    if last and run.dag == 0 and run.number == WIDE_RUN and wide:
        return range(wide)
    return range(3) if last and run.number % 10 == 2 else range(-1, 0)


def _state(run: Run, number: int, drawn: int) -> str | None:
    if run.state == "queued":
        return None
    if run.state == "running":
        return ("success", "running", None)[min(number, 2)]
    if number < 2:
        return run.state
    choices = _RUN_STATES[run.state]
    return choices[drawn % len(choices)]
