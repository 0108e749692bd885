"""Whole jobs in virtual time between two servers with a few workers each, whose capacity changes on the way."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

import anyio
from aiohttp import web
from multidict import CIMultiDict

from tests.simulation.clock import Clock
from tests.simulation.loop import MOST_STEPS, VirtualLoop
from tests.simulation.machine import Machine, threads_of
from tests.simulation.network import Heard, Session
from tests.simulation.server import Asked, Deployment
from transfer.checkpoint import Checkpoint, Job
from transfer.client.gate import Gate, Time
from transfer.client.limit import SideLimit
from transfer.client.stack import stacked
from transfer.client.wire import Wire
from transfer.config.settings import Endpoint, Limits, NoAuth, Retry, Selection, Settings, SideLimits
from transfer.emulator import MEASURED, ServiceTimes, TableHistory, compare
from transfer.engine import run as engine
from transfer.engine.ending import Ending
from transfer.engine.plan import make_plan
from transfer.engine.stop import Stop
from transfer.progress import Progress

if TYPE_CHECKING:
    import asyncio

    from transfer.model import SideName

WORKERS: Final = 4
DELAY: Final = 0.02


@dataclass(frozen=True, slots=True)
class Visit:
    """A request that came to a server, in virtual seconds; ``present`` is how many were there then, itself included."""

    at: float
    present: int
    refused: bool


class Place(Protocol):
    """What carries requests out, each at one moment."""

    def carry_out(self, asked: Asked) -> web.Response:
        """Do what is asked, whole, and return the answer."""
        ...


class Worked(NamedTuple):
    """A request that was carried out: how many rows it sent or served, and when it came, was begun and was done."""

    method: str
    route: str
    rows: int
    arrived: float
    begun: float
    done: float


@dataclass(slots=True)
class Server:
    """A deployment with a few workers, which gets into trouble once it was asked ``healthy_for`` times.

    It is slower then by ``slowness``, and answers 429 to the share ``refused`` of all requests.
    """

    deployment: Place
    clock: Clock
    random: Random
    healthy_for: int | None = None
    slowness: float = 1.0
    refused: float = 0.0
    service: ServiceTimes = MEASURED
    visits: list[Visit] = field(default_factory=list)
    log: list[Worked] = field(default_factory=list)
    """What its workers did, in the order in which it was done."""
    free: int = WORKERS
    """Workers that have nothing to do."""
    _present: int = 0
    _line: list[Callable[[], None]] = field(default_factory=list)

    @property
    def before(self) -> list[Visit]:
        """Return the requests of its good days."""
        return self.visits[: self.healthy_for]

    @property
    def after(self) -> list[Visit]:
        """Return those of its bad days."""
        return self.visits[len(self.before) :]

    def arrive(self, asked: Asked, answer: Callable[[Heard], None]) -> None:
        """Take a request in."""
        self._present += 1
        is_bad_day = self.healthy_for is not None and len(self.visits) >= self.healthy_for
        is_refused = is_bad_day and self.random.random() < self.refused
        self.visits.append(Visit(self.clock.now, self._present, is_refused))
        if is_refused:
            self._leave(Heard(429, CIMultiDict(), b"", {}, cut=False), answer)
            return
        arrived = self.clock.now
        self._line.append(lambda: self._work(asked, arrived, answer))
        self._go_on()

    def _go_on(self) -> None:
        while self.free and self._line:
            self.free -= 1
            self._line.pop(0)()

    def _work(self, asked: Asked, arrived: float, answer: Callable[[Heard], None]) -> None:
        begun = self.clock.now
        found = self.deployment.carry_out(asked)
        said: Any = found.body or b""
        route = asked.path.rpartition("/")[2]
        rows = (asked.body or bytes(said)).count(b'"run_id"')
        seconds = self.service.seconds(asked.method, route, rows) * (self.slowness if self.after else 1)

        def done() -> None:
            self.free += 1
            self.log.append(Worked(asked.method, route, rows, arrived, begun, self.clock.now))
            body = bytes(said)
            headers = CIMultiDict({**found.headers, "Content-Length": str(len(body))})
            self._leave(Heard(found.status, headers, body, {}, cut=False), answer)
            self._go_on()

        self.clock.after(seconds, done)

    def _leave(self, heard: Heard, answer: Callable[[Heard], None]) -> None:
        self._present -= 1
        answer(heard)


@dataclass(slots=True)
class Roads:
    """The way to both servers; takes the place of the simulation's network."""

    servers: dict[str, Server]
    clock: Clock
    delay: float = DELAY

    def send(self, asked: Asked, future: "asyncio.Future[Heard]", _timeout: float) -> None:
        """Let a request travel; a new connection costs one more way there and back."""

        def answer(heard: Heard) -> None:
            self.clock.after(self.delay, lambda: None if future.done() else future.set_result(heard))

        self.clock.after(3 * self.delay, lambda: self.servers[asked.host].arrive(asked, answer))


