"""The server around the routes: one middleware that counts, hurts, waits, asks the door and answers."""

import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from types import TracebackType
from typing import Self
from weakref import WeakSet

import anyio
from aiohttp import web

from transfer.emulator import faults as faulty
from transfer.emulator.capacity import ServiceTimes, Workers
from transfer.emulator.door import Door
from transfer.emulator.faults import Faults
from transfer.emulator.history import History
from transfer.emulator.login import LoginForm
from transfer.emulator.routes import Starship, unrouted
from transfer.emulator.stable import STABLE, StableRoutes, no_route, not_allowed
from transfer.emulator.wire import Wire, ooops, redirect, rows_of

_PREFIX = "/api/starship/"
_HEADERS = {"Server": "gunicorn", "Cache-Control": "no-store", "X-Robots-Tag": "noindex, nofollow", "Vary": "Cookie"}
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


_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Hook = Callable[[Exchange], Awaitable[None]]
"""Called before a request is carried out; may change the history, or wait."""
Watch = Callable[[Exchange], None]
"""Called when a request was carried out, before it is answered."""


@dataclass(slots=True)
class Behaviour:
    """How a server behaves apart from what it holds.

    ``latency`` is in seconds for each way; with ``handshake`` a new connection costs one more way there and back.
    ``keep_alive`` False closes each connection after one answer, as Airflow 2's synchronous gunicorn workers do.
    ``workers`` is how many requests are carried out at once, None for any number; each keeps its worker busy for what
    ``service`` says, times ``slowness``, which may be changed while the server runs. A fault that answers instead of
    the server takes no worker. ``exact`` writes JSON to the byte as the server; False costs less CPU. ``sleep`` waits
    out latency and service, ``clock`` gives seconds.
    """

    door: Door = field(default_factory=LoginForm)
    faults: Faults = field(default_factory=Faults)
    latency: float = 0.0
    handshake: bool = False
    keep_alive: bool = False
    workers: int | None = None
    service: ServiceTimes = field(default_factory=ServiceTimes)
    slowness: float = 1.0
    exact: bool = True
    airflow_version: str = "2.11.2"
    starship_version: str = "2.10.1"
    on_request: Hook | None = None
    on_done: Watch | None = None
    sleep: Callable[[float], Awaitable[None]] = anyio.sleep
    clock: Callable[[], float] = time.monotonic


class Emulator:
    """A Starship server on a free port of 127.0.0.1, for as long as the ``async with`` lasts.

    ``requests`` is everything it was asked, in order of arrival; ``counts`` the same by (method, route).
    """

    def __init__(self, history: History, behaviour: Behaviour | None = None, *, port: int = 0) -> None:
        self.history = history
        self.behaviour = behaviour or Behaviour()
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

    def _app(self) -> web.Application:
        behaviour = self.behaviour
        info = {"airflow_version": behaviour.airflow_version, "starship_version": behaviour.starship_version}
        starship = Starship(self.history, Wire(exact=behaviour.exact), info)

        @web.middleware
        async def serve(request: web.Request, handler: _Handler) -> web.StreamResponse:
            return await self._serve(request, handler)

        app = web.Application(client_max_size=_READ_MAX, middlewares=[serve])
        app.add_routes([*starship.routes(), *StableRoutes(self.history).routes()])
        app.add_routes([*behaviour.door.routes(), web.get("/", _root, allow_head=False)])
        return app

    async def _serve(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
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

    async def _carry_out(self, exchange: Exchange, request: web.Request, handler: _Handler) -> web.Response:
        if self._workers is None:
            return await self._work(exchange, request, handler)
        async with self._workers.one():
            return await self._work(exchange, request, handler)

    async def _work(self, exchange: Exchange, request: web.Request, handler: _Handler) -> web.Response:
        """Answer, and take as long for it as the real server."""
        behaviour = self.behaviour
        exchange.begun = behaviour.clock()
        answer = await self._answer(request, handler)
        exchange.rows = rows_of(answer)
        seconds = behaviour.service.seconds(exchange.method, exchange.route, exchange.rows) * behaviour.slowness
        left = exchange.begun + seconds - behaviour.clock()
        if left > 0:
            await behaviour.sleep(left)
        exchange.done = behaviour.clock()
        if behaviour.on_done is not None:
            behaviour.on_done(exchange)
        return answer

    async def _answer(self, request: web.Request, handler: _Handler) -> web.Response:
        unknown = request.match_info.http_exception
        if unknown is not None and request.path.startswith(STABLE):
            return no_route(unknown.status)
        if unknown is not None and (request.method != "HEAD" or unknown.status == HTTPStatus.NOT_FOUND):
            return unrouted(unknown.status)
        if request.path.startswith(_PREFIX):
            refused = self.behaviour.door.refuse(request)
            if refused is not None:
                await request.read()
                return refused
        if request.path.startswith(STABLE):
            refused = self.behaviour.door.refuse(request)
            if refused is not None:
                return not_allowed(refused)
        if request.method == "HEAD":
            return ooops()
        answer = await handler(request)
        return answer if isinstance(answer, web.Response) else ooops()

    def _dress(self, request: web.Request, answer: web.Response) -> web.Response:
        answer.headers.update(_HEADERS)
        self.behaviour.door.sign(request, answer)
        if not self.behaviour.keep_alive:
            answer.force_close()
        return answer


def _route_of(path: str) -> str:
    return path.removeprefix(_PREFIX).strip("/")


async def _root(_request: web.Request) -> web.Response:
    return redirect("/home")
