"""Read back what the target has of a window, by key.

Starship can only page through a DAG's runs by start_date, so the window's place on the target is searched first; from
there on the same scanner that reads the source walks the target, with the same care about ties and drift.
"""

from contextlib import closing

from transfer.client.base import Target
from transfer.engine.order import Place, StartOrder
from transfer.engine.scan import Cursor, Scanner, Slice
from transfer.engine.unstarted import has_unstarted, is_before
from transfer.errors import DriftError
from transfer.kinds import DAG_RUNS, Key, Kind, Row

MOST_REREADS = 50
"""Movements met while reading back one window before giving up; our own writers move the target's order too."""

FIRST_STEP = 64
"""Runs from the first probe of a search to the second; doubled from there on."""


class Reconciler:
    """Asks the target what it has. ``slice_runs`` bounds the runs per page."""

    def __init__(self, target: Target, *, slice_runs: int) -> None:
        self._target = target
        self._order = StartOrder("target")
        self._slice_runs = slice_runs
        self._ended_at: dict[str, int] = {}

    async def present(self, kind: Kind, dag_id: str, runs: list[Row]) -> set[Key]:
        """Return the keys of all rows of ``kind`` that the target has for ``runs`` (rows of the source, one DAG).

        Only runs with the start_date they have at the source are found: another version of a run counts as absent.
        Raises ``DriftError`` when the target moves faster than it can be read, or a ``SideError``.
        """
        started = [row for row in runs if row["start_date"] is not None]
        if len(started) < len(runs) and not await has_unstarted(self._target, dag_id, self._order):
            runs = started
        if not runs:
            return set()
        wanted = {row["run_id"]: self._order.place(row["start_date"]) for row in runs}
        scanner = Scanner(self._target, dag_id, self._order, await self._before(dag_id, min(wanted.values())))
        found: set[Key] = set()
        size = min(self._slice_runs, len(runs))  # windows are sized by bytes, and what is read back weighs as much
        while (part := await scanner.next(size)) is not None:
            places = {run_id: self._order.current(place) for run_id, place in wanted.items()}
            at_place = zip(part.rows, part.places, strict=True)
            there = {row["run_id"] for row, place in at_place if places.get(row["run_id"]) == place}
            if there:
                keys = await self._keys(kind, dag_id, scanner, part.narrowed(there))
                if keys is None:
                    continue
                found.update(key for key in keys if key[0] in there)
            if part.places[-1] > max(places.values()):
                break
            scanner.advance(part)
        return found

    async def _keys(self, kind: Kind, dag_id: str, scanner: Scanner, part: Slice) -> set[Key] | None:
        """Return the keys that hang on ``part``; None if the target moved meanwhile and it must be found again."""
        if kind is DAG_RUNS:
            return {kind.key_of(row) for row in part.rows}
        page = await self._target.children(kind, dag_id, offset=part.offset, limit=len(part.rows))
        with closing(page):
            keys = {kind.key_of(row) async for rows in page.rows() for row in rows}
        # Other writers of ours add runs all the time; nobody takes any away.
        if await scanner.unchanged(part, deletions=False) is not None:
            return keys
        if scanner.drifts < MOST_REREADS:
            return None
        raise DriftError(
            f"target: DAG {dag_id}: the history moves faster than it can be read back",
            hint="pause the DAG on the target, then run again",
        )

    async def _before(self, dag_id: str, first: Place) -> Cursor:
        """Search the offset of the first run at or behind ``first``, around where the last search of this DAG ended.

        Deep offsets are dear: the server sorts all runs of the DAG for each. A few steps off does not matter to the
        scanner.
        """
        low, high = 0, (await self._target.dag_runs(dag_id, offset=0, limit=1)).run_count
        probe, step = self._ended_at.get(dag_id, 0), FIRST_STEP
        while low < high:
            probe = probe if low <= probe < high else (low + high) // 2
            if await is_before(self._target, dag_id, self._order, probe, first):
                low = probe + 1
                probe = low + step
            else:
                high = probe
                probe = high - step
            step *= 2
        self._ended_at[dag_id] = low
        rank, microseconds = first
        return Cursor(low, (rank, microseconds - 1))
