"""The routes of variables, connections and the environment, which both generations of Airflow have alike."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from transfer.emulator.objects import Configuration, Objects, Rules
from transfer.emulator.refusal import Refusal

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Ways:
    """How one generation reads a body and answers."""

    json: Callable[[web.Request], Awaitable[dict[str, Any] | web.Response]]
    missing: Callable[[str], web.Response]
    refused: Callable[[Refusal, dict[str, Any]], web.Response]
    answer: Callable[[Any], web.Response]
    removed: Callable[[], web.Response]


class ObjectRoutes:
    """Handlers below ``/api/starship``; ``columns`` are shown besides, always null."""

    def __init__(self, configuration: Configuration, rules: Rules, ways: Ways, columns: tuple[str, ...] = ()) -> None:
        self._objects = Objects(configuration, rules, columns=columns)
        self._configuration = configuration
        self._ways = ways

    def handlers(self) -> list[tuple[str, str, Handler]]:
        """Return method, route and handler of each."""
        found: list[tuple[str, str, Handler]] = [("GET", "env_vars", self._get_environment)]
        for kind in ("variables", "connections"):
            found += [
                ("GET", kind, self._reader(kind)),
                ("POST", kind, self._writer(kind)),
                ("DELETE", kind, self._remover(kind)),
            ]
        return found

    async def _get_environment(self, _request: web.Request) -> web.Response:
        return self._ways.answer(self._configuration.environment)

    def _reader(self, kind: str) -> Handler:
        async def read(_request: web.Request) -> web.Response:
            rows = self._objects.rows(kind)
            return self._ways.refused(rows, {}) if isinstance(rows, Refusal) else self._ways.answer(rows)

        return read

    def _writer(self, kind: str) -> Handler:
        async def write(request: web.Request) -> web.Response:
            body = await self._ways.json(request)
            if isinstance(body, web.Response):
                return body
            missing = self._objects.missing(kind, body)
            if missing:
                return self._ways.missing(missing)
            stored = self._objects.insert(kind, body)
            return self._ways.refused(stored, body) if isinstance(stored, Refusal) else self._ways.answer(stored)

        return write

    def _remover(self, kind: str) -> Handler:
        async def remove(request: web.Request) -> web.Response:
            key = self._objects.key(kind)
            name = request.query.get(key)
            if name is None:
                return self._ways.missing(key)
            self._objects.delete(kind, name)
            return self._ways.removed()

        return remove
