"""What `transfer status` and summaries read, also while a run is going on."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from sqlite3 import Connection
from typing import Final, TypeVar

from transfer.checkpoint.cutover import Cutover, read_cutover
from transfer.checkpoint.database import connect
from transfer.checkpoint.encoding import checked, decoding, moment
from transfer.checkpoint.failures import translated
from transfer.checkpoint.found import read_found
from transfer.checkpoint.lock import holder
from transfer.checkpoint.opening import DATABASE, LOCK, bare, check_origin, has_checkpoint, read_job
from transfer.checkpoint.plan import read_plan
from transfer.checkpoint.reopening import changed_not_ours, changed_runs, removed_runs
from transfer.checkpoint.schema import VERSION, version_of
from transfer.checkpoint.totals import read_totals
from transfer.checkpoint.undoing import Undone, undone
from transfer.checkpoint.values import Found, Holder, Invocation, Job, PlannedDag, Totals
from transfer.checkpoint.windows import recall
from transfer.errors import StateError, StateMismatchError
from transfer.model import RejectedRow, SettledRun

T = TypeVar("T")

_INVOCATION: Final = (int, str, str | None, int | None, str, int, str)
"""The kinds of an invocation's columns."""


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
        if not has_checkpoint(directory):
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

    def check_sides(self, source: str, target: str) -> None:
        """Raise ``StateMismatchError`` if the job is one of another source or target; the selection may differ."""
        job = self.job()
        pairs = {"source": (job.source, bare(source)), "target": (job.target, bare(target))}
        differing = [f"{name}: there {was}, here {now}" for name, (was, now) in pairs.items() if was != now]
        if differing:
            raise StateMismatchError(
                "the state directory belongs to another job\n" + "\n".join(differing),
                hint="use another state directory, or the source and target of that job",
            )

    def plan(self) -> list[PlannedDag]:
        """Return the planned DAGs by name."""
        return self._read(read_plan)

    def totals(self) -> Totals:
        """Return what the job has come to."""
        return self._read(read_totals)

    def applied(self) -> dict[str, str]:
        """Return the last verification whose findings were turned into work, by DAG; absent where none was."""
        query = "SELECT dag_id, verification FROM dag WHERE verification <> ''"
        return self._read(lambda connection: dict(connection.execute(query)))

    def changed_runs(self) -> dict[str, int]:
        """Return how many runs of each planned DAG could be replaced: the target has them in another version."""
        return self._read(changed_runs)

    def removed_runs(self, dag_id: str, verification: str) -> int:
        """Return how many runs that only the target had, as ``verification`` found, were removed there since."""
        return self._read(partial(removed_runs, dag_id=dag_id, verification=verification))

    def undone(self) -> dict[str, Undone]:
        """Return how many runs were removed from the target again, and when, by DAG; absent where none was."""
        return self._read(undone)

    def cutover(self) -> Cutover | None:
        """Return how far the last cutover is, None if there was none."""
        return self._read(read_cutover)

    def changed_not_ours(self) -> int:
        """Return how many of these runs are not known to have been written by this job."""
        return self._read(changed_not_ours)

    def recall(self, dag_id: str, run_ids: Sequence[str]) -> dict[str, SettledRun]:
        """Return what is remembered of runs of a DAG; nothing if the DAG never was in a plan."""

        def work(connection: Connection) -> dict[str, SettledRun]:
            planned = connection.execute("SELECT 1 FROM dag WHERE dag_id = ?", (dag_id,)).fetchone()
            return recall(connection, dag_id, run_ids) if planned else {}

        return self._read(work)

    def rejected(self, limit: int, offset: int = 0, *, kind: str | None = None) -> list[RejectedRow]:
        """Return at most ``limit`` rejected rows of a ``kind``, or of all, from ``offset`` on, by DAG, kind and key."""

        def work(connection: Connection) -> list[RejectedRow]:
            rows = connection.execute(
                "SELECT kind, dag_id, run_id, key, reason, rows FROM rejected JOIN dag ON dag.id = rejected.dag "
                "WHERE kind = coalesce(?, kind) ORDER BY dag_id, run_id, kind, key LIMIT ? OFFSET ?",
                (kind, limit, offset),
            )
            return [RejectedRow(*checked(row, str, str, str, str, str, int)) for row in rows]

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
                    for number, started, ended, *rest in (checked(row, *_INVOCATION) for row in rows)
                ]

        return self._read(work)

    def found(self) -> Found:
        """Return what the deployments were last found to bear."""
        return self._read(read_found)

    def running_pid(self) -> Holder | None:
        """Return the process that holds the state directory at this moment, None if no run is going on."""
        with translated(self._lock_path):
            return holder(self._lock_path)

    def _read(self, work: Callable[[Connection], T]) -> T:
        with translated(self._path):
            self._connection.execute("BEGIN")
            try:
                return work(self._connection)
            finally:
                self._connection.execute("ROLLBACK")
