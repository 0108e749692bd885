"""What the runs that a forecast reads tell about what hangs on them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from transfer.client.xcoms import TaskName
from transfer.engine.attached.walk import MovedRun, task_of
from transfer.engine.logs.tries import logs_of
from transfer.kinds import DAG_RUNS, TASK_INSTANCES, Kind, Row
from transfer.model import Outcome

RUNS_LOOKED_AT: Final = 3
"""Runs of each DAG whose XComs are looked for."""


@dataclass(slots=True)
class DagSample:
    """Of one DAG: how many runs were read, their task instances and logs, and the names of those of a few runs."""

    runs: int = 0
    tasks: int = 0
    logs: int = 0
    names: dict[str, list[TaskName]] = field(default_factory=dict)
    """By run, for at most ``RUNS_LOOKED_AT`` of them."""


@dataclass(slots=True)
class Sample:
    """Counts the rows that it is shown; implements ``See``. Holds few of them, however many there are."""

    dags: dict[str, DagSample] = field(default_factory=dict)

    def see(self, kind: Kind, dag_id: str, rows: Sequence[Row]) -> None:
        """Count ``rows``. Earlier tries are known from the number of the present one."""
        of = self.dags.setdefault(dag_id, DagSample())
        if kind is DAG_RUNS:
            of.runs += len(rows)
        elif kind is TASK_INSTANCES:
            for row in rows:
                self._note(of, dag_id, row)

    @staticmethod
    def _note(of: DagSample, dag_id: str, row: Row) -> None:
        task, run_id = task_of(row), row["run_id"]
        of.tasks += 1
        of.logs += sum(1 for _ in logs_of(MovedRun(dag_id, run_id, Outcome.MOVED, [task])))
        if run_id in of.names or len(of.names) < RUNS_LOOKED_AT:
            of.names.setdefault(run_id, []).append(TaskName(dag_id, run_id, task.task_id, task.map_index))
