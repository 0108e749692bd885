"""A web server as a queue before some workers, behind a network; its clients are as many as a control lets in.

Time is virtual and chance is seeded: the same model gives the same course. ``python -m tests.client.queueing`` prints
what a control reaches over many servers.
"""

import heapq
import random
import statistics
import sys
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

from transfer.client.climb import Climb
from transfer.client.control import Control, Done
from transfer.errors import ThrottledError


@dataclass(frozen=True, slots=True)
class Route:
    """One kind of request: its share of all, its sizes in bytes, and the seconds for a request and for a byte."""

    name: str
    share: float
    sizes: tuple[float, float]
    fixed: float
    per_byte: float


EVEN = (Route("POST task_instances", 1, (200_000, 700_000), 0.02, 5e-7),)
MIXED = (
    Route("POST dag_runs", 1, (1_000, 100_000), 0.01, 2e-7),
    Route("POST task_instances", 2, (1_000, 900_000), 0.02, 5e-7),
    Route("GET task_instances", 1, (1_000, 2_000_000), 0.01, 1e-7),
)


@dataclass(slots=True)
class Server:
    """What stands on the other side."""

    workers: int
    delay: float = 0.0
    """Seconds each way."""
    routes: tuple[Route, ...] = EVEN
    routes_later: tuple[Route, ...] | None = None
    """What is asked for in the second half of the job, if that is something else."""
    noise: float = 0.25
    outliers: float = 0.02
    """The share of requests that take five times as long."""
    slowness: Callable[[float], float] = lambda _share: 1.0
    """How many times as long all takes, by the share of the job that is done."""
    refusals: Callable[[float], float] = lambda _share: 0.0
    """The share of requests that are answered 429, by the share of the job that is done."""

    @property
    def knee(self) -> float:
        """Return how many requests at once keep all workers busy, were they all alike."""
        return self.workers * (1 + 2 * self.delay / self.mean)

    @property
    def mean(self) -> float:
        """Return the mean seconds of work for a request, without outliers."""
        shares = sum(route.share for route in self.routes)
        return sum(r.share * (r.fixed + r.per_byte * sum(r.sizes) / 2) for r in self.routes) / shares


@dataclass(slots=True)
class Sent:
    """A request under way; ``ideal`` are its seconds without any trouble of the server."""

    route: Route
    size: int
    ideal: float
    refused: bool
    start: float = 0.0


@dataclass(slots=True)
class Course:
    """What came of it, as one entry per request that ended: when, of how much work, with how many at once then."""

    server: Server
    ended: list[float] = field(default_factory=list)
    work: list[float] = field(default_factory=list)
    allowed: list[int] = field(default_factory=list)
    under_way: list[int] = field(default_factory=list)
    refused: int = 0

    def busy(self, begin: float, end: float = 1.0) -> float:
        """Return the share of the saturated rate that was reached between two shares of the job."""
        first, last = int(begin * len(self.ended)), int(end * len(self.ended)) - 1
        seconds = self.ended[last] - (self.ended[first - 1] if first else 0.0)
        return sum(self.work[first : last + 1]) / (seconds * self.server.workers)

    def final(self) -> float:
        """Return the median concurrency over the last third."""
        return statistics.median(self.allowed[len(self.allowed) * 2 // 3 :])


class Model:
    """Runs one job of ``requests`` against a server."""

    def __init__(self, server: Server, control: Control, requests: int, *, seed: int = 0, clients: int = 1_000) -> None:
        self._server, self._control, self._requests, self._clients = server, control, requests, clients
        self._random = random.Random(seed)  # noqa: S311 - chance that can be repeated
        self._now = 0.0
        self._events: list[tuple[float, int, Callable[[Sent], None], Sent]] = []
        self._number = count()
        self._waiting: deque[Sent] = deque()
        self._idle = server.workers
        self._under_way = 0
        self.course = Course(server)

    def run(self) -> Course:
        """Return what came of it."""
        self._send()
        while len(self.course.ended) < self._requests:
            self._now, _, event, sent = heapq.heappop(self._events)
            event(sent)
            self._send()
        return self.course

    @property
    def _share(self) -> float:
        return len(self.course.ended) / self._requests

    def _send(self) -> None:
        while self._under_way < min(self._control.concurrency, self._clients):
            sent = self._drawn()
            self._under_way += 1
            self._control.began(self._now)
            self._later(self._server.delay, self._arrive, sent)

    def _drawn(self) -> Sent:
        chance, server = self._random, self._server
        routes = server.routes if self._share < 0.5 else server.routes_later or server.routes
        route = chance.choices(routes, [route.share for route in routes])[0]
        size = int(chance.uniform(*route.sizes))
        seconds = (route.fixed + route.per_byte * size) * chance.lognormvariate(0, server.noise)
        seconds *= 5 if chance.random() < server.outliers else 1
        return Sent(route, size, seconds, chance.random() < server.refusals(self._share), self._now)

    def _later(self, seconds: float, event: Callable[[Sent], None], sent: Sent) -> None:
        heapq.heappush(self._events, (self._now + seconds, next(self._number), event, sent))

    def _arrive(self, sent: Sent) -> None:
        self._waiting.append(sent)
        self._serve()

    def _serve(self) -> None:
        while self._idle and self._waiting:
            self._idle -= 1
            sent = self._waiting.popleft()
            seconds = 0.002 if sent.refused else sent.ideal * self._server.slowness(self._share)
            self._later(seconds, self._served, sent)

    def _served(self, sent: Sent) -> None:
        self._idle += 1
        self._serve()
        self._later(self._server.delay, self._return, sent)

    def _return(self, sent: Sent) -> None:
        self._under_way -= 1
        self._control.ended(self._now)
        course = self.course
        if sent.refused:
            course.refused += 1
            self._control.failed(sent.start, self._now, ThrottledError("target", sent.route.name, "no", status=429))
            return
        course.ended.append(self._now)
        course.work.append(sent.ideal)
        course.allowed.append(self._control.concurrency)
        course.under_way.append(self._under_way)
        self._control.answered(Done(sent.start, self._now, sent.route.name, sent.size))


def main(seeds: int) -> None:
    """Print a table: what is reached after a tenth of a job, and what it settles on."""
    print("routes workers delay  knee | rate 0-10 % 10-100 %  worst | concurrency  most of knee")  # noqa: T201
    for name, routes in (("even", EVEN), ("mixed", MIXED)):
        for workers in (1, 2, 4, 16):
            for delay in (0.0, 0.02, 0.05):
                server = Server(workers, delay, routes)
                courses = [Model(server, Climb(1, 64), 600 * workers, seed=seed).run() for seed in range(seeds)]
                first = statistics.mean(course.busy(0, 0.1) for course in courses)
                rest = [course.busy(0.1) for course in courses]
                final = [course.final() for course in courses]
                print(  # noqa: T201
                    f"{name:6} {workers:7} {delay:5} {server.knee:5.1f} | {first:11.2f} {statistics.mean(rest):8.2f}"
                    f" {min(rest):6.2f} | {statistics.mean(final):11.1f} {max(final) / server.knee:13.2f}"
                )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10)
