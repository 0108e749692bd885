"""One process: from its start to its end, whatever that is. It runs the command's own sequence."""

import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from random import Random
from typing import Any, Final
from uuid import UUID

import anyio

from transfer import secrets_registry
from transfer.checkpoint import opening, store
from transfer.cli import control, limiting
from transfer.cli import run as command
from transfer.cli.options import OutputOptions
from transfer.client import gate, http, stack
from transfer.client.retry import RetryEvent
from transfer.client.wire import Wire
from transfer.config.settings import Endpoint, Limits, Settings
from transfer.engine import live
from transfer.errors import TransferError
from transfer.model import SideName

from .clock import Clock
from .draw import Ending
from .loop import Killed, VirtualLoop
from .machine import Machine, threads_of
from .network import Network, Session

KILLED: Final = -9
"""What a killed process's parent sees."""


@dataclass(slots=True)
class Process:
    """One run of the program; ``code`` is its exit code, ``words`` what it said to the user."""

    settings: Settings
    clock: Clock
    network: Network
    machine: Machine
    random: Random
    ending: Ending
    note: Callable[[str], None]
    code: int = KILLED
    steps: int = 0
    words: list[str] = field(default_factory=list)
    prepare: command.Prepare | None = None
    _signals: "Signals | None" = None

    def run(self) -> int:
        """Live; return the exit code. Raises ``EndlessError``, and whatever the program raised but never should."""
        loop = VirtualLoop(self.clock, self._step)
        if self.ending.kind == "disk full":
            self.machine.full_at = self.ending.at
        with threads_of(self.machine), self._world():
            try:
                self.code = loop.run_until_complete(self._main())
            except Killed:
                self.code = KILLED
                self.network.process += 1
                self.machine.die(with_power=self.ending.kind == "kill")
            finally:
                self.network.process += 1
                self.steps = loop.steps
                self.machine.is_dead = True
                loop.bury()
        self.note(f"== ends with {self.code} after {self.steps} steps")
        return self.code

    async def _main(self) -> int:
        try:
            return await command.carry_out(self.settings, OutputOptions(json=True), self.prepare)
        except TransferError as error:
            self.words.append(error.told)
            self.note(f"== {type(error).__name__}: {error.told}")
            return error.exit_code

    def _step(self, number: int) -> None:
        """End, or be asked to end, when the time has come."""
        ending = self.ending
        if number == ending.at and ending.kind in {"kill", "crash"}:
            self.note(f"== {ending.kind}")
            raise Killed
        if number == ending.at and ending.kind in {"stop", "stop twice"}:
            self._signal()
        if number == ending.at + ending.again and ending.kind == "stop twice":
            self._signal()

    def _signal(self) -> None:
        """Send SIGTERM; a process that does not listen yet dies of it."""
        self.note("== signal")
        if self._signals is None:
            raise Killed
        self._signals.send(signal.SIGTERM)

    @contextmanager
    def _receiver(self, *_numbers: signal.Signals) -> Iterator["Signals"]:
        self._signals = Signals()
        yield self._signals

    @contextmanager
    def _world(self) -> Iterator[None]:
        """Put the simulated world in place of the real one, at its edges only."""
        calendar = self._calendar()
        edges: list[tuple[Any, str, Any]] = [
            (stack, "open_wire", self._open_wire),
            (stack, "Gate", lambda retry: gate.Gate(retry, self._time())),
            (http, "monotonic", lambda: self.clock.now),
            (limiting, "monotonic", lambda: self.clock.now),
            (control, "utc_now", lambda: calendar.now(UTC)),
            (live, "datetime", calendar),
            (store, "datetime", calendar),
            (store, "refuse_network", lambda _directory: None),
            (opening, "uuid4", lambda: UUID(int=self.random.getrandbits(128), version=4)),
            (secrets_registry, "_known", set()),
            (command, "show_until_cancelled", _say_nothing),
            (command, "show_summary", lambda *_args: None),
            (command, "show_nothing_done", lambda *_args: None),
            (command, "warn_of_wait", self._hear_of_wait),
            (command, "set_up_logging", lambda *_args, **_named: None),
            (anyio, "open_signal_receiver", self._receiver),
        ]
        real = [(where, name, getattr(where, name)) for where, name, _ in edges]
        for where, name, value in edges:
            setattr(where, name, value)
        try:
            yield
        finally:
            for where, name, value in real:
                setattr(where, name, value)

    @asynccontextmanager
    async def _open_wire(self, side: SideName, endpoint: Endpoint, limits: Limits) -> AsyncIterator[Wire]:
        yield Wire(side, endpoint, limits, lambda: Session(self.network, endpoint.read_timeout))  # type: ignore[arg-type,return-value]  # of its shape

    def _time(self) -> gate.Time:
        return gate.Time(clock=lambda: self.clock.now, sleep=anyio.sleep, random=self.random.random)

    def _calendar(self) -> type[datetime]:
        clock = self.clock

        class Calendar(datetime):
            """The wall clock of the program's machine."""

            @classmethod
            def now(cls, tz: tzinfo | None = None) -> Any:
                """Return the time of day as that machine has it."""
                return clock.shown.astimezone(tz)

        return Calendar

    def _hear_of_wait(self, event: RetryEvent) -> None:
        self.words.append(event.reason)


class Signals:
    """The signals that a process hears."""

    def __init__(self) -> None:
        self._waiting: list[signal.Signals] = []
        self._changed = anyio.Event()

    def send(self, number: signal.Signals) -> None:
        """Let the process hear of a signal."""
        self._waiting.append(number)
        self._changed.set()

    async def __aiter__(self) -> AsyncIterator[signal.Signals]:
        while True:
            await self._changed.wait()
            self._changed = anyio.Event()
            while self._waiting:
                yield self._waiting.pop(0)


async def _say_nothing(*_args: object) -> None:
    await anyio.sleep_forever()
