"""Starts emulated deployments and asks them afterwards what they saw."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, NamedTuple

from benchmarks.measure import end
from benchmarks.serve import Order


class Seen(NamedTuple):
    """One request as a server saw it; the times are None where it did not come so far."""

    method: str
    route: str
    rows: int
    arrived: float | None
    begun: float | None
    done: float | None
    status: int | None


@dataclass(frozen=True, slots=True)
class Report:
    """What a server saw in its life; the last two are a target's."""

    log: list[Seen]
    cpu_seconds: float
    exactly_once: bool | None
    proof: dict[str, Any] | None

    def posts(self) -> list[Seen]:
        """Return the writes that stored rows, in the order in which they were done."""
        return sorted(filter(_stored, self.log), key=lambda seen: seen.done or 0.0)


def _stored(seen: Seen) -> bool:
    """Tell whether a request stored rows; the status of one whose client was killed is not known."""
    return seen.method == "POST" and seen.done is not None and seen.status in {HTTPStatus.OK, None}


class Deployment:
    """A server that runs as a process of its own."""

    def __init__(self, process: "subprocess.Popen[bytes]", order: Order) -> None:
        self._process = process
        self._report: Report | None = None
        if process.stdin is not None:
            process.stdin.write(order.text().encode())
            process.stdin.close()
        self.url = str(self._next("url")["url"])

    def wait(self) -> dict[str, float]:
        """Wait until it says that the rows of ``Order.tell_at`` are there; returns how many and when."""
        return self._next("at")

    def ended(self) -> Report:
        """End it and return what it saw; harmless when repeated."""
        if self._report is None:
            self._process.terminate()
            said = self._next("log")
            self._process.wait()
            log = [Seen(*seen) for seen in said["log"]]
            self._report = Report(log, said["cpu_seconds"], said["exactly_once"], said["proof"])
        return self._report

    def _next(self, name: str) -> dict[str, Any]:
        """Return the next line that says ``name``; what it said before and nobody heard is passed over."""
        for line in self._process.stdout or ():
            said: dict[str, Any] = json.loads(line)
            if name in said:
                return said
        raise RuntimeError("a server of the benchmark ended by itself")


@contextmanager
def started(order: Order) -> Iterator[Deployment]:
    """Start a deployment; it is ended on leaving, whatever happens."""
    command = [sys.executable, "-m", "benchmarks.serve"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603  our own command
    try:
        yield Deployment(process, order)
    finally:
        if process.poll() is None:
            end(process)
        if process.stdout is not None:
            process.stdout.close()
