"""What an emulator serves: the narrow protocols that every kind of history in this package has."""

from collections.abc import Iterable, Iterator
from typing import Any, Protocol, runtime_checkable

from transfer.emulator.refusal import Refusal
from transfer.kinds import Kind, Row


class History(Protocol):
    """A deployment's history that can be read: as the server pages it, and exactly."""

    @property
    def version(self) -> str:
        """The Airflow whose columns the rows have."""
        ...

    def dags(self) -> list[Row]:
        """Return the rows of table ``dag``, without ``dag_run_count``; DAGs that only have history are missing."""
        ...

    def dag_ids(self) -> Iterable[str]:
        """Return every DAG that has history, listed or not."""
        ...

    def run_count(self, dag_id: str) -> int:
        """Return how many runs the DAG has, 0 when nobody knows it."""
        ...

    def page(self, kind: Kind, dag_id: str, offset: int, limit: int) -> list[Row]:
        """Return the rows of ``kind`` of a slice of ``limit`` runs, in the server's unstable order."""
        ...

    def runs(self, dag_id: str) -> Iterator[Row]:
        """Yield all runs of the DAG exactly once, newest first."""
        ...

    def run(self, dag_id: str, run_id: str) -> Row | None:
        """Return one run, None when there is none."""
        ...

    def children(self, kind: Kind, dag_id: str, run_id: str) -> list[Row]:
        """Return the task instances or the tries of one run, in no particular order."""
        ...


@runtime_checkable
class WritableHistory(History, Protocol):
    """A history that a target keeps."""

    def insert(self, kind: Kind, rows: list[Row]) -> Refusal | None:
        """Store all rows and return None, or store none and say why. Never changes ``rows``."""
        ...

    def delete_runs(self, dag_id: str) -> None:
        """Delete all runs of a DAG with everything that hangs on them."""
        ...

    def set_paused(self, dag_id: str, *, paused: bool) -> None:
        """Pause or unpause a DAG; nothing happens when it has no row."""
        ...


@runtime_checkable
class RemovableHistory(History, Protocol):
    """A history of which single runs can be deleted."""

    def remove_run(self, dag_id: str, run_id: str) -> None:
        """Delete one run with everything that hangs on it; KeyError when there is none."""
        ...


@runtime_checkable
class ParsedHistory(History, Protocol):
    """A history whose deployment has parsed some of its DAGs."""

    def is_parsed(self, dag_id: str) -> bool:
        """Tell whether the DAG was parsed."""
        ...


class Parents(Protocol):
    """What foreign keys ask of a history."""

    def has_run(self, dag_id: str, run_id: str) -> bool:
        """Tell whether there is such a run."""
        ...

    def has_task(self, dag_id: str, run_id: str, key: tuple[Any, ...]) -> bool:
        """Tell whether there is a task instance with that (task_id, map_index)."""
        ...
