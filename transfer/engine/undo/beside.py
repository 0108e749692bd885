"""The source's runs, read in step with the target's: both sides serve them by start date, newest first."""

from collections import deque
from collections.abc import AsyncGenerator, Collection

from transfer.client.base import Source
from transfer.engine.order import DATED, Place, StartOrder
from transfer.engine.scan import Cursor, Scanner
from transfer.kinds import Row


class Beside:
    """Reads one DAG of the source from its front, no further than asked; ``size`` runs at a time."""

    def __init__(self, source: Source, dag_id: str, size: int) -> None:
        self._scanner = Scanner(source, dag_id, StartOrder("source"), Cursor())
        self._size = size
        self._rows: deque[tuple[Place, Row]] = deque()
        self._at_end = False

    async def up_to(self, last: Place, wanted: Collection[str]) -> dict[str, Row]:
        """Return the runs in ``wanted``, by id, of those with a start date up to ``last`` that were not passed before.

        Raises ``DriftError`` when the source moves faster than it can be read, or a ``SideError``.
        """
        found: dict[str, Row] = {}
        self._pass(last, wanted, found)
        while not self._rows and not self._at_end:
            await self._more()
            self._pass(last, wanted, found)
        return found

    def _pass(self, last: Place, wanted: Collection[str], found: dict[str, Row]) -> None:
        while self._rows and self._rows[0][0] <= last:
            _, row = self._rows.popleft()
            if row["run_id"] in wanted:
                found[row["run_id"]] = row

    async def _more(self) -> None:
        part = await self._scanner.next(self._size)
        if part is None:
            self._at_end = True
            return
        self._scanner.advance(part)
        # Runs that never started stand at either end, here and there: they are looked for by name.
        placed = zip(part.places, part.rows, strict=True)
        self._rows.extend((place, row) for place, row in placed if place[0] == DATED)


async def look_for(source: Source, dag_id: str, size: int, run_ids: Collection[str]) -> AsyncGenerator[Row]:
    """Yield the runs with ``run_ids``, wherever the source has them; those that it does not have are left out.

    Raises as ``Beside.up_to`` does.
    """
    scanner = Scanner(source, dag_id, StartOrder("source"), Cursor())
    lacking = set(run_ids)
    while lacking and (part := await scanner.next(size)) is not None:
        for row in part.rows:
            if row["run_id"] in lacking:
                lacking.remove(row["run_id"])
                yield row
        scanner.advance(part)
