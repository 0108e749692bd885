"""The checkpoint as the engine sees it: what is acknowledged here survives any crash."""

import os
import socket
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from sqlite3 import Connection
from types import MappingProxyType
from uuid import UUID

from anyio import CancelScope, to_thread

from transfer import __version__
from transfer.checkpoint import attached, passes, plan, reopening, windows
from transfer.checkpoint.cutover import CutoverMemory
from transfer.checkpoint.database import Database
from transfer.checkpoint.encoding import stamp
from transfer.checkpoint.failures import translated
from transfer.checkpoint.filesystem import make_private, refuse_network
from transfer.checkpoint.found import store_found
from transfer.checkpoint.lock import DirectoryLock
from transfer.checkpoint.opening import DATABASE, LOCK, open_database, read_job
from transfer.checkpoint.totals import read_totals
from transfer.checkpoint.undoing import Undoing
from transfer.checkpoint.values import AttachedStep, Found, Job, PlannedDag, Remedy, ResumePoint, Totals
from transfer.model import Attached, Outcome, SettledRun, Settlement, Window


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Checkpoint:
    """The state directory's database, held by one process and used by the tasks of one event loop.

    Every method is one transaction: when it returns, what it stored is on disk; when it raises or is cancelled, it
    was carried out whole or not at all. All raise ``StateFullError`` when nothing can be written and another
    ``StateError`` when the file turns out to be unusable; ValueError is a caller's mistake.
    """

    job_id: UUID
    """Made when the checkpoint was created, the same after any restart."""

    def __init__(self, database: Database, job_id: UUID, clock: Callable[[], datetime]) -> None:
        self.job_id = job_id
        self._database = database
        self._clock = clock

    @classmethod
    @asynccontextmanager
    async def open(
        cls, directory: Path, job: Job, *, clock: Callable[[], datetime] = _utc_now
    ) -> AsyncIterator["Checkpoint"]:
        """Hold the state directory and its checkpoint, which are created if need be.

        Raises ``StateLockedError`` (another run has it), ``StateMismatchError`` (it belongs to another job),
        ``StateCorruptError``, ``StateFullError`` (it cannot be written) or ``StateError`` (a network file system).
        """
        opened = await to_thread.run_sync(_Opened, directory, job, clock)
        try:
            yield cls(opened.database, opened.job_id, clock)
        finally:
            with CancelScope(shield=True):
                await to_thread.run_sync(opened.close)

    async def begin_invocation(self) -> int:
        """Record that a ``transfer run`` starts in this process; return its number, from 1 up."""
        values = (stamp(self._clock()), __version__, os.getpid(), socket.gethostname())

        def work(connection: Connection) -> int:
            cursor = connection.execute(
                "INSERT INTO invocation (started_at, version, pid, host) VALUES (?, ?, ?, ?)", values
            )
            return cursor.lastrowid or 0

        return await self._database.run(work)

    async def end_invocation(self, number: int, exit_code: int, found: Found | None = None) -> None:
        """Record that the invocation ends properly, with ``exit_code``, and what was ``found``."""
        now = stamp(self._clock())

        def work(connection: Connection) -> None:
            connection.execute(
                "UPDATE invocation SET ended_at = ?, exit_code = ? WHERE number = ?", (now, exit_code, number)
            )
            if found is not None:
                store_found(connection, found, now)

        await self._database.run(work)

    async def remember(self, found: Found) -> None:
        """Let the next run of the program begin with what was ``found``; a side it says nothing of stays as it is."""
        await self._database.run(partial(store_found, found=found, now=stamp(self._clock())))

    async def store_plan(self, dags: Sequence[PlannedDag]) -> None:
        """Make ``dags`` the plan; what was planned before and is not among them keeps its history."""
        await self._database.run(partial(plan.store_plan, dags=dags))

    async def plan(self) -> list[PlannedDag]:
        """Return the planned DAGs by name."""
        return await self._database.run(plan.read_plan)

    async def resume_point(self, dag_id: str) -> ResumePoint:
        """Return where to read on: behind the unbroken row of done windows of the open pass, or at a new pass's start.

        Windows that were cut and not done are dropped (their runs stay as claimed): call it only while no window of
        the DAG is on its way. Done windows behind a gap are read again, and keep their counts.
        """
        return await self._database.run(partial(passes.resume_point, dag_id=dag_id))

    async def restart_pass(self, dag_id: str) -> ResumePoint:
        """Give up the DAG's open pass, if any, and open the next; windows on their way still may be settled."""
        return await self._database.run(partial(passes.restart_pass, dag_id=dag_id))

    async def cut(
        self,
        window: Window,
        claimed: Sequence[SettledRun],
        expected: Mapping[str, SettledRun | None] = MappingProxyType({}),
    ) -> bool:
        """Store ``window`` and remember ``claimed`` as what they say, before anything of it is sent.

        Return False, and do nothing, if something else than ``expected`` is remembered of a run: another window had it
        meanwhile. A window that is not done may be cut again, differently, as long as nothing of it is on its way.
        What hangs on a claimed run counts as not done again, unless the run is only tried again.
        """

        def work(connection: Connection) -> bool:
            if not windows.cut(connection, window, claimed, expected):
                return False
            anew = [run.run_id for run in claimed if run.outcome is not Outcome.PARTIAL]
            attached.forget_attached(connection, window.dag_id, anew)
            return True

        return await self._database.run(work)

    async def recall(self, dag_id: str, run_ids: Sequence[str]) -> dict[str, SettledRun]:
        """Return what is remembered of ``run_ids``; those that were never seen are absent."""
        return await self._database.run(partial(windows.recall, dag_id=dag_id, run_ids=run_ids))

    async def settle(self, settlement: Settlement) -> None:
        """Mark the window done with what became of its runs and rows; repeating a settlement changes nothing.

        A window of which nothing is sent need not be cut before. ``counts`` are of this settlement only; DAG runs are
        counted by ``runs`` instead. ``rejected`` replaces all earlier rejected rows of these runs, and must name at
        least one row of every kind that counts rejected ones.
        """
        await self._database.run(partial(windows.settle, settlement=settlement, now=stamp(self._clock())))

    async def seen_in_pass(self, dag_id: str, pass_number: int) -> int:
        """Return how many runs were settled in the pass and not in a later one, whatever became of them."""
        return await self._database.run(partial(passes.seen_in_pass, dag_id=dag_id, pass_number=pass_number))

    async def claimed_runs(self, dag_id: str) -> int:
        """Return how many runs are UNSETTLED: what was begun, or decided, with them was not brought to its end."""
        return await self._database.run(partial(passes.claimed_runs, dag_id=dag_id))

    async def finish_pass(self, dag_id: str, pass_number: int) -> list[str]:
        """Record that the DAG was read completely; all windows of the pass must be done.

        Claimed runs that the pass did not meet are gone at the source: they become CHANGED, with a rejected row that
        says so, and what may be on the target of them. Those that were only marked, to be replaced or mended, are
        forgotten, for nothing was sent or removed of them; their names, or digests, are returned.
        """
        now = stamp(self._clock())
        return await self._database.run(partial(passes.finish_pass, dag_id=dag_id, pass_number=pass_number, now=now))

    async def reopen(self, dag_id: str, remedies: Iterable[tuple[str, Remedy]], verification: str) -> bool:
        """Make runs of a planned DAG work again, as ``verification`` found them, and open the DAG's next pass.

        Return False if this verification was applied to the DAG before: what is left of it is still marked, and
        runs that could not be replaced are marked again. ``remedies`` is walked in another thread. A run to be replaced
        becomes TO_REPLACE, also one of which nothing is remembered; one to be completed MENDING if this job wrote it
        and MENDING_FOUND if not. It stays what it is if it was never brought to an end, which is taken up again anyway,
        and if it is CHANGED: what the target has of it belongs to the earlier version.
        """
        now = stamp(self._clock())
        work = partial(reopening.reopen, dag_id=dag_id, remedies=remedies, verification=verification, now=now)
        return await self._database.run(work)

    async def replace_changed(self, dag_ids: Sequence[str]) -> None:
        """Mark the CHANGED runs that the last finished pass met TO_REPLACE, and open the next pass of each DAG."""
        await self._database.run(partial(reopening.replace_changed, dag_ids=dag_ids))

    async def was_met_since(self, dag_id: str, run_id: str, moment: datetime) -> bool:
        """Tell whether the source may have shown a run to this job since ``moment``."""
        work = partial(reopening.was_met_since, dag_id=dag_id, run_id=run_id, moment=stamp(moment))
        return await self._database.run(work)

    async def forget(self, dag_id: str, run_id: str, verification: str) -> None:
        """Remember of a run of a planned DAG only that it was removed from the target, as ``verification`` found it.

        The DAG is to be run then. Call it only while no window of the DAG is on its way.
        """

        def work(connection: Connection) -> None:
            reopening.forget(connection, dag_id, run_id, verification)
            attached.forget_attached(connection, dag_id, [run_id])

        await self._database.run(work)

    async def was_removed(self, dag_id: str, run_id: str, verification: str) -> bool:
        """Tell whether ``forget`` was called with the same arguments."""
        work = partial(reopening.was_removed, dag_id=dag_id, run_id=run_id, verification=verification)
        return await self._database.run(work)

    async def runs_left(self, kind: Attached, outcomes: Collection[Outcome]) -> dict[str, int]:
        """Return how many runs of each DAG are remembered as one of ``outcomes`` and not done for ``kind``.

        DAGs without any are absent; those that are no longer planned are among them.
        """
        return await self._database.run(partial(attached.runs_left, kind=kind, outcomes=outcomes))

    async def runs_to_do(
        self, dag_id: str, kind: Attached, run_ids: Sequence[str], outcomes: Collection[Outcome]
    ) -> dict[str, SettledRun]:
        """Return what is remembered of those of ``run_ids`` that are one of ``outcomes`` and not done for ``kind``."""
        work = partial(attached.runs_to_do, dag_id=dag_id, kind=kind, run_ids=run_ids, outcomes=outcomes)
        return await self._database.run(work)

    async def pieces_done(self, dag_id: str, kind: Attached, run_ids: Sequence[str]) -> dict[str, frozenset[int]]:
        """Return the pieces (``piece_name`` of their keys) that need nothing more, by run; runs without any lack."""
        return await self._database.run(partial(attached.pieces_done, dag_id=dag_id, kind=kind, run_ids=run_ids))

    async def take_up_again(self, kind: Attached) -> None:
        """Take every run of which something of ``kind`` was refused for not done."""
        await self._database.run(partial(attached.take_up_again, kind=kind))

    async def attach(self, kind: Attached, steps: Sequence[AttachedStep]) -> None:
        """Store what became of pieces of ``kind``; ``counts`` are added each time, so no step may be stored twice."""
        await self._database.run(partial(attached.attach, kind=kind, steps=steps, now=stamp(self._clock())))

    def undoing(self) -> Undoing:
        """Return the part of the checkpoint that an undo uses."""
        return Undoing(self._database, self._clock)

    def cutover(self) -> CutoverMemory:
        """Return the part of the checkpoint that a cutover uses."""
        return CutoverMemory(self._database, self._clock)

    async def totals(self) -> Totals:
        """Return what the job has come to, counted from the rows of the run table (a second for 5 million of them)."""
        return await self._database.run(read_totals)


class _Opened:
    """The lock and the database of a state directory; blocks while it opens and closes."""

    def __init__(self, directory: Path, job: Job, clock: Callable[[], datetime]) -> None:
        path = directory / DATABASE
        with translated(path):
            make_private(directory)
            refuse_network(directory)
            self._lock = DirectoryLock(directory / LOCK)
            try:
                connection = open_database(path, job, clock)
                self.job_id, _ = read_job(connection)
            except BaseException:  # whatever it is, the directory must be free for the next attempt
                self._lock.release()
                raise
        self.database = Database(connection, path)

    def close(self) -> None:
        try:
            self.database.close()
        finally:
            self._lock.release()
