"""The second look: whatever was not equal at first sight is read again on both sides, and compared row by row.

Suspects that stand close together are read together. A group that a side does not bring is looked at in halves; a run
that does not come alone is unreadable. What is found of a group is stored in one transaction with what is left to do.
"""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import partial

from transfer.engine.size import WindowSize
from transfer.engine.verify.both import both
from transfer.engine.verify.found import Found
from transfer.engine.verify.looking import Looked, Search, look_at
from transfer.engine.verify.settle import Settling
from transfer.engine.verify.side import Reader, moved
from transfer.engine.verify.walk import Comparing
from transfer.errors import DriftError, UnexpectedAnswerError
from transfer.findings import Spot, Suspect
from transfer.kinds import DAG_RUNS
from transfer.model import Difference, Mark

NEAR = 25
"""Runs between two suspects that are rather read along than asked for apart."""

PATIENCE = 3
"""Movements after which a group is halved."""

MOST_DRIFTS = 20
"""Movements met while looking at one group before its DAG is left for the next run of the program."""


class Look:
    """Looks at all suspects of one DAG."""

    def __init__(self, comparing: Comparing, dag_id: str) -> None:
        self._comparing = comparing
        self._dag_id = dag_id
        self._size = WindowSize(comparing.limits)
        self._source = Reader(comparing.source, dag_id, self._size, learns=True)
        self._target = Reader(comparing.target, dag_id, self._size, learns=True)
        self._fronts: tuple[str | None, str | None] = (None, None)

    async def all(self) -> None:
        """Look at everything that is left to look at.

        Raises ``DriftError`` when a side moves too fast, or what its requests raise.
        """
        store = self._comparing.store
        self._fronts = (await store.point(self._dag_id)).fronts
        await store.forget_suspects(self._dag_id)
        while suspects := await store.suspects(self._dag_id, self._size.runs):
            await self._comparing.pace.open()
            await self._settled(nearby(suspects, self._size.runs))

    async def _settled(self, group: Sequence[Suspect]) -> None:
        """Look at ``group``, and at its halves if it is too much or a side does not bring it."""
        found = await self._patient(group)
        if found is None and len(group) > 1:
            self._size.shrink(len(group))
            middle = len(group) // 2
            await self._settled(group[:middle])
            await self._settled(group[middle:])
            return
        found = found or self._unreadable(group)
        run_ids = [suspect.run_id for suspect in group]
        await self._comparing.store.looked(self._dag_id, run_ids, found.tally, found.differences, found.held)
        self._comparing.progress.compared(self._dag_id, 0, sum(found.tally.rows.values()), found.tally.differences)

    async def _patient(self, group: Sequence[Suspect]) -> Found | None:
        """Look at ``group`` until nothing moves meanwhile; None if a side does not bring it, or not while it rests."""
        for attempt in range(MOST_DRIFTS):
            try:
                return await self._looked(group, search=attempt > 0)
            except DriftError:
                self._comparing.progress.drifts += 1
            if attempt >= PATIENCE and len(group) > 1:
                return None  # less is read more quickly
        return await self._looked(group, search=True)

    async def _looked(self, group: Sequence[Suspect], *, search: bool) -> Found | None:
        found = Found(self._comparing.store, self._dag_id)
        try:
            with ExitStack() as pages:
                left, right = Looked(pages), Looked(pages)
                wide = [Search(front) if search else None for front in self._fronts]
                await both(
                    partial(look_at, self._source, left, source_spots(group), wide[0]),
                    partial(look_at, self._target, right, target_spots(group), wide[1]),
                )
                if left.unread or right.unread:
                    return None
                if not search:
                    self._expect(group, left, right)
                await Settling(self._comparing, left, right, found).settle(group)
                self._size.learn(len(left.rows) or 1, left.size, sum(part.seconds for part in left.pages))
        except (UnexpectedAnswerError, DriftError) as failure:
            await found.forget([suspect.run_id for suspect in group])
            if isinstance(failure, DriftError):
                raise
            return None
        return found

    def _expect(self, group: Sequence[Suspect], left: Looked, right: Looked) -> None:
        """Raise ``DriftError`` if a run is no longer where a side has shown it."""
        for suspect in group:
            if suspect.source is not None and suspect.run_id not in left.rows:
                raise moved("source", self._dag_id)
            if suspect.target is not None and suspect.run_id not in right.rows:
                raise moved("target", self._dag_id)

    def _unreadable(self, group: Sequence[Suspect]) -> Found:
        found = Found(self._comparing.store, self._dag_id)
        for suspect in group:
            found.tally.rows[DAG_RUNS.name, Mark.UNREADABLE] += 1
            found.differences.append(Difference(Mark.UNREADABLE, DAG_RUNS.name, self._dag_id, suspect.run_id))
        return found


def nearby(suspects: Sequence[Suspect], span: int) -> list[Suspect]:
    """Return as many of the first ``suspects`` as stand close to each other on both sides, within ``span`` runs."""
    group = [suspects[0]]
    for suspect in suspects[1:]:
        if _apart(suspect, group[-1]) > NEAR or _apart(suspect, group[0]) > span:
            break
        group.append(suspect)
    return group


def _apart(one: Suspect, other: Suspect) -> int:
    source = abs(one.source_offset - other.source_offset)
    return max(source, abs(one.target_offset - other.target_offset))


def source_spots(group: Sequence[Suspect]) -> Mapping[str, Spot]:
    """Return where the source is asked for each run: where it was, else where the target's would be."""
    return {suspect.run_id: Spot(_start(suspect.source, suspect.target), suspect.source_offset) for suspect in group}


def target_spots(group: Sequence[Suspect]) -> Mapping[str, Spot]:
    """Return where the target is asked for each run: where it was, else where the source's would be."""
    return {suspect.run_id: Spot(_start(suspect.target, suspect.source), suspect.target_offset) for suspect in group}


def _start(own: Spot | None, other: Spot | None) -> str | None:
    spot = own or other
    return spot.start if spot else None