@dataclass(slots=True)
class Town:
    """Both servers, the job's settings, and what ``run`` of the job found."""

    servers: dict[str, Server]
    clock: Clock
    settings: Settings
    delay: float = DELAY
    """Seconds each way."""
    most_steps: int = MOST_STEPS
    at_once: SideLimits = field(default_factory=SideLimits)
    """How hard either side may be asked."""
    limits: dict[str, SideLimit] = field(default_factory=dict)
    """What either side was asked at once; of the last run."""

    def run(self) -> Ending:
        """Run the job once, in virtual time."""
        random = Random(1)  # noqa: S311 - reproducible, not secret
        machine = Machine(self.settings.state_dir, random, lambda _connection: None)
        loop = VirtualLoop(self.clock, lambda _step: None, most_steps=self.most_steps)
        sides: tuple[SideName, ...] = ("source", "target")
        self.limits = {side: SideLimit(side, self.at_once, clock=lambda: self.clock.now) for side in sides}
        with threads_of(machine):
            try:
                return loop.run_until_complete(self._job(random))
            finally:
                loop.bury()

    async def _job(self, random: Random) -> Ending:
        settings = self.settings
        sides: Any = {side: self._side(side, random) for side in self.servers}
        identity = Job(settings.source.url, settings.target.url, "{}")
        async with Checkpoint.open(settings.state_dir, identity) as checkpoint:
            plan = await make_plan(sides["source"], sides["target"], settings.selection)
            await checkpoint.store_plan(plan.dags)
            job = engine.Job(
                settings,
                sides["source"],
                sides["target"],
                checkpoint,
                Progress(),
                Stop(),
                mapping=plan.mapping,
                source_limit=self.limits["source"],
                target_limit=self.limits["target"],
            )
            return await engine.run(job, plan.dags)

    def _side(self, name: Any, random: Random) -> Any:
        side: SideName = name
        endpoint = self.settings.source if side == "source" else self.settings.target
        roads: Any = Roads(self.servers, self.clock, self.delay)
        session: Any = lambda: Session(roads, endpoint.read_timeout)  # noqa: E731 - one use, one line
        wire = Wire(side, endpoint, self.settings.limits, session)
        time = Time(clock=lambda: self.clock.now, sleep=anyio.sleep, random=random.random)
        return stacked(wire, endpoint, Gate(self.settings.retry, time), limit=self.limits[side])

    def differences(self) -> list[Any]:
        """Return how the target differs from the source."""
        tables: Any = [server.deployment for server in self.servers.values()]
        return compare(*(deployment.table for deployment in tables))


def town(directory: Path, source: TableHistory, target: TableHistory, **limits: Any) -> Town:
    """Return two servers with the default limits; ``limits`` are fields of ``Limits``."""
    clock = Clock()
    tables = (("source", source), ("target", target))
    places = {name: Deployment(name, table, auth="none", exact=False, clock=clock, seed=0) for name, table in tables}
    return between(directory, clock, places, **limits)


def between(directory: Path, clock: Clock, places: Mapping[str, Place], **limits: Any) -> Town:
    """Return two servers at ``places``, by side."""
    servers = {name: Server(place, clock, Random(name)) for name, place in places.items()}  # noqa: S311 - reproducible
    ends = {name: Endpoint(url=f"http://{name}.test", auth=NoAuth(kind="none")) for name in servers}
    settings = Settings(
        source=ends["source"],
        target=ends["target"],
        selection=Selection(),
        limits=Limits(**limits),
        retry=Retry(),
        state_dir=directory / "state",
    )
    return Town(servers, clock, settings)
