"""The server around the routes: one middleware that counts, hurts, waits, asks the door and answers."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from types import TracebackType
from typing import Self

import anyio
from aiohttp import web

from transfer.emulator import faults as faulty
from transfer.emulator.door import Door
from transfer.emulator.faults import Faults
from transfer.emulator.history import History
from transfer.emulator.login import LoginForm
from transfer.emulator.routes import Starship, unrouted
from transfer.emulator.stable import STABLE, StableRoutes, no_route, not_allowed
from transfer.emulator.wire import Wire, ooops, redirect

_PREFIX = "/api/starship/"
_HEADERS = {"Server": "gunicorn", "Cache-Control": "no-store", "X-Robots-Tag": "noindex, nofollow", "Vary": "Cookie"}
_READ_MAX = 256 * 1024 * 1024


@dataclass(slots=True)
class Exchange:
    """One request as the emulator saw it; ``status`` stays None when its connection was reset or is stalled.

    ``size`` is the announced length of the body in bytes, None when it came in chunks.
    """

    method: str
    route: str
    params: Mapping[str, str]
    headers: Mapping[str, str]
    size: int | None = None
    status: int | None = None


_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Hook = Callable[[Exchange], Awaitable[None]]
"""Called before a request is carried out; may change the history, or wait."""


@dataclass(slots=True)
class Behaviour:
    """How a server behaves apart from what it holds.

    ``latency`` is in seconds for each way. ``keep_alive`` False closes each connection after one answer, as Airflow 2's
    synchronous gunicorn workers do. ``exact`` writes JSON to the byte as the server; False costs less CPU. ``sleep``
    waits out the latency.
    """

    door: Door = field(default_factory=LoginForm)
    faults: Faults = field(default_factory=Faults)
    latency: float = 0.0
    keep_alive: bool = False
    exact: bool = True
    airflow_version: str = "2.11.2"
    starship_version: str = "2.10.1"
    on_request: Hook | None = None
    sleep: Callable[[float], Awaitable[None]] = anyio.sleep


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

    @property
    def faults(self) -> Faults:
        """The schedule of faults; rules may be added while the server runs."""
        return self.behaviour.faults

    def asked(self, method: str, route: str) -> list[Exchange]:
        """Return the requests of one method and route."""
        return [exchange for exchange in self.requests if (exchange.method, exchange.route) == (method, route)]

    async def __aenter__(self) -> Self:
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
        await self._travel()
        if self.behaviour.on_request is not None:
            await self.behaviour.on_request(exchange)
        action = self.faults.pick(exchange.method, exchange.route)
        answer = await faulty.before(action, request)
        if answer is None:
            answer = self._dress(request, await self._answer(request, handler))
            answer = await faulty.after(action, request, answer)
        await self._travel()
        if request.transport is not None and not request.transport.is_closing():
            exchange.status = answer.status
        return answer

    async def _travel(self) -> None:
        if self.behaviour.latency:
            await self.behaviour.sleep(self.behaviour.latency)

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
