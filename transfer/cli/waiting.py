"""What is done around the first plan of a job, which may have to wait for hours until it may be made."""

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVarTuple

import anyio
from anyio import CancelScope, to_thread

from transfer.checkpoint.failures import translated
from transfer.checkpoint.filesystem import make_private, refuse_network
from transfer.checkpoint.lock import DirectoryLock
from transfer.checkpoint.opening import LOCK
from transfer.client.auth import resolved
from transfer.config.secret import Secret
from transfer.config.settings import Settings

Given = TypeVarTuple("Given")


async def check_secrets(settings: Settings) -> None:
    """Read every secret once, without asking a deployment: one that lacks must not come out at night.

    Raises ``ConfigError`` that names the first one that cannot be read.
    """
    for auth in (settings.source.auth, settings.target.auth):
        for _, value in auth:
            if isinstance(value, Secret):
                await resolved(value)


@asynccontextmanager
async def meanwhile(endless: Callable[[*Given], Coroutine[Any, Any, None]], *given: *Given) -> AsyncIterator[None]:
    """Let ``endless`` run beside the block; what either raises comes out in an exception group."""
    async with anyio.create_task_group() as group:
        group.start_soon(endless, *given)
        yield
        group.cancel_scope.cancel()


@asynccontextmanager
async def held(directory: Path) -> AsyncIterator[None]:
    """Hold the state directory, which is made if need be, without a job in it: it stays free for any job afterwards.

    Raises ``StateLockedError`` when another run has it, another ``StateError`` when it cannot be used.
    """
    lock = await to_thread.run_sync(_taken, directory)
    try:
        yield
    finally:
        with CancelScope(shield=True):
            await to_thread.run_sync(lock.release)


def _taken(directory: Path) -> DirectoryLock:
    with translated(directory / LOCK):
        make_private(directory)
        refuse_network(directory)
        return DirectoryLock(directory / LOCK)
