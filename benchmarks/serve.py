"""An emulated deployment as a process of its own: ``python -m benchmarks.serve``, told what to be on standard input.

It reads one line of JSON (``Order``), says its URL in one line, serves until SIGTERM, and then says what it saw in one
line more. Times are those of the machine's monotonic clock, which all processes share.
"""

import gc
import json
import logging
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import anyio

from transfer.emulator import (
    Behaviour,
    Cost,
    Emulator,
    Exchange,
    History,
    Open,
    ProofHistory,
    ServiceTimes,
    Shape,
    SyntheticHistory,
    serve,
)

GARBAGE_EVERY = 200_000
"""Objects between two looks for garbage: parsed rows are none, and looking at them costs as much as parsing them."""


@dataclass(frozen=True, slots=True)
class Order:
    """What a server is to be.

    Args:
        shape: the fields of the ``Shape`` of the history.
        writable: whether it is an empty target for that history, instead of a source that has it.
        workers: requests at once; None for any number, which take no time.
        latency: seconds each way; a new connection costs one more way there and back.
        service: what requests cost a worker, as ``costs`` wrote it down.
        tell_at: how many rows have to be there until it says so in a line.
    """

    shape: dict[str, Any]
    writable: bool
    workers: int | None = None
    latency: float = 0.0
    service: dict[str, tuple[float, float]] = field(default_factory=dict)
    tell_at: int | None = None

    def text(self) -> str:
        """Return the line to send."""
        return json.dumps(asdict(self)) + "\n"


def costs(service: ServiceTimes) -> dict[str, tuple[float, float]]:
    """Return service times as JSON takes them: fixed seconds and seconds per row by ``METHOD`` or ``METHOD route``."""
    by_method = {method: (cost.fixed, cost.per_row) for method, cost in service.by_method.items()}
    by_route = {" ".join(route): (cost.fixed, cost.per_row) for route, cost in service.by_route.items()}
    return by_method | by_route


def service_times(written: dict[str, tuple[float, float]]) -> ServiceTimes:
    """Return what ``costs`` wrote down."""
    costs_of = {name.partition(" "): Cost(*cost) for name, cost in written.items()}
    return ServiceTimes(
        {method: cost for (method, _, route), cost in costs_of.items() if not route},
        {(method, route): cost for (method, _, route), cost in costs_of.items() if route},
    )


class Server:
    """One emulator and what is watched of it."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._rows = 0
        source = SyntheticHistory(Shape(**order.shape))
        self._history: History = ProofHistory(source) if order.writable else source
        self._tell_at = order.tell_at
        self.emulator = Emulator(self._history, self._behaviour())

    def _behaviour(self) -> Behaviour:
        order = self._order
        return Behaviour(
            door=Open(),
            latency=order.latency,
            handshake=True,
            workers=order.workers,
            service=service_times(order.service),
            exact=False,
            on_done=self._done,
        )

    def _done(self, exchange: Exchange) -> None:
        """Count what was done, and say it when enough is there."""
        self._rows += exchange.rows
        if self._tell_at is not None and self._rows >= self._tell_at:
            self._tell_at = None
            say({"rows": self._rows, "at": time.monotonic()})

    def report(self) -> dict[str, Any]:
        """Return what it saw: requests as (method, route, rows, arrived, begun, done, status), and the proof."""
        requests = self.emulator.requests
        log = [
            (seen.method, seen.route, seen.rows, seen.arrived, seen.begun, seen.done, seen.status) for seen in requests
        ]
        proof = self._history.proof() if isinstance(self._history, ProofHistory) else None
        return {
            "log": log,
            "cpu_seconds": time.process_time(),
            "proof": proof and asdict(proof),
            "exactly_once": proof and proof.exactly_once,
        }


def say(what: object) -> None:
    """Write one line of JSON."""
    print(json.dumps(what), flush=True)


def main() -> None:
    """Be the server that standard input asks for."""
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)  # clients are killed in the middle of an answer
    server = Server(Order(**json.loads(sys.stdin.readline())))
    gc.freeze()
    gc.set_threshold(GARBAGE_EVERY)

    def ready(urls: Sequence[str]) -> None:
        say({"url": urls[0]})

    anyio.run(serve, [server.emulator], ready)
    say(server.report())


if __name__ == "__main__":
    main()
