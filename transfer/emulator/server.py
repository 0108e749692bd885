"""The server around the routes: one middleware that counts, hurts, waits, asks the door and answers."""

import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self
from weakref import WeakSet

import anyio
from aiohttp import web

from transfer.emulator import faults as faulty
from transfer.emulator.capacity import ServiceTimes, Workers
from transfer.emulator.columns import DEFAULT, MODERN, release_of
from transfer.emulator.door import Door, Unchosen
from transfer.emulator.faults import Faults
from transfer.emulator.history import History
from transfer.emulator.login import LoginForm
from transfer.emulator.logs import LogFiles, LogRoutes
from transfer.emulator.objects import Configuration
from transfer.emulator.site import PREFIX, Handler, Site, site_of
from transfer.emulator.tokens import TokenRoute
from transfer.emulator.traits import traits_of
from transfer.emulator.wire import rows_of
from transfer.emulator.wire3 import hang_up
from transfer.emulator.xcoms import XComStore

_READ_MAX = 256 * 1024 * 1024


@dataclass(slots=True)
class Exchange:
    """One request as the emulator saw it; ``status`` stays None when its connection was reset or is stalled.

    ``size`` is the announced length of the body in bytes, None when it came in chunks; ``rows`` is how many rows of
    history were sent or served. The times are those of ``Behaviour.clock``: when the server had the request, when it
    began with it (a worker was free), and when it had done it; None for what has not happened.
    """

    method: str
    route: str
    params: Mapping[str, str]
    headers: Mapping[str, str]
    size: int | None = None
    status: int | None = None
    rows: int = 0
    arrived: float | None = None
    begun: float | None = None
    done: float | None = None


Hook = Callable[[Exchange], Awaitable[None]]
"""Called before a request is carried out; may change the history, or wait."""
Watch = Callable[[Exchange], None]
"""Called when a request was carried out, before it is answered."""


@dataclass(slots=True)
class Behaviour:
    """How a server behaves apart from what it holds.

    ``latency`` is in seconds for each way; with ``handshake`` a new connection costs one more way there and back.
    ``keep_alive`` False closes each connection after one answer, as Airflow 2's synchronous gunicorn workers do; None
    does what ``airflow_version`` does, which also decides about routes, answers, limits and what stands at the door.
    ``workers`` is how many requests are carried out at once, None for any number; each keeps its worker busy for what
    ``service`` says, times ``slowness``, which may be changed while the server runs. A fault that answers instead of
    the server takes no worker. ``exact`` writes JSON to the byte as the server; False costs less CPU. ``sleep`` waits
    out latency and service, ``clock`` gives seconds.
    """

    door: Door = field(default_factory=Unchosen)
    faults: Faults = field(default_factory=Faults)
    latency: float = 0.0
    handshake: bool = False
    keep_alive: bool | None = None
    workers: int | None = None
    service: ServiceTimes = field(default_factory=ServiceTimes)
    slowness: float = 1.0
    exact: bool = True
    airflow_version: str = DEFAULT
    starship_version: str = "2.10.1"
    on_request: Hook | None = None
    on_done: Watch | None = None
    sleep: Callable[[float], Awaitable[None]] = anyio.sleep
    clock: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        if isinstance(self.door, Unchosen):
            old = release_of(self.airflow_version) < MODERN
            self.door = LoginForm(limited=traits_of(self.airflow_version).few_logins) if old else TokenRoute()


