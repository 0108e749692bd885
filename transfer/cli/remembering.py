"""What a run of the program found out about the deployments, for the next one to begin with."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import anyio

from transfer.checkpoint import Checkpoint, CheckpointReader, Found
from transfer.checkpoint.opening import has_checkpoint
from transfer.cli.limiting import Limiting
from transfer.engine.ceiling import Ceiling
from transfer.errors import StateError

FIRST_SECONDS: Final = 10.0
"""When it is stored for the first time: most is found out in the first seconds."""

STORE_SECONDS: Final = 60.0
"""How much of what was found later may be lost with the process."""

BODY_AGE: Final = timedelta(days=1)
"""After that the target is asked again for what it refused: somebody may have raised the limit."""


def remembered(state_dir: Path, now: datetime) -> Found:
    """Return what to begin with, nothing if there is no job; others complain about one that cannot be read."""
    try:
        if not has_checkpoint(state_dir):
            return Found()
        with CheckpointReader.open(state_dir) as reader:
            found = reader.found()
    except StateError:
        return Found()
    if found.body_since is not None and now - found.body_since >= BODY_AGE:
        return Found(found.concurrency)
    return found


class Finding:
    """What this run of the program finds, having begun with ``before``."""

    def __init__(self, before: Found, limiting: Limiting, now: Callable[[], datetime]) -> None:
        self.ceiling = Ceiling(before.body_bytes)
        self._limiting = limiting
        self._now = now
        self._last = before

    def known(self) -> Found:
        """Return what is known by now; a body size that did not change keeps the time since which it is known."""
        size = self.ceiling.found
        since = self._last.body_since if size == self._last.body_bytes else self._now()
        self._last = Found(self._limiting.adaptive, size, None if size is None else since)
        return self._last

    async def store_until_cancelled(self, checkpoint: Checkpoint) -> None:
        """Store it now and then, when it has changed."""
        stored, seconds = self.known(), FIRST_SECONDS
        while True:
            await anyio.sleep(seconds)
            seconds = STORE_SECONDS
            known = self.known()
            if known != stored:
                stored = known
                await checkpoint.remember(stored)
