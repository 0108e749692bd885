"""What `transfer status` and summaries read, also while a run is going on."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from sqlite3 import Connection
from typing import TypeVar

from transfer.checkpoint.database import connect
from transfer.checkpoint.encoding import decoding, moment
from transfer.checkpoint.failures import translated
from transfer.checkpoint.lock import holder
from transfer.checkpoint.opening import DATABASE, LOCK, check_origin, read_job
from transfer.checkpoint.plan import read_plan
from transfer.checkpoint.schema import VERSION, version_of
from transfer.checkpoint.totals import read_totals
from transfer.checkpoint.values import Holder, Invocation, Job, PlannedDag, Totals
from transfer.errors import StateError
from transfer.model import RejectedRow

T = TypeVar("T")


class CheckpointReader:
    """Reads a state directory without holding it; every method sees one moment, and blocks while it reads."""

    def __init__(self, connection: Connection, directory: Path) -> None:
        self._connection = connection
        self._path = directory / DATABASE
        self._lock_path = directory / LOCK

    @classmethod
    @contextmanager
    def open(cls, directory: Path) -> Iterator["CheckpointReader"]:
        """Open the checkpoint in ``directory``; a job is never created by this.

        Raises ``StateError`` when there is none or an older release wrote it, ``StateCorruptError`` when it cannot be
        read, ``StateFullError`` when SQLite cannot put its shared memory file beside it (a read-only directory).
        """
        path = directory / DATABASE
        if not path.exists():
            raise StateError(f"there is no job in {directory}", hint="`transfer run` starts one there")
        with translated(path):
            connection = connect(path, "ro")
        with closing(connection):
            with translated(path):
                check_origin(connection, path)
            if version_of(connection) < VERSION:
                raise StateError(f"an older release wrote {path}", hint="`transfer run` brings it up to date")
            yield cls(connection, directory)

    def job(self) -> Job:
        """Return whose checkpoint it is."""
        return self._read(read_job)[1]

    def plan(self) -> list[PlannedDag]:
        """Return the planned DAGs by name."""
        return self._read(read_plan)

    def totals(self) -> Totals:
        """Return what the job has come to."""
        return self._read(read_totals)

    def rejected(self, limit: int, offset: int = 0) -> list[RejectedRow]:
        """Return at most ``limit`` rejected rows from ``offset`` on, by DAG, kind and key."""

        def work(connection: Connection) -> list[RejectedRow]:
            rows = connection.execute(
                "SELECT kind, dag_id, run_id, key, reason, rows FROM rejected JOIN dag ON dag.id = rejected.dag "
                "ORDER BY dag_id, run_id, kind, key LIMIT ? OFFSET ?",
                (limit, offset),
            )
            return [RejectedRow(*row) for row in rows]

        return self._read(work)

    def invocations(self) -> list[Invocation]:
        """Return all invocations, oldest first."""

        def work(connection: Connection) -> list[Invocation]:
            rows = connection.execute(
                "SELECT number, started_at, ended_at, exit_code, version, pid, host FROM invocation ORDER BY number"
            )
            with decoding():
                return [
                    Invocation(number, moment(started), moment(ended) if ended else None, *rest)
                    for number, started, ended, *rest in rows
                ]

        return self._read(work)

    def running_pid(self) -> Holder | None:
        """Return the process that holds the state directory at this moment, None if no run is going on."""
        return holder(self._lock_path)

    def _read(self, work: Callable[[Connection], T]) -> T:
        with translated(self._path):
            self._connection.execute("BEGIN")
            try:
                return work(self._connection)
            finally:
                self._connection.execute("ROLLBACK")
