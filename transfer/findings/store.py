"""The result store as the engine sees it; one process writes it, whoever else likes may read."""

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from sqlite3 import Connection
from typing import Final, TypeVar
from uuid import UUID

from anyio import CancelScope, to_thread

from transfer.checkpoint.database import Database
from transfer.checkpoint.encoding import stamp
from transfer.checkpoint.filesystem import make_private, refuse_network
from transfer.checkpoint.lock import DirectoryLock
from transfer.findings import looks, walks
from transfer.findings.failures import remade, translated
from transfer.findings.opening import Opening, open_database
from transfer.findings.schema import DATABASE, LOCK
from transfer.findings.values import Phase, Point, Sighting, Step, Suspect, Tally
from transfer.model import Difference, SideName

T = TypeVar("T")

_LET_IT_END: Final = "wait for it or stop it; the lock goes away with the process"


def _utc_now() -> datetime:
    return datetime.now(UTC)


class FindingsStore:
    """The verification that is under way in a state directory; it has a lock of its own beside the job's.

    Every method is one transaction: when it returns, what it stored is on disk; when it raises or is cancelled, it was
    carried out whole or not at all. All raise ``StateError``.
    """

    id: UUID
    seed: int
    resumed: bool
    """Whether an earlier process began it."""
    given_up: tuple[str, ...]
    """In what the unfinished verification was another one that this one has replaced; empty if there was none."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    @classmethod
    @asynccontextmanager
    async def open(
        cls, directory: Path, opening: Opening, *, clock: Callable[[], datetime] = _utc_now
    ) -> AsyncIterator["FindingsStore"]:
        """Go on with the verification in ``directory`` if it is the same and not at its end, else begin a new one.

        Raises ``StateLockedError`` (another process verifies), ``StateMismatchError`` (the last verification compared
        another source or target), ``StateCorruptError``, ``StateFullError`` or ``StateError`` (a network file system).
        """
        opened = await to_thread.run_sync(_Opened, directory, opening, clock)
        try:
            store = cls(opened.database, clock)
            store.id, store.seed, store.resumed = opened.of.id, opened.of.seed, opened.of.resumed
            store.given_up = opened.of.given_up
            yield store
        finally:
            with CancelScope(shield=True):
                await to_thread.run_sync(opened.close)

    async def plan(self, dags: Sequence[tuple[str, int]], absent: Collection[str] = ()) -> None:
        """Make ``dags`` (with their runs at the source) those to compare; what was found of others before stays.

        ``absent`` are those that the target does not list.
        """
        await self._run(partial(walks.plan, dags=dags, absent=absent))

    async def point(self, dag_id: str) -> Point:
        """Return where comparing a DAG goes on."""
        return await self._run(partial(walks.point, dag_id=dag_id))

    async def restart(self, dag_id: str, point: Point) -> None:
        """Forget what was found of a DAG and begin it at ``point``."""
        await self._run(partial(walks.restart, dag_id=dag_id, point=point))

    async def advance(self, dag_id: str, step: Step) -> None:
        """Store what a window has added, and the place that was reached."""
        await self._run(partial(walks.advance, dag_id=dag_id, step=step))

    async def see_again(self, dag_id: str, side: SideName, sightings: Sequence[Sighting]) -> None:
        """Note the runs at the front of a side after the walk."""
        await self._run(partial(walks.see_again, dag_id=dag_id, side=side, sightings=sightings))

    async def seen(self, dag_id: str, side: SideName) -> int:
        """Return how many different runs were seen on a side."""
        return await self._run(partial(walks.seen, dag_id=dag_id, side=side))

    async def begin_look(self, dag_id: str, runs: tuple[int, int]) -> None:
        """Begin the second look at the suspects of a DAG; ``runs`` are those that the source and the target count."""
        await self._on(dag_id, partial(looks.begin, runs=runs))

    async def forget_suspects(self, dag_id: str) -> None:
        """Drop what an earlier process had noted of runs that are still to be looked at."""
        await self._on(dag_id, looks.forget_suspects)

    async def suspects(self, dag_id: str, limit: int) -> list[Suspect]:
        """Return at most ``limit`` suspects that are to be looked at, in about the order of the source."""
        return await self._on(dag_id, partial(looks.suspects, limit=limit))

    async def note(self, dag_id: str, differences: Sequence[Difference]) -> None:
        """Store differences of runs that are being looked at, before all of them are known."""
        await self._on(dag_id, partial(looks.add_differences, differences=differences))

    async def forget(self, dag_id: str, run_ids: Sequence[str]) -> None:
        """Drop what ``note`` has stored of runs that have to be looked at again."""
        await self._on(dag_id, partial(looks.forget, run_ids=run_ids))

    async def looked(
        self,
        dag_id: str,
        run_ids: Sequence[str],
        tally: Tally,
        differences: Sequence[Difference],
        held: Mapping[str, Mapping[str, int]],
    ) -> None:
        """Store what became of suspects, which are done with; ``held`` counts the target's rows by run and kind."""

        def work(connection: Connection, number: int) -> None:
            looks.clear(connection, number, run_ids)
            looks.add_differences(connection, number, differences)
            looks.add_held(connection, number, held)
            walks.count(connection, number, tally)

        await self._on(dag_id, work)

    async def end(self, dag_id: str) -> None:
        """Note that a DAG is compared to its end."""
        await self._on(dag_id, walks.end)

    async def give_up(self, dag_id: str, problem: str) -> None:
        """Note why a DAG could not be compared to its end; resuming tries it again."""
        await self._run(partial(walks.give_up, dag_id=dag_id, problem=problem))

    async def finish(self) -> bool:
        """Note that the verification is at its end, and tell whether it is: not while a DAG is left."""
        values = (stamp(self._clock()), Phase.DONE)

        def work(connection: Connection) -> bool:
            done = connection.execute(
                "UPDATE verification SET ended_at = ? WHERE NOT EXISTS (SELECT 1 FROM dag WHERE phase <> ?)", values
            )
            return done.rowcount > 0

        return await self._run(work)

    async def _run(self, work: Callable[[Connection], T]) -> T:
        with remade():
            return await self._database.run(work)

    async def _on(self, dag_id: str, work: Callable[[Connection, int], T]) -> T:
        return await self._run(lambda connection: work(connection, walks.number_of(connection, dag_id)))


class _Opened:
    """The lock and the database; blocks while it opens and closes."""

    def __init__(self, directory: Path, opening: Opening, clock: Callable[[], datetime]) -> None:
        path = directory / DATABASE
        with translated(path):
            make_private(directory)
            refuse_network(directory)
            self._lock = DirectoryLock(directory / LOCK, other="another verification", hint=_LET_IT_END)
            try:
                self.of = open_database(path, opening, clock)
            except BaseException:  # whatever it is, the directory must be free for the next attempt
                self._lock.release()
                raise
        self.database = Database(self.of.connection, path)

    def close(self) -> None:
        try:
            self.database.close()
        finally:
            self._lock.release()
