"""The emulator's routes without sockets: a request goes in, an answer comes out, at one moment."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from random import Random
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import parse_qsl, urlencode

from aiohttp import web

from transfer.emulator import Behaviour, Emulator, Header, LoginForm, Open, TableHistory, TokenRoute, User
from transfer.emulator.door import Door

from .clock import Clock

if TYPE_CHECKING:
    import re

PASSWORD: Final = "SECRETCANARY/password"
TOKEN: Final = "SECRETCANARY/bearer"
USER: Final = User("mover", PASSWORD)


class Matched(dict[str, str]):
    """The variable parts of a path."""

    http_exception: web.HTTPException | None = None


@dataclass
class Asked:
    """A request as the emulator's handlers see one of aiohttp's."""

    method: str
    host: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    cookies: Mapping[str, str]
    body: bytes
    match_info: Matched

    @property
    def content_type(self) -> str:
        """Return the media type without parameters."""
        return self.headers.get("Content-Type", "application/octet-stream").partition(";")[0]

    @property
    def content_length(self) -> int:
        """Return the bytes of the body."""
        return len(self.body)

    @cached_property
    def url(self) -> str:
        """Return where it was sent."""
        return f"{self.host}{self.path}{'?' if self.query else ''}{urlencode(self.query)}"

    async def read(self) -> bytes:
        """Return the body."""
        return self.body

    async def post(self) -> dict[str, str]:
        """Return the fields of a form."""
        return dict(parse_qsl(self.body.decode()))


class Deployment:
    """One side: its history and its login, which live as long as the world."""

    def __init__(self, name: str, table: TableHistory, *, auth: str, exact: bool, clock: Clock, seed: int) -> None:
        self.name = name
        self.url = f"http://{name}.test"
        self.table = table
        self.door = _door(auth, clock, Random(f"{seed}/{name}/door"))  # noqa: S311 - reproducible, not secret
        self.ceiling: int | None = None
        self._emulator = Emulator(table, Behaviour(door=self.door, exact=exact))
        self._routes = _Routes(self._emulator)

    def forget_sessions(self) -> None:
        """End all sessions and tokens."""
        if isinstance(self.door, LoginForm | TokenRoute):
            self.door.expire()

    def carry_out(self, asked: Asked) -> web.Response:
        """Do what is asked, whole, and return the answer."""
        if self.ceiling is not None and asked.content_length > self.ceiling:
            return web.Response(status=413, text="Request Entity Too Large")
        handler = self._routes.find(asked)
        request = cast("web.Request", asked)
        emulator = self._emulator
        answer = _driven(emulator._site.answer(request, emulator.behaviour.door, handler))
        return emulator._dress(request, answer)


def _driven(coroutine: Any) -> Any:
    """Run a coroutine that never waits."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("a handler of the emulator waits for something")


class _Routes:
    """Finds the handler of a request."""

    def __init__(self, emulator: Emulator) -> None:
        self._plain: dict[tuple[str, str], Any] = {}
        self._patterns: list[tuple[str, re.Pattern[str], Any]] = []
        for route in emulator._app().router.routes():
            info = route.resource.get_info() if route.resource else {}
            if "path" in info:
                self._plain[route.method, info["path"]] = route.handler
            elif "pattern" in info:
                self._patterns.append((route.method, info["pattern"], route.handler))

    def find(self, asked: Asked) -> Any:
        """Return the handler; without one ``match_info`` says so."""
        found = self._plain.get((asked.method, asked.path))
        if found is not None:
            return found
        for method, pattern, handler in self._patterns:
            match = pattern.fullmatch(asked.path) if method == asked.method else None
            if match:
                asked.match_info.update(match.groupdict())
                return handler
        asked.match_info.http_exception = web.HTTPNotFound()
        return None


def _door(auth: str, clock: Clock, random: Random) -> Door:
    token: Callable[[], str] = lambda: f"SECRETCANARY.{random.getrandbits(64):016x}"  # noqa: E731 - one use, one line
    doors: dict[str, Callable[[], Door]] = {
        "none": Open,
        "session": lambda: LoginForm((USER,), clock=lambda: clock.now, token=token),
        "bearer": lambda: Header.bearer(TOKEN),
        "airflow3": lambda: TokenRoute((USER,), token=token),
    }
    return doors[auth]()
