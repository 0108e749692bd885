"""Walk one DAG on the target for the runs that this job wrote, and judge them.

Slice by slice, newest first. A run that the source has with the same start date is met beside it; the others (changed
on either side, gone at the source, never started) are held until the end and looked for by name.
"""

from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

from transfer.checkpoint.undoing import Undoing
from transfer.client.base import Source, Target
from transfer.engine.order import DATED, StartOrder
from transfer.engine.pace import Pace
from transfer.engine.scan import Cursor, Scanner, Slice
from transfer.engine.undo.beside import Beside, look_for
from transfer.engine.undo.judge import Judge, Kept, Removal
from transfer.kinds import Row
from transfer.model import SettledRun

TOGETHER: Final = 100
"""Runs that are claimed together before they are removed: as many are looked for again after a kill."""


@dataclass(frozen=True, slots=True)
class Walking:
    """What walking any DAG needs; ``slice_runs`` bounds the runs per page."""

    source: Source
    target: Target
    undoing: Undoing
    judge: Judge
    pace: Pace
    slice_runs: int


@dataclass(frozen=True, slots=True)
class _Stranger:
    """A run of ours that the source does not have at its place: what is remembered of it, and what is there."""

    known: SettledRun
    there: Row


class Walk:
    """Walks one DAG once; ``left`` are the runs that stay, with the reason, ``met`` how many of ours there are."""

    def __init__(self, walking: Walking, dag_id: str) -> None:
        self._walking = walking
        self._dag_id = dag_id
        self._scanner = Scanner(walking.target, dag_id, StartOrder("target"), Cursor())
        self._beside = Beside(walking.source, dag_id, walking.slice_runs)
        self._strangers: dict[str, _Stranger] = {}
        self.left: dict[str, str] = {}
        self.met = 0

    async def removals(self) -> AsyncGenerator[list[Removal]]:
        """Yield the runs to remove, some at a time, never none; whoever removes them says so to ``removed``.

        Raises ``DriftError`` when a side moves faster than it can be read, or a ``SideError``.
        """
        while (part := await self._next()) is not None:
            verdicts = await self._judged(part)
            self._scanner.advance(part)
            for some in _some(self._noted(verdicts)):
                yield some
        async with aclosing(self._by_name()) as verdicts_by_name:
            async for verdicts in verdicts_by_name:
                for some in _some(self._noted(verdicts)):
                    yield some

    def removed(self, runs: int) -> None:
        """Note that ``runs`` of those that were yielded are gone: what is behind them has moved to the front."""
        self._scanner.cursor.offset = max(self._scanner.cursor.offset - runs, 0)

    async def _next(self) -> Slice | None:
        await self._walking.pace.open()
        return await self._scanner.next(self._walking.slice_runs)

    async def _judged(self, part: Slice) -> list[Removal | Kept]:
        """Judge the runs of ``part`` that are ours, but for those that the source does not have at their place."""
        known = await self._walking.undoing.ours(self._dag_id, [row["run_id"] for row in part.rows])
        self.met += len(known)
        dated = [place for place in part.places if place[0] == DATED]
        beside = await self._beside.up_to(dated[-1], known) if known and dated else {}
        verdicts = []
        for row in part.rows:
            run_id = row["run_id"]
            if run_id in known and run_id in beside:
                verdicts.append(self._walking.judge.verdict(known[run_id], row, beside[run_id]))
            elif run_id in known:
                self._strangers[run_id] = _Stranger(known[run_id], row)
        return verdicts

    async def _by_name(self) -> AsyncGenerator[list[Removal | Kept]]:
        """Judge the others, having looked for them everywhere at the source."""
        walking, verdict = self._walking, self._walking.judge.verdict
        found = look_for(walking.source, self._dag_id, walking.slice_runs, list(self._strangers))
        async with aclosing(found) as rows:
            async for row in rows:
                one = self._strangers.pop(row["run_id"])
                yield [verdict(one.known, one.there, row)]
        yield [verdict(one.known, one.there, None) for one in self._strangers.values()]

    def _noted(self, verdicts: Iterable[Removal | Kept]) -> list[Removal]:
        removals = []
        for verdict in verdicts:
            if isinstance(verdict, Removal):
                removals.append(verdict)
            else:
                self.left[verdict.run_id] = verdict.reason
        return removals


def _some(removals: list[Removal]) -> Iterator[list[Removal]]:
    for start in range(0, len(removals), TOGETHER):
        yield removals[start : start + TOGETHER]
