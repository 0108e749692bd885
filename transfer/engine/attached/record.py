"""Remember what became of many small things, several at a time: each commit waits for the disk."""

from dataclasses import dataclass, field

import anyio

from transfer.checkpoint import AttachedStep, Checkpoint
from transfer.model import Attached


@dataclass(slots=True)
class _Batch:
    steps: list[AttachedStep] = field(default_factory=list)
    stored: bool = False


class Recorder:
    """Stores steps of one kind; those that come while a commit is under way go into the next one together."""

    def __init__(self, checkpoint: Checkpoint, kind: Attached) -> None:
        self._checkpoint = checkpoint
        self._kind = kind
        self._lock = anyio.Lock()
        self._batch = _Batch()

    async def record(self, step: AttachedStep) -> None:
        """Return when ``step`` is on disk; steps are stored in the order in which they come."""
        batch = self._batch
        batch.steps.append(step)
        # Not to be cancelled in between: nobody would know whether the steps of others are stored.
        with anyio.CancelScope(shield=True):
            async with self._lock:
                if not batch.stored:
                    self._batch = _Batch()
                    await self._checkpoint.attach(self._kind, batch.steps)
                    batch.stored = True
