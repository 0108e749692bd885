"""Remove some runs of one DAG from the target, and let the checkpoint know before and after."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import anyio

from transfer.checkpoint.undoing import Undoing
from transfer.client.base import Target
from transfer.engine.pace import Pace
from transfer.engine.several import several
from transfer.engine.stop import Stop
from transfer.engine.undo.judge import Removal
from transfer.errors import RefusedError
from transfer.progress import Progress

AT_ONCE: Final = 8
"""Removals under way at most, over all DAGs; the target's own limits may allow fewer requests."""


@dataclass(slots=True)
class Batch:
    """Some runs of one DAG, and what became of them: ``rest`` was not begun, since it is to stop or to pause."""

    dag_id: str
    removals: Sequence[Removal]
    removed: list[str] = field(default_factory=list)
    kept: dict[str, str] = field(default_factory=dict)
    rest: list[Removal] = field(default_factory=list)


class Remover:
    """Removes batches; may be used by several tasks at once."""

    def __init__(self, target: Target, undoing: Undoing, progress: Progress, stop: Stop, pace: Pace) -> None:
        self._target = target
        self._undoing = undoing
        self._progress = progress
        self._stop = stop
        self._pace = pace
        self._room = anyio.CapacityLimiter(AT_ONCE)

    async def remove(self, batch: Batch) -> None:
        """Remove the runs of ``batch`` until it is to stop or to pause.

        Raises the ``SideError`` of a removal of which nobody knows what became; that run stays claimed.
        """
        await self._undoing.mark(batch.dag_id, [removal.claim for removal in batch.removals])
        batch.rest = list(batch.removals)
        try:
            await self._carry_out(batch)
        finally:
            back = [removal.known for removal in batch.rest]
            back += [removal.known for removal in batch.removals if removal.run_id in batch.kept]
            with anyio.CancelScope(shield=True):  # one transaction: what was removed need not be looked for again
                await self._undoing.settle(batch.dag_id, batch.removed, back)

    async def _carry_out(self, batch: Batch) -> None:
        async with several(self._room) as removing:
            while batch.rest:
                await removing.place()
                if self._stop.requested or self._pace.reason is not None:
                    return
                removing.start(partial(self._remove, batch, batch.rest.pop(0)))

    async def _remove(self, batch: Batch, removal: Removal) -> None:
        try:
            await self._target.remove_run(batch.dag_id, removal.run_id)
        except RefusedError as error:
            batch.kept[removal.run_id] = error.detail
        else:
            batch.removed.append(removal.run_id)
            self._progress.sent(batch.dag_id, 1)
        self._progress.dags[batch.dag_id].runs_seen += 1
