"""Runs emulators as a process of their own, for benchmarks and demonstrations."""

import signal
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack

import anyio

from transfer.emulator.server import Emulator


async def serve(emulators: Sequence[Emulator], ready: Callable[[list[str]], None]) -> None:
    """Serve until SIGINT or SIGTERM; ``ready`` gets the URLs once all of them answer.

    What the histories hold is there after the return. Inside a process that does other things too, use
    ``async with Emulator(...)`` instead.
    """
    async with AsyncExitStack() as stack:
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            for emulator in emulators:
                await stack.enter_async_context(emulator)
            ready([emulator.url for emulator in emulators])
            async for _ in signals:
                return
