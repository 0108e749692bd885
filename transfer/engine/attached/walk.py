"""Walk one DAG at the source for the task instances of runs that the job has moved, to move what hangs on them.

Nothing of what was moved is kept but digests, so the runs are found by reading the DAG again: slice by slice, newest
first, those that are done passed over without a further request, and no further than to the last run that is wanted. A
run that has changed since it was moved is left out: what hangs on it now is not of the version that the target has.
"""

from collections.abc import AsyncGenerator, Collection, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from transfer.checkpoint import Checkpoint
from transfer.client.base import ChildPage, Source
from transfer.config.settings import Limits
from transfer.engine.children import read_children
from transfer.engine.choose import fingerprint
from transfer.engine.order import StartOrder
from transfer.engine.pace import Pace
from transfer.engine.scan import Cursor, Scanner, Slice
from transfer.engine.size import WindowSize
from transfer.errors import DriftError
from transfer.kinds import CHILDREN, TASK_INSTANCE_HISTORY, Kind, Row
from transfer.model import Attached, Outcome, SettledRun

OURS: Final = frozenset({Outcome.MOVED, Outcome.PARTIAL})
"""Memories of runs that this job wrote."""

FOUND: Final = frozenset({Outcome.ALREADY})
"""Memories of runs that the target had before."""

MOST_DRIFTS: Final = 25
"""Movements met while reading one slice before its DAG is left for the next run of the program."""

PATIENCE: Final = 2
"""Movements after which a slice is made smaller."""


class Task(NamedTuple):
    """One try of a task instance; ``try_number`` is 0 for one that never ran, ``started`` whether it has a date."""

    task_id: str
    map_index: int
    try_number: int
    state: str | None
    started: bool


@dataclass(slots=True)
class MovedRun:
    """A run that was moved, with its task instances and their earlier tries; ``pieces`` are done already."""

    dag_id: str
    run_id: str
    outcome: Outcome
    tasks: list[Task] = field(default_factory=list)
    earlier: list[Task] = field(default_factory=list)
    pieces: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Walking:
    """What walking any DAG needs: ``kind`` is what is wanted, of runs remembered as one of ``outcomes``.

    ``children`` are the kinds of rows that are read; earlier tries only where they are asked for.
    """

    source: Source
    checkpoint: Checkpoint
    limits: Limits
    pace: Pace
    kind: Attached
    outcomes: Collection[Outcome] = OURS
    children: Sequence[Kind] = CHILDREN


class RunWalk:
    """Walks one DAG; ``left`` is how many runs of it are wanted (``Checkpoint.runs_left``).

    Afterwards ``gone`` runs were not met: the source has them no more; ``changed`` are other runs now than those that
    were moved.
    """

    def __init__(self, walking: Walking, dag_id: str, left: int) -> None:
        self._walking = walking
        self.dag_id = dag_id
        self._scanner = Scanner(walking.source, dag_id, StartOrder("source"), Cursor())
        self._size = WindowSize(walking.limits)
        self._skim = WindowSize(walking.limits)
        self._idle = False
        self._drifts = 0
        self.gone = left
        self.changed = 0

    async def windows(self) -> AsyncGenerator[list[MovedRun]]:
        """Yield the runs that are wanted, those of one slice at a time: as many as a window has, never none.

        Raises ``DriftError`` when the source moves too fast, or a ``SideError``.
        """
        while self.gone > 0:
            await self._walking.pace.open()
            part = await self._scanner.next(self._skim.runs if self._idle else self._size.runs)
            if part is None:
                return
            runs = await self._window(part)
            if runs:
                yield runs

    async def _window(self, part: Slice) -> list[MovedRun]:
        """Return the wanted runs of the next slice, which is ``part`` or the beginning of it; none if it moved."""
        wanted = await self._wanted(part)
        if wanted and len(part.rows) > self._size.runs:
            part = part.head(self._size.runs)
            wanted = {row["run_id"]: wanted[row["run_id"]] for row in part.rows if row["run_id"] in wanted}
        same = self._unchanged(part, wanted)
        self._idle = not same
        runs: list[MovedRun] | None = []
        if same:
            runs = await self._load(part.narrowed(set(same)), same)
        else:
            self._skim.learn(len(part.rows), part.size, 0)
        if runs is None:
            return []
        self._drifts = 0
        self.changed += len(wanted) - len(runs)
        self.gone -= len(wanted)
        self._scanner.advance(part)
        return runs

    async def _wanted(self, part: Slice) -> dict[str, SettledRun]:
        """Return what is remembered of the runs of ``part`` that are wanted."""
        walking = self._walking
        run_ids = [row["run_id"] for row in part.rows]
        return await walking.checkpoint.runs_to_do(self.dag_id, walking.kind, run_ids, walking.outcomes)

    @staticmethod
    def _unchanged(part: Slice, wanted: dict[str, SettledRun]) -> dict[str, SettledRun]:
        """Return those of ``wanted`` that are what they were when they were moved."""
        rows = {row["run_id"]: row for row in part.rows if row["run_id"] in wanted}
        return {name: run for name, run in wanted.items() if fingerprint(rows[name]) == run.fingerprint}

    async def _load(self, narrow: Slice, wanted: dict[str, SettledRun]) -> list[MovedRun] | None:
        """Return ``wanted`` with what hangs on them; None if the slice has to be read again.

        A run whose row changed while its children were read is left for the next time.
        """
        walking = self._walking
        pages = await read_children(walking.source, self.dag_id, narrow, walking.children)
        if pages is None:
            self._size.shrink(len(narrow.rows))
            return None
        with closing(pages):
            same = await self._scanner.unchanged(narrow)
            if same is None:
                self._drifted(narrow)
                return None
            self._size.learn(len(narrow.rows), pages.size, pages.seconds)
            done = await walking.checkpoint.pieces_done(self.dag_id, walking.kind, list(wanted))
            runs = {
                name: MovedRun(self.dag_id, name, run.outcome, pieces=done.get(name, frozenset()))
                for name, run in wanted.items()
                if name in same
            }
            for page in pages.pages:
                await _fill(page, runs)
        return list(runs.values())

    def _drifted(self, narrow: Slice) -> None:
        self._drifts += 1
        if self._drifts > MOST_DRIFTS:
            raise DriftError(
                f"source: DAG {self.dag_id}: the history moves faster than it can be read",
                hint="run again when fewer of its runs start, or lower limits.window_bytes",
            )
        if self._drifts > PATIENCE:
            self._size.shrink(len(narrow.rows))


async def _fill(page: ChildPage, runs: dict[str, MovedRun]) -> None:
    """Put the rows of ``page`` into the runs that they belong to; those of other runs are passed over."""
    async for rows in page.rows():
        for row in rows:
            run = runs.get(row["run_id"])
            if run is not None:
                (run.earlier if page.kind is TASK_INSTANCE_HISTORY else run.tasks).append(task_of(row))


def task_of(row: Row) -> Task:
    """Return what is needed of a row of a task instance, or of an earlier try of one."""
    number = row.get("try_number")
    return Task(
        row["task_id"],
        row["map_index"],
        number if type(number) is int and number > 0 else 0,
        row.get("state"),
        row.get("start_date") is not None,
    )
