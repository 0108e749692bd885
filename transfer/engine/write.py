"""Write one window: DAG runs, then their task instances, then the history, as foreign keys want it.

Runs that are to be replaced are removed from the target before anything of their window is sent. A request of ours
whose answer was lost, or that outlived the process that sent it, may be carried out later, and would mix versions:

- An insert of an earlier version that comes late shows as rows that are there although they were removed.
- A removal that comes late shows, when the window is written, as a run that is gone again.

Either way the window is given up and begun anew: the runs are still remembered as being replaced, so whatever is there
is removed first. Only a request that is later than the last look at a window goes unnoticed; gunicorn kills its workers
after two minutes.
"""

from collections import defaultdict
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from functools import partial
from operator import itemgetter
from typing import Final

import anyio

from transfer.client.base import ChildPage, Target
from transfer.engine.batch import Batcher, drop_nulls
from transfer.engine.deliver import Courier, Delivery, Strikes
from transfer.engine.reconcile import Reconciler
from transfer.engine.several import several
from transfer.engine.tally import Tally
from transfer.engine.window import LoadedWindow
from transfer.errors import DriftError, NotStarshipError, RefusedError, UnexpectedAnswerError
from transfer.kinds import DAG_RUNS, TASK_INSTANCE_HISTORY, TASK_INSTANCES, Key, Kind, Row
from transfer.mapping import Account, Mapping
from transfer.model import Outcome, Settlement
from transfer.progress import Progress

PASSED_OVER: Final = "the target has another run with this id, which it keeps: it answered 200 and stored nothing"


