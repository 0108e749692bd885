"""An event loop in virtual time: deterministic, never waiting, able to die at any step."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from itertools import count
from typing import Any, Final

from anyio._backends import _asyncio as anyio_asyncio

from .clock import Clock

TICK: Final = 20e-6
"""Seconds that one turn of the loop takes."""

MOST_STEPS: Final = 150_000
"""Turns after which a process counts as one that never ends; ordinary ones take hundreds to thousands."""

MOST_SECONDS: Final = 24 * 3600.0
"""Virtual seconds after which it does."""

MOST_SPINS: Final = 3
"""Turns in which anyio only tries to cancel tasks that are shielded, after which time goes on."""


class Killed(BaseException):
    """Raised out of the loop when its process is killed."""


class EndlessError(AssertionError):
    """Raised when a process does not end: it hangs, or goes on and on."""


class CountedTask(asyncio.Task[Any]):
    """A task whose place in a set depends on its number in its process, not its address: cancellation walks sets."""

    def __init__(self, *args: Any, number: int, **named: Any) -> None:
        self._number = number
        super().__init__(*args, **named)

    def __hash__(self) -> int:
        return self._number


class VirtualLoop(asyncio.BaseEventLoop):
    """Runs one process; ``on_step`` is called with the number of each turn and may raise ``Killed``."""

    def __init__(self, clock: Clock, on_step: Callable[[int], None], *, most_steps: int = MOST_STEPS) -> None:
        super().__init__()
        self.clock = clock
        self.steps = 0
        self._most_steps = most_steps
        self._on_step = on_step
        self._started = clock.now
        self._spins = 0
        self._ready: Any  # asyncio's own, in the order of call_soon
        self._scheduled: Any
        self._selector = self  # asyncio asks it whether sockets have something to say
        self._numbers = count(1)
        self.set_task_factory(self._task)  # type: ignore[arg-type]  # of any result

    def _task(
        self, loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, Any], **options: Any
    ) -> CountedTask:
        return CountedTask(coroutine, loop=loop, number=next(self._numbers), **options)

    def time(self) -> float:
        """Return virtual seconds."""
        return self.clock.now

    def select(self, timeout: float | None) -> tuple[()]:
        """Take the place of waiting: go to the next timer of the process or the next event of the world."""
        self.steps += 1
        self._on_step(self.steps)
        if self.steps > self._most_steps or self.clock.now - self._started > MOST_SECONDS:
            raise EndlessError(
                f"the process goes on and on: {self.steps} steps, {self.clock.now - self._started:.0f} s"
            )
        self.clock.now += TICK
        self._spins = self._spins + 1 if timeout == 0 and self._only_cancels() else 0
        if self._spins > MOST_SPINS:
            timeout = self._scheduled[0].when() - self.clock.now if self._scheduled else None
        if timeout is None and not self.clock.waits:
            raise EndlessError("the process hangs: it waits for nothing that could happen")
        self.clock.jump(float("inf") if timeout is None else self.clock.now + max(timeout, 0))
        return ()

    def _only_cancels(self) -> bool:
        """Tell whether all that is to be done is to cancel what may be shielded: that would stop the clock."""
        deliver = anyio_asyncio.CancelScope._deliver_cancellation
        return bool(self._ready) and all(
            getattr(handle._callback, "__func__", None) is deliver for handle in self._ready
        )

    def _process_events(self, event_list: tuple[()]) -> None:
        pass

    def _write_to_self(self) -> None:
        pass

    def _asyncgen_finalizer_hook(self, agen: Any) -> None:
        """Do nothing about a generator that a dead process left."""

    def bury(self) -> None:
        """Take apart what a killed process left; its clean-up runs, but reaches nothing outside any more."""
        for task in sorted(asyncio.all_tasks(self), key=hash):
            task._log_destroy_pending = False  # type: ignore[attr-defined]
            coroutine: Any = task.get_coro()
            with contextlib.suppress(BaseException):
                coroutine.close()
        self._ready.clear()
        self._scheduled.clear()
        self.close()
