"""Harm to the processes: the program, the web servers' workers, the databases' connections, the way between them."""

import os
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from random import Random

import anyio
import anyio.to_thread

from tests.live.rig import Side

from .program import Program
from .proxy import Proxy

OURS = "chaos"
"""The application_name of connections that are to be left alone."""

_BACKENDS = (
    "SELECT pid, state <> 'idle' FROM pg_stat_activity WHERE datname = current_database()"
    " AND application_name <> %s AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
    " ORDER BY state = 'idle', pid"
)


class Monkey:
    """Does harm at random moments until it is cancelled; `done` counts it.

    Args:
        program: what is killed.
        sides: the two deployments, the source first.
        proxies: what stands before them, in the same order.
        random: where chance comes from.
    """

    def __init__(
        self, program: Program, sides: tuple[Side, Side], proxies: tuple[Proxy, Proxy], random: Random
    ) -> None:
        self.done: Counter[str] = Counter()
        self._program = program
        self._sides = sides
        self._proxies = proxies
        self._random = random

    async def rage(self) -> None:
        """Do everything, each at moments of its own."""
        acts: dict[Callable[[], Awaitable[None]], float] = {
            self._kill_program: 10,
            self._stop_program: 30,
            self._kill_worker: 25,
            self._freeze_worker: 20,
            self._cut_off_backend: 8,
            self._refuse: 25,
        }
        async with anyio.create_task_group() as group:
            for act, seconds in acts.items():
                group.start_soon(self._again_and_again, act, seconds)

    async def _again_and_again(self, act: Callable[[], Awaitable[None]], seconds: float) -> None:
        while True:
            await anyio.sleep(self._random.expovariate(1 / seconds))
            await act()

    async def _kill_program(self) -> None:
        self._program.signal(signal.SIGKILL)

    async def _stop_program(self) -> None:
        """Ask the program to stop, sometimes twice."""
        asked = self._program.signal(signal.SIGTERM)
        if asked and self._random.random() < 0.4:
            await anyio.sleep(self._random.random() * 2)
            self._program.signal(signal.SIGTERM)

    async def _kill_worker(self) -> None:
        side = self._random.choice(self._sides)
        pid = await self._worker(side)
        if pid is not None and _signalled(pid, signal.SIGKILL):
            self.done[f"{side.name}: worker killed"] += 1

    async def _freeze_worker(self) -> None:
        """Stop a worker for longer than the program waits, now and then; what it had in hand it does afterwards."""
        side = self._random.choice(self._sides)
        pid = await self._worker(side)
        if pid is None or not _signalled(pid, signal.SIGSTOP):
            return
        self.done[f"{side.name}: worker frozen"] += 1
        try:
            await anyio.sleep(self._random.uniform(0.5, 8))
        finally:
            _signalled(pid, signal.SIGCONT)

    async def _cut_off_backend(self) -> None:
        side = self._random.choices(self._sides, (1, 3))[0]
        busy = await anyio.to_thread.run_sync(self._terminate_backend, side)
        if busy is not None:
            self.done[f"{side.name}: {'busy' if busy else 'idle'} database connection cut"] += 1

    async def _refuse(self) -> None:
        at = self._random.randrange(2)
        self.done[f"{self._sides[at].name}: connections refused for a while"] += 1
        await self._proxies[at].refuse(self._random.uniform(0.2, 3))

    async def _worker(self, side: Side) -> int | None:
        workers = await anyio.to_thread.run_sync(side.webserver.workers)
        return self._random.choice(workers) if workers else None

    def _terminate_backend(self, side: Side) -> bool | None:
        """End a connection, one that is in the middle of something if there is any; tell whether it was."""
        with side.connect() as conn:
            rows = conn.execute(_BACKENDS, [OURS]).fetchall()
            busy = [pid for pid, is_busy in rows if is_busy]
            candidates = busy or [pid for pid, _ in rows]
            if not candidates:
                return None
            conn.execute("SELECT pg_terminate_backend(%s)", [self._random.choice(candidates)])
            return bool(busy)


def _signalled(pid: int, number: signal.Signals) -> bool:
    """Send a signal to a worker; return whether it still lived."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True
