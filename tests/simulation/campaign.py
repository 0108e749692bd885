"""Many seeds on all cores, and what came of them."""

import gc
import os
import sys
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from multiprocessing import get_context
from typing import Final

import structlog
from anyio._backends import _asyncio as anyio_asyncio
from structlog.typing import EventDict

from .bugs import planted
from .server import PASSWORD, TOKEN
from .simulate import Result, simulate

CHUNK: Final = 20
"""Seeds that a worker gets at once."""


@dataclass(slots=True)
class Tally:
    """What came of the seeds that were played."""

    seeds: int = 0
    requests: int = 0
    steps: int = 0
    processes: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    happened: Counter[str] = field(default_factory=Counter)
    violations: list[Result] = field(default_factory=list)

    def add(self, result: Result) -> None:
        """Count one seed."""
        self.seeds += 1
        self.requests += result.requests
        self.steps += result.steps
        self.processes += result.processes
        self.faults += result.faults
        self.happened += result.happened
        if result.violation is not None:
            self.violations.append(result)


def devote() -> None:
    """Make this process one that simulates and does nothing else.

    What a killed program leaves behind is taken apart without a word, and sets of scopes are walked in the order in
    which they were filled, not by address: cancellation walks them.
    """
    sys.unraisablehook = lambda _unraisable: None
    warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)
    structlog.configure(processors=[_drop])
    os.environ.update(SIMULATED_PASSWORD=PASSWORD, SIMULATED_TOKEN=TOKEN)
    anyio_asyncio.CancelScope.__hash__ = lambda _scope: 0  # type: ignore[method-assign,assignment]  # that is the point
    gc.collect()
    gc.freeze()


def _drop(_logger: object, _method: str, _event: EventDict) -> EventDict:
    raise structlog.DropEvent


def play(seeds: Iterable[int], bug: str | None = None) -> list[Result]:
    """Play seeds one after the other, with a planted bug if one is named."""
    with planted(bug):
        return [simulate(seed) for seed in seeds]


@contextmanager
def workers(jobs: int) -> Iterator[ProcessPoolExecutor]:
    """Open a pool of processes; what they play does not depend on how many they are."""
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=devote) as pool:
        try:
            yield pool
        finally:
            pool.shutdown(cancel_futures=True)


def results(
    pool: ProcessPoolExecutor, seeds: Iterable[int], *, ahead: int, chunk: int = CHUNK, bug: str | None = None
) -> Iterator[Result]:
    """Yield what came of each seed, in no particular order; at most ``ahead`` chunks are under way."""
    left = iter(seeds)
    running: set[Future[list[Result]]] = set()
    while True:
        while len(running) < ahead and (some := list(islice(left, chunk))):
            running.add(pool.submit(play, some, bug))
        if not running:
            return
        done, running = wait(running, return_when=FIRST_COMPLETED)
        for future in done:
            yield from future.result()
