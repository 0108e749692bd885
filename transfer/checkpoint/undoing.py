"""What an undo asks of the checkpoint and tells it: which runs this job wrote, and which of them it took away again.

A run is claimed before it is removed from the target, as one that was begun and not brought to its end. Killed in
between, nobody knows whether it is there: another undo finds out, and so does an ordinary run of the program, which
then brings it to its end. Once it is removed it is forgotten, and counted.
"""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from sqlite3 import Connection
from typing import Final

from transfer.checkpoint.attached import forget_attached
from transfer.checkpoint.database import Database, connect
from transfer.checkpoint.encoding import CODES, checked, decoding, digest, moment, signed, stamp
from transfer.checkpoint.failures import translated
from transfer.checkpoint.opening import DATABASE, check_origin, has_checkpoint, read_job
from transfer.checkpoint.passes import restart_pass
from transfer.checkpoint.plan import key_of
from transfer.checkpoint.windows import recall
from transfer.errors import StateError
from transfer.model import Outcome, SettledRun

WRITTEN: Final = frozenset(
    {
        Outcome.MOVED,
        Outcome.PARTIAL,
        Outcome.MENDING,
        Outcome.IN_FLIGHT,
        Outcome.CHANGED,
        Outcome.TO_REPLACE,
        Outcome.REPLACING,
    }
)
"""Memories of runs that this job wrote, or had begun to write, unless they are marked as not its own."""

_ADDED_TO: Final = frozenset({Outcome.FILLING, Outcome.MENDING_FOUND})
"""Memories of runs that were there before, and to which a window that was never done may have added rows."""

_DOUBTFUL: Final = frozenset({Outcome.IN_FLIGHT, Outcome.REPLACING})
"""The same of runs that are not known to be this job's: something of it may be there, or what was there before."""


def _among(outcomes: Collection[Outcome]) -> str:
    return f"outcome IN ({', '.join(str(code) for code in sorted(CODES[outcome] for outcome in outcomes))})"


_OURS: Final = f"(theirs = 0 AND {_among(WRITTEN)})"
_BEGUN: Final = f"({_among(_ADDED_TO)} OR theirs AND {_among(_DOUBTFUL)})"
_COUNT: Final = f"""
    SELECT dag_id, count(*) FILTER (WHERE {_OURS}), count(*) FILTER (WHERE {_BEGUN}),
        count(*) FILTER (WHERE outcome = {CODES[Outcome.ALREADY]})
    FROM run JOIN dag ON dag.id = run.dag GROUP BY dag.id ORDER BY dag_id
"""  # noqa: S608 - only numeric codes are put in
_LISTED: Final = "IN (SELECT value FROM json_each(?))"
_THESE: Final = f"SELECT digest FROM run WHERE dag = ? AND {_OURS} AND digest {_LISTED}"  # noqa: S608 - constants
_OTHERS: Final = f"SELECT digest FROM run WHERE dag = ? AND {_OURS} AND digest NOT {_LISTED}"  # noqa: S608 - constants
_COUNT_OTHERS: Final = f"SELECT count(*) FROM ({_OTHERS})"  # noqa: S608 - a constant
_MARK: Final = f"UPDATE run SET outcome = ?, fingerprint = ? WHERE dag = ? AND digest = ? AND {_OURS}"  # noqa: S608 - as above
_FORGET: Final = tuple(
    f"DELETE FROM {table} WHERE dag = ? AND digest {_LISTED}"  # noqa: S608 - constants
    for table in ("run", "attached_run", "attached_piece")
)
_ACCEPT: Final = f"DELETE FROM rejected WHERE dag = ? AND run_id {_LISTED}"  # noqa: S608 - a constant
_NAMES: Final = "SELECT DISTINCT run_id FROM rejected WHERE dag = ?"
_NOTE: Final = """
    INSERT INTO undone (dag, runs, at) VALUES (?, ?, ?)
    ON CONFLICT (dag) DO UPDATE SET runs = runs + excluded.runs, at = excluded.at
"""
_WINDOWS: Final = "window IN (SELECT id FROM window WHERE dag = ?)"
_ANY: Final = f"SELECT EXISTS (SELECT 1 FROM run WHERE dag = ? AND {_OURS})"  # noqa: S608 - as above
_CLEAR: Final = (
    f"UPDATE window_count SET moved = 0, repaired = 0 WHERE {_WINDOWS}",  # noqa: S608 - a constant
    f"DELETE FROM window_count WHERE already = 0 AND {_WINDOWS}",  # noqa: S608 - a constant
    f"DELETE FROM window_loss WHERE {_WINDOWS}",  # noqa: S608 - a constant
    "DELETE FROM attached_count WHERE dag = ? AND name <> 'already'",
)
"""What was counted of rows that are gone with their runs; what was found there before stays counted."""

_READ: Final = "SELECT dag_id, runs, at FROM undone JOIN dag ON dag.id = undone.dag ORDER BY dag_id"


@dataclass(frozen=True, slots=True)
class Written:
    """Runs of one DAG by whose they are.

    ``ours`` were written by this job; to those of ``begun`` it may have added rows, but they are not known to be its
    own; ``found`` were there before it.
    """

    ours: int
    begun: int
    found: int


@dataclass(frozen=True, slots=True)
class Undone:
    """How many runs of a DAG this job has removed from the target again, over all undos, and when the last one was."""

    runs: int
    at: datetime


