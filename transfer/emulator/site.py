"""A whole Airflow to ask: which routes it has, and what stands before each of them."""

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Final, Protocol

from aiohttp import web

from transfer.emulator.columns import MODERN, release_of
from transfer.emulator.door import Door
from transfer.emulator.history import History
from transfer.emulator.objects import Configuration
from transfer.emulator.routes import Starship, unrouted
from transfer.emulator.routes3 import Starship3
from transfer.emulator.stable import STABLE, StableRoutes, no_route, not_allowed
from transfer.emulator.stable3 import STABLE3, StableRoutes3, no_route3
from transfer.emulator.traits import traits_of
from transfer.emulator.wire import Wire, ooops, page, redirect, to_login
from transfer.emulator.wire3 import Wire3, closes_silently
from transfer.emulator.xcom_routes import XComRoutes
from transfer.emulator.xcoms import XComStore

PREFIX: Final = "/api/starship/"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Site(Protocol):
    """One generation of Airflow; ``keeps_alive`` tells whether its connections last for more than one answer."""

    keeps_alive: bool
    headers: Mapping[str, str]

    def routes(self) -> list[web.AbstractRouteDef]:
        """Return all routes but those of the login."""
        ...

    async def answer(self, request: web.Request, door: Door, handler: Handler) -> web.Response:
        """Carry a request out, or say why not."""
        ...


class Airflow2:
    """Synchronous gunicorn workers with Flask: pages for what there is not, one answer for each connection."""

    keeps_alive = False

    def __init__(
        self,
        history: History,
        info: dict[str, str],
        *,
        exact: bool,
        configuration: Configuration | None = None,
        xcoms: XComStore | None = None,
    ) -> None:
        self._starship = Starship(history, Wire(exact=exact), info, configuration)
        self._stable = StableRoutes(history, info["airflow_version"])
        self._version = info["airflow_version"]
        self._xcoms = XComRoutes(xcoms or XComStore(), history, self._version, self._starship.ways)
        self._traits = traits_of(self._version)
        self.headers = self._traits.headers

    def routes(self) -> list[web.AbstractRouteDef]:
        """Return all routes but those of the login."""
        beside = [*self._xcoms.routes(), web.get("/", _to_home, allow_head=False)]
        return [*self._starship.routes(), *self._stable.routes(), *beside]

    async def answer(self, request: web.Request, door: Door, handler: Handler) -> web.Response:
        """Carry a request out, or say why not."""
        unknown = request.match_info.http_exception
        stable = request.path.startswith(STABLE)
        if unknown is not None and stable:
            return no_route(unknown.status, self._version)
        if unknown is not None and (request.method != "HEAD" or unknown.status == HTTPStatus.NOT_FOUND):
            return unrouted(unknown.status)
        if stable or request.path.startswith(PREFIX):
            refused = door.refuse(request)
            if refused is not None:
                await request.read()
                return not_allowed(refused, self._version) if stable else self._sent_away(request, refused)
        if request.method == "HEAD":
            return ooops()
        answer = await handler(request)
        if not isinstance(answer, web.Response):
            return ooops()
        again = request.path == "/login/" and answer.headers.get("Location", "/home") != "/home"
        return redirect(self._traits.again) if again else answer

    def _sent_away(self, request: web.Request, refused: web.Response) -> web.Response:
        """Return the redirect of a door as this release writes it."""
        place = refused.headers.get("Location", "")
        if place.startswith("/login/") or (place == "/home" and not self._traits.viewers_home):
            return to_login(request, name=self._traits.next_name, quoted=self._traits.quoted)
        return refused


class Airflow3:
    """Uvicorn with FastAPI: JSON for what there is not, connections that are kept, and bodies as small as may be."""

    keeps_alive = True
    headers: Mapping[str, str] = {"Server": "uvicorn", "Vary": "Accept-Encoding"}

    def __init__(
        self, history: History, info: dict[str, str], *, exact: bool, configuration: Configuration | None = None
    ) -> None:
        wire = Wire3(exact=exact)
        self._starship = Starship3(history, wire, info, configuration)
        self._stable = StableRoutes3(history, wire, info["airflow_version"])
        self._zips = exact

    def routes(self) -> list[web.AbstractRouteDef]:
        """Return all routes but those of the login."""
        return [*self._starship.routes(), *self._stable.routes(), web.get("/", _application, allow_head=False)]

    async def answer(self, request: web.Request, door: Door, handler: Handler) -> web.Response:
        """Carry a request out, or say why not; compressed for whoever takes that, unless CPU is to be saved."""
        answer = await self._plain(request, door, handler)
        if self._zips and "gzip" in request.headers.get("Accept-Encoding", "") and not closes_silently(answer):
            answer.enable_compression(web.ContentCoding.gzip)
        return answer

    async def _plain(self, request: web.Request, door: Door, handler: Handler) -> web.Response:
        unknown = request.match_info.http_exception
        if unknown is not None:
            slashed = request.path.startswith(PREFIX) and request.path.endswith("/")
            return _without_slash(request) if slashed else no_route3(unknown.status, request.path)
        guarded = request.path.startswith((PREFIX, STABLE3)) and request.path != f"{STABLE3}version"
        refused = door.refuse(request) if guarded else None
        if refused is not None:
            await request.read()
            return refused
        answer = await handler(request)
        return answer if isinstance(answer, web.Response) else no_route3(HTTPStatus.NOT_FOUND)


def site_of(
    history: History,
    info: dict[str, str],
    *,
    exact: bool,
    configuration: Configuration | None = None,
    xcoms: XComStore | None = None,
) -> Site:
    """Return the Airflow of the version that ``info`` names; ValueError when the history is of another generation."""
    modern = release_of(info["airflow_version"]) >= MODERN
    if modern is not (release_of(history.version) >= MODERN):
        said = f"an Airflow {info['airflow_version']} cannot serve the rows of an Airflow {history.version}"
        raise ValueError(said)
    if modern:
        return Airflow3(history, info, exact=exact, configuration=configuration)
    return Airflow2(history, info, exact=exact, configuration=configuration, xcoms=xcoms)


async def _to_home(_request: web.Request) -> web.Response:
    return redirect("/home")


async def _application(_request: web.Request) -> web.Response:
    return page(HTTPStatus.OK, "<!doctype html>\n<html><head><title>Airflow</title></head></html>")


def _without_slash(request: web.Request) -> web.Response:
    place = str(request.url.with_path(request.path.rstrip("/")))
    return web.Response(status=HTTPStatus.TEMPORARY_REDIRECT, headers={"Location": place})
