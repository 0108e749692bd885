"""Write one window: DAG runs, then their task instances, then the history, as foreign keys want it."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial

from transfer.client.base import ChildPage, Target
from transfer.engine.batch import Batcher
from transfer.engine.deliver import Courier, Delivery, Strikes
from transfer.engine.reconcile import Reconciler
from transfer.engine.tally import Tally
from transfer.engine.window import LoadedWindow
from transfer.errors import DriftError
from transfer.kinds import DAG_RUNS, Key, Kind, Row
from transfer.mapping import fit
from transfer.model import Settlement
from transfer.progress import Progress


class Writer:
    """Writes windows to one target; may be used by several tasks at once."""

    def __init__(self, target: Target, batcher: Batcher, reconciler: Reconciler, progress: Progress) -> None:
        self._target = target
        self._batcher = batcher
        self._reconciler = reconciler
        self._progress = progress
        self._strikes = Strikes()

    async def held(self, loaded: LoadedWindow) -> set[str]:
        """Return those of the runs to move that the target has; needed where it had history before the job."""
        return {key[0] for key in await self._read_back(loaded, DAG_RUNS)}

    async def write(self, loaded: LoadedWindow, held: set[str]) -> Settlement:
        """Return what became of the window, with every batch acknowledged or its rows refused for good.

        ``held`` are runs that are known to be there: only their children are looked at.
        Raises ``DriftError`` when a page holds children of runs that are not the window's (it must be read again), or
        the ``SideError`` that ends the job. What was sent by then is found on the target when the window is read again.
        """
        tally = Tally(loaded)
        lacking = [row for row in loaded.rows if row["run_id"] not in held]
        delivery = await self._deliver(loaded, DAG_RUNS, lacking)
        delivery.found.update((run_id,) for run_id in held)
        tally.note(DAG_RUNS, delivery)
        for page in loaded.pages:
            await self._write_children(loaded, page, tally)
        return tally.settlement()

    async def _write_children(self, loaded: LoadedWindow, page: ChildPage, tally: Tally) -> None:
        """Write the rows of ``page`` whose run is on the target; look first where a run was there before."""
        present: set[Key] = set()
        if tally.found_runs:
            present = await self._read_back(loaded, page.kind)
        async with aclosing(self._pieces(page)) as pieces:
            async for rows in pieces:
                _check_runs(loaded, rows)
                lacking = tally.sift(page.kind, rows, present)
                if lacking:
                    fit(lacking)
                    tally.note(page.kind, await self._deliver(loaded, page.kind, lacking))
        if page.run_count != loaded.run_count:
            raise _moved(loaded, f"it had {loaded.run_count} runs, then {page.run_count}")

    async def _deliver(self, loaded: LoadedWindow, kind: Kind, rows: list[Row]) -> Delivery:
        courier = Courier(self._target, self._batcher, partial(self._read_back, loaded), self._strikes)
        await courier.deliver(kind, loaded.window.dag_id, rows)
        self._progress.sent(loaded.window.dag_id, len(courier.delivery.sent))
        return courier.delivery

    async def _read_back(self, loaded: LoadedWindow, kind: Kind) -> set[Key]:
        return await self._reconciler.present(kind, loaded.window.dag_id, loaded.rows)

    async def _pieces(self, page: ChildPage) -> AsyncGenerator[list[Row]]:
        """Yield the rows of ``page`` in lists of a full batch."""
        waiting: list[Row] = []
        async for rows in page.rows():
            waiting += rows
            while len(waiting) >= self._batcher.max_rows:
                yield waiting[: self._batcher.max_rows]
                del waiting[: self._batcher.max_rows]
        if waiting:
            yield waiting


def _check_runs(loaded: LoadedWindow, rows: list[Row]) -> None:
    strangers = {row["run_id"] for row in rows} - loaded.run_ids
    if strangers:
        raise _moved(loaded, f"task instances of {len(strangers)} other runs came with a window")


def _moved(loaded: LoadedWindow, how: str) -> DriftError:
    return DriftError(f"source: DAG {loaded.window.dag_id} moved while it was read: {how}")