class Writer:
    """Writes windows to one target; may be used by several tasks at once.

    ``room`` is for the batches of children that all of them have under way, one at a time if it is not given.
    """

    def __init__(
        self,
        target: Target,
        mapping: Mapping,
        batcher: Batcher,
        reconciler: Reconciler,
        progress: Progress,
        room: anyio.CapacityLimiter | None = None,
    ) -> None:
        self._target = target
        self._mapping = mapping
        self._batcher = batcher
        self._reconciler = reconciler
        self._progress = progress
        self._room = room or anyio.CapacityLimiter(1)
        self._strikes = Strikes()
        self._kept: defaultdict[str, dict[str, str]] = defaultdict(dict)
        """Why runs could not be replaced, by DAG: what the next look at them says, too."""

    async def held(self, loaded: LoadedWindow) -> set[str]:
        """Return those of the runs to move that the target has and keeps; to be asked where it may have any."""
        return {key[0] for key in await self._read_back(loaded, DAG_RUNS)} - set(loaded.replaced)

    async def check(self, loaded: LoadedWindow) -> None:
        """Read the window to its end if anything is to be removed for it; to be called before it is claimed.

        Raises ``DriftError`` or ``UnexpectedAnswerError`` where writing it would, when it is too late to keep what the
        target has.
        """
        if not loaded.replaced:
            return
        for page in loaded.pages:
            async with aclosing(self._pieces(page)) as pieces:
                async for rows in pieces:
                    _check_runs(loaded, rows)
            _check_count(loaded, page)

    async def write(self, loaded: LoadedWindow, held: set[str]) -> Settlement:
        """Return what became of the window, with every batch acknowledged or its rows refused for good.

        ``held`` are runs that are known to be there: only their children are looked at.
        Raises ``DriftError`` when a page holds children of runs that are not the window's (it must be read again), or
        the ``SideError`` that ends the job. What was sent by then is found on the target when the window is read again.
        """
        tried = self._kept[loaded.window.dag_id]
        kept = await self._remove(loaded)
        tried.update(kept)
        tally = Tally(loaded, kept, tried)
        lacking = [row for row in loaded.rows if row["run_id"] not in held and row["run_id"] not in kept]
        delivery = await self._send(loaded, DAG_RUNS, lacking, tally)
        await self._unmask(loaded, delivery)
        # Every run of the program sends those that are refused again, in vain.
        tally.regain(self._mapping.losses(DAG_RUNS, tally.among(DAG_RUNS, loaded.rows, delivery.refused)))
        anew = {key[0] for key in delivery.sent} & tally.removed if tally.removed else set()
        self._recount(DAG_RUNS, loaded.rows, {(run_id,) for run_id in held}, tally)
        delivery.found.update((run_id,) for run_id in held)
        tally.note(DAG_RUNS, delivery)
        for page in loaded.pages:
            await self._write_children(loaded, page, tally)
        await self._refill(loaded, tally)
        await self._confirm(loaded, anew)
        return tally.settlement()

    async def _unmask(self, loaded: LoadedWindow, delivery: Delivery) -> None:
        """Refuse the runs that the target has passed over with a 200, for it has them in another version.

        What hangs on them must not be mixed with that. An Airflow 2 would have said 409. Also asked where the target
        had nothing before, for its own scheduler may have made the same run meanwhile.
        """
        if not (self._mapping.target.skips_duplicates and delivery.sent):
            return
        passed_over = delivery.sent - await self._read_back(loaded, DAG_RUNS)
        if passed_over:
            delivery.sent.difference_update(passed_over)
            delivery.refused.update(dict.fromkeys(passed_over, PASSED_OVER))
            await self._check_late(loaded, DAG_RUNS, delivery)

    async def _remove(self, loaded: LoadedWindow) -> dict[str, str]:
        """Remove the earlier versions of the runs that are replaced; return those that must stay, with the reason.

        A target that cannot remove anything is a reason, too: it must not keep out what is new for ever.
        """
        kept = {}
        for run_id in loaded.replaced:
            try:
                await self._target.remove_run(loaded.window.dag_id, run_id)
            except (RefusedError, NotStarshipError, UnexpectedAnswerError) as error:
                kept[run_id] = f"could not be replaced: {error.detail}"
                if loaded.before[run_id] is Outcome.REPLACING:
                    kept[run_id] += "; an earlier attempt may have left a part of it there, or nothing"
        return kept

    async def _confirm(self, loaded: LoadedWindow, anew: set[str]) -> None:
        """Raise ``DriftError`` unless the runs that were sent ``anew`` are still there."""
        if anew and anew - {key[0] for key in await self._read_back(loaded, DAG_RUNS)}:
            raise _late(loaded, "a removal")

    async def _write_children(self, loaded: LoadedWindow, page: ChildPage, tally: Tally) -> None:
        """Write the rows of ``page`` whose run is on the target; look first where a run was there before."""
        present: set[Key] = set()
        if tally.found_runs and self._mapping.carries(page.kind):
            present = await self._read_back(loaded, page.kind)
            _check_removed(loaded, tally.removed, present)
        async with several(self._room) as sending, aclosing(self._pieces(page)) as pieces:
            await sending.place()  # before the rows are parsed: it bounds how many are held
            while rows := await anext(pieces, None):
                _check_runs(loaded, rows)
                if not self._mapping.carries(page.kind):
                    tally.lose(self._mapping.missed(len(tally.wanted(rows))))
                    continue
                self._sample(page.kind, rows, tally)
                self._recount(page.kind, rows, present, tally)
                if lacking := tally.sift(page.kind, rows, present):
                    if page.fresh:
                        drop_nulls(page.kind, lacking)
                    sending.start(partial(self._send_children, loaded, page.kind, lacking, tally))
                    await sending.place()
        _check_count(loaded, page)

    def _recount(self, kind: Kind, rows: list[Row], present: set[Key], tally: Tally) -> None:
        """Count what rows have lost that an earlier try at the window has sent, without having come to its end."""
        if present:
            tally.lose(self._mapping.losses(kind, tally.sent_before(kind, rows, present)))

    async def _send_children(self, loaded: LoadedWindow, kind: Kind, rows: list[Row], tally: Tally) -> None:
        tally.note(kind, await self._send(loaded, kind, rows, tally))

    async def _send(self, loaded: LoadedWindow, kind: Kind, rows: list[Row], tally: Tally) -> Delivery:
        """Map ``rows`` and deliver them; those that must not be sent count as refused."""
        account = Account()
        mapped = self._mapping.rows(kind, rows, account)
        if mapped is not rows:
            rows.clear()  # what they were is on the page, which is read again if need be
        delivery = await self._deliver(loaded, kind, mapped)
        delivery.refused.update(account.refused)
        tally.lose(account.losses)
        return delivery

    def _sample(self, kind: Kind, rows: list[Row], tally: Tally) -> None:
        """Keep one task instance of the window, for ``_refill``."""
        if self._mapping.refills and kind is TASK_INSTANCES and not tally.samples:
            tally.samples += self._mapping.rows(kind, tally.wanted(rows)[:1], Account())

    async def _refill(self, loaded: LoadedWindow, tally: Tally) -> None:
        """Have the target fill in the versions of the DAG, also of the earlier tries, which came last."""
        if self._mapping.refills and tally.has_sent(TASK_INSTANCE_HISTORY):
            await self._courier(loaded).deliver(TASK_INSTANCES, loaded.window.dag_id, tally.samples[:1])

    async def _deliver(self, loaded: LoadedWindow, kind: Kind, rows: list[Row]) -> Delivery:
        courier = self._courier(loaded)
        await courier.deliver(kind, loaded.window.dag_id, rows, consume=True)
        self._progress.sent(loaded.window.dag_id, courier.delivery.sent_rows)
        await self._check_late(loaded, kind, courier.delivery)
        return courier.delivery

    def _courier(self, loaded: LoadedWindow) -> Courier:
        return Courier(self._target, self._batcher, partial(self._read_back, loaded), self._strikes)

    async def _check_late(self, loaded: LoadedWindow, kind: Kind, delivery: Delivery) -> None:
        """Raise ``DriftError`` if rows of runs that were removed are there again, be it with another start date."""
        removed = set(loaded.replaced)
        _check_removed(loaded, removed, delivery.found)
        refused = {key[0] for key in delivery.refused} if kind is DAG_RUNS else set()
        for run_id in removed & refused:
            with suppress(RefusedError):
                if await self._target.remove_run(loaded.window.dag_id, run_id):
                    raise _late(loaded, "an insert")

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
    if not loaded.run_ids.issuperset(map(itemgetter("run_id"), rows)):
        strangers = {row["run_id"] for row in rows} - loaded.run_ids
        raise _moved(loaded, f"task instances of {len(strangers)} other runs came with a window")


def _check_count(loaded: LoadedWindow, page: ChildPage) -> None:
    """Raise ``DriftError`` unless a page that was read to its end is of the same moment as its window."""
    if page.run_count != loaded.run_count:
        raise _moved(loaded, f"it had {loaded.run_count} runs, then {page.run_count}")


def _check_removed(loaded: LoadedWindow, removed: set[str], there: set[Key]) -> None:
    """Raise ``DriftError`` if ``there`` holds rows of runs that were ``removed``."""
    if removed and any(key[0] in removed for key in there):
        raise _late(loaded, "an insert")


def _late(loaded: LoadedWindow, what: str) -> DriftError:
    return DriftError(f"target: DAG {loaded.window.dag_id}: {what} of an earlier request was carried out late")


def _moved(loaded: LoadedWindow, how: str) -> DriftError:
    return DriftError(f"source: DAG {loaded.window.dag_id} moved while it was read: {how}")