class Emulator:
    """A Starship server on a free port of 127.0.0.1, for as long as the ``async with`` lasts.

    ``requests`` is everything it was asked, in order of arrival; ``counts`` the same by (method, route).
    ``configuration``, ``logs`` and ``xcoms`` are what it has beside its history, and may be filled at any time.
    """

    def __init__(self, history: History, behaviour: Behaviour | None = None, *, port: int = 0) -> None:
        self.history = history
        self.behaviour = behaviour or Behaviour(airflow_version=history.version)
        self.configuration = Configuration()
        self.logs = LogFiles()
        self.xcoms = XComStore()
        self._site = self._make_site()
        self.requests: list[Exchange] = []
        self.counts: Counter[tuple[str, str]] = Counter()
        self.url = ""
        self._port = port
        self._runner: web.AppRunner | None = None
        self._workers: Workers | None = None
        self._connections: WeakSet[object] = WeakSet()

    @property
    def faults(self) -> Faults:
        """The schedule of faults; rules may be added while the server runs."""
        return self.behaviour.faults

    def asked(self, method: str, route: str) -> list[Exchange]:
        """Return the requests of one method and route."""
        return [exchange for exchange in self.requests if (exchange.method, exchange.route) == (method, route)]

    async def __aenter__(self) -> Self:
        self._workers = None if self.behaviour.workers is None else Workers(self.behaviour.workers)
        self._runner = web.AppRunner(self._app(), access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{self._port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    def _make_site(self) -> Site:
        behaviour = self.behaviour
        info = {"airflow_version": behaviour.airflow_version, "starship_version": behaviour.starship_version}
        return site_of(self.history, info, exact=behaviour.exact, configuration=self.configuration, xcoms=self.xcoms)

    def _app(self) -> web.Application:
        @web.middleware
        async def serve(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self._serve(request, handler)

        app = web.Application(client_max_size=_READ_MAX, middlewares=[serve])
        logs = LogRoutes(self.logs, self.behaviour.airflow_version)
        app.add_routes([*self._site.routes(), *logs.routes(), *self.behaviour.door.routes()])
        return app

    async def _serve(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        route = _route_of(request.path)
        exchange = Exchange(request.method, route, request.query, request.headers, request.content_length)
        self.requests.append(exchange)
        self.counts[exchange.method, exchange.route] += 1
        await self._connect(request)
        await self._travel()
        exchange.arrived = self.behaviour.clock()
        if self.behaviour.on_request is not None:
            await self.behaviour.on_request(exchange)
        action = self.faults.pick(exchange.method, exchange.route)
        answer = await faulty.before(action, request)
        if answer is None:
            answer = self._dress(request, await self._carry_out(exchange, request, handler))
            answer = await faulty.after(action, request, answer)
        await self._travel()
        if request.transport is not None and not request.transport.is_closing():
            exchange.status = answer.status
            await hang_up(request, answer)
        return answer

    async def _connect(self, request: web.Request) -> None:
        """Wait out the handshake of a connection that was not there before."""
        if not self.behaviour.handshake or request.transport in self._connections:
            return
        self._connections.add(request.transport)
        await self._travel()
        await self._travel()

    async def _travel(self) -> None:
        if self.behaviour.latency:
            await self.behaviour.sleep(self.behaviour.latency)

    async def _carry_out(self, exchange: Exchange, request: web.Request, handler: Handler) -> web.Response:
        if self._workers is None:
            return await self._work(exchange, request, handler)
        async with self._workers.one():
            return await self._work(exchange, request, handler)

    async def _work(self, exchange: Exchange, request: web.Request, handler: Handler) -> web.Response:
        """Answer, and take as long for it as the real server."""
        behaviour = self.behaviour
        exchange.begun = behaviour.clock()
        answer = await self._site.answer(request, behaviour.door, handler)
        exchange.rows = rows_of(answer)
        seconds = behaviour.service.seconds(exchange.method, exchange.route, exchange.rows) * behaviour.slowness
        left = exchange.begun + seconds - behaviour.clock()
        if left > 0:
            await behaviour.sleep(left)
        exchange.done = behaviour.clock()
        if behaviour.on_done is not None:
            behaviour.on_done(exchange)
        return answer

    def _dress(self, request: web.Request, answer: web.Response) -> web.Response:
        answer.headers.update(self._site.headers)
        self.behaviour.door.sign(request, answer)
        kept = self.behaviour.keep_alive
        if not (self._site.keeps_alive if kept is None else kept):
            answer.force_close()
        return answer


def _route_of(path: str) -> str:
    return path.removeprefix(PREFIX).strip("/")
