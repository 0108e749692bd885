"""Complete rows of any version, for histories that are written by hand."""

from typing import Any

from transfer.emulator.columns import DEFAULT, tables_of
from transfer.emulator.native import native, native_dag
from transfer.emulator.rows import dag_row, run_row, task_row
from transfer.kinds import DAG_RUNS, TASK_INSTANCE_HISTORY, TASK_INSTANCES, Kind, Row


class RowMaker:
    """Makes rows as one Airflow behind Starship serves them; ``changes`` replace columns, or add some it has not."""

    def __init__(self, version: str = DEFAULT) -> None:
        self.version = version

    def columns(self, kind: Kind) -> tuple[str, ...]:
        """Return the columns that a GET shows; KeyError where the Airflow has no such table."""
        return tables_of(self.version)[kind.name].served

    def dag(self, dag_id: str) -> Row:
        """Return a row of table ``dag``."""
        return native_dag(dag_row(dag_id), self.version)

    def run(self, dag_id: str, number: int, **changes: Any) -> Row:
        """Return the successful daily run ``number`` of a DAG; ``changes`` of its run id give it another id."""
        return self._made(DAG_RUNS, run_row(dag_id, number), changes)

    def task(self, run: Row, task_id: str, **changes: Any) -> Row:
        """Return a successful task instance of ``run``."""
        return self._made(TASK_INSTANCES, task_row(_dated(run), task_id), changes)

    def tried(self, run: Row, task_id: str, **changes: Any) -> Row:
        """Return a try of a task instance of ``run``; KeyError where the Airflow keeps none."""
        return self._made(TASK_INSTANCE_HISTORY, task_row(_dated(run), task_id), changes)

    def _made(self, kind: Kind, row: Row, changes: Row) -> Row:
        identity = {name: changes[name] for name in kind.key if changes.get(name) is not None}
        return native(kind, row | identity, self.version) | changes


def _dated(run: Row) -> Row:
    """Return ``run`` with a logical date under the name that 2.11 has for it."""
    return run | {"execution_date": run.get("execution_date") or run.get("logical_date") or run.get("run_after")}