class Undoing:
    """The part of a checkpoint that an undo uses; every method is one transaction, as there."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    async def written(self) -> dict[str, Written]:
        """Return whose the runs are, by DAG, also of DAGs that are no longer planned."""
        return await self._database.run(_written)

    async def undone(self) -> dict[str, Undone]:
        """Return what undos have removed, by DAG; DAGs of which nothing was removed are absent."""
        return await self._database.run(undone)

    async def begin(self, dag_id: str) -> None:
        """Give up the open pass over a DAG: the next one begins at its front, and meets what is removed now."""
        await self._database.run(partial(restart_pass, dag_id=dag_id))

    async def ours(self, dag_id: str, run_ids: Sequence[str]) -> dict[str, SettledRun]:
        """Return what is remembered of those of ``run_ids`` that this job wrote."""
        return await self._database.run(partial(_ours, dag_id=dag_id, run_ids=run_ids))

    async def ours_beside(self, dag_id: str, run_ids: Iterable[str]) -> int:
        """Return how many runs this job wrote beside ``run_ids``."""
        names = _digests(run_ids)

        def work(connection: Connection) -> int:
            (count,) = connection.execute(_COUNT_OTHERS, (key_of(connection, dag_id), names)).fetchone()
            return int(count)

        return await self._database.run(work)

    async def mark(self, dag_id: str, runs: Iterable[SettledRun]) -> None:
        """Remember ``runs``, which this job wrote, as this: claimed before they are removed, or as they were before."""
        marks = list(runs)
        await self._database.run(lambda connection: _mark(connection, key_of(connection, dag_id), marks))

    async def settle(self, dag_id: str, removed: Sequence[str], kept: Iterable[SettledRun]) -> None:
        """Forget and count the runs that were ``removed``; those that were ``kept`` are what they were before."""
        now, back = stamp(self._clock()), list(kept)

        def work(connection: Connection) -> None:
            dag = key_of(connection, dag_id)
            _mark(connection, dag, back)
            _forget(connection, dag, [digest(run_id) for run_id in removed], removed)
            forget_attached(connection, dag_id, removed)  # XComs went with the runs, and logs are sent anew with them
            if removed:
                connection.execute(_NOTE, (dag, len(removed), now))

        await self._database.run(work)

    async def finish(self, dag_id: str, left: Iterable[str]) -> int:
        """Forget the runs that this job wrote and that the target has no more: all but ``left``; return their number.

        If none is left, what was counted as moved of the DAG is cleared.
        """
        names = _digests(left)
        return await self._database.run(partial(_finish, dag_id=dag_id, left=names))


def undone(connection: Connection) -> dict[str, Undone]:
    """Return what undos have removed, by DAG; DAGs of which nothing was removed are absent."""
    rows = [checked(row, str, int, str) for row in connection.execute(_READ)]
    with decoding():
        return {dag_id: Undone(runs, moment(at)) for dag_id, runs, at in rows}


def selection_of(directory: Path) -> str:
    """Return the selection of the job in ``directory``, whichever release wrote it.

    Raises ``StateError`` when there is no job, or ``StateCorruptError``.
    """
    path = directory / DATABASE
    if not has_checkpoint(directory):
        hint = "an undo needs the state directory of the job that wrote the history: only that knows what it wrote"
        raise StateError(f"there is no job in {directory}", hint=hint)
    with translated(path), closing(connect(path, "ro")) as connection:
        check_origin(connection, path)
        return read_job(connection)[1].selection


def _written(connection: Connection) -> dict[str, Written]:
    rows = (checked(row, str, int, int, int) for row in connection.execute(_COUNT))
    return {dag_id: Written(*counts) for dag_id, *counts in rows if any(counts)}


def _ours(connection: Connection, dag_id: str, run_ids: Sequence[str]) -> dict[str, SettledRun]:
    found = connection.execute(_THESE, (key_of(connection, dag_id), _digests(run_ids)))
    numbers = {number for (number,) in found}
    return recall(connection, dag_id, [run_id for run_id in run_ids if digest(run_id) in numbers])


def _mark(connection: Connection, dag: int, runs: Iterable[SettledRun]) -> None:
    marks = [(CODES[run.outcome], signed(run.fingerprint), dag, digest(run.run_id)) for run in runs]
    connection.executemany(_MARK, marks)


def _forget(connection: Connection, dag: int, digests: Collection[int], names: Collection[str]) -> None:
    """Forget runs, with what hangs on them, and what was rejected of those in ``names``."""
    numbers = json.dumps(list(digests))
    for statement in _FORGET:
        connection.execute(statement, (dag, numbers))
    connection.execute(_ACCEPT, (dag, json.dumps(list(names))))


def _finish(connection: Connection, dag_id: str, left: str) -> int:
    dag = key_of(connection, dag_id)
    gone = {number for (number,) in connection.execute(_OTHERS, (dag, left))}
    _forget(connection, dag, gone, list(_named(connection, dag, gone)) if gone else [])
    (some,) = connection.execute(_ANY, (dag,)).fetchone()
    if not some:
        for statement in _CLEAR:
            connection.execute(statement, (dag,))
    return len(gone)


def _named(connection: Connection, dag: int, digests: Collection[int]) -> Iterator[str]:
    """Yield the names of runs that are only known as ``digests``, where they have rejected rows."""
    for (run_id,) in connection.execute(_NAMES, (dag,)).fetchall():
        if digest(run_id) in digests:
            yield run_id


def _digests(run_ids: Iterable[str]) -> str:
    return json.dumps([digest(run_id) for run_id in run_ids])
