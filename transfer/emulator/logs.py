"""Task logs on an Airflow 2 on Astronomer: files by path, and a route that does to them what it was seen to do."""

import json
import posixpath
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

from aiohttp import ClientPayloadError, web

from transfer.emulator.columns import MODERN, release_of
from transfer.emulator.traits import Limit, traits_of
from transfer.emulator.wire import respond, short_error

BODY_MAX: Final = 1_048_576
NAMES: Final = ("dag_id", "run_id", "task_id", "map_index", "try_number")
_FIRST: Final = (2, 8)
_FORMS: Final = frozenset({"application/json", "application/x-www-form-urlencoded", "multipart/form-data"})
_BLOCK: Final = 1_048_576

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(slots=True)
class LogFiles:
    """The log folder; may be filled and looked at at any time.

    ``payload`` is the webserver's allowed_payload_size in bytes. With ``astronomer`` False nothing is moved at all.
    Two servers with the same ``files`` keep their logs in the same place.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    payload: int = BODY_MAX
    astronomer: bool = True

    def put(self, content: bytes, **name: str | int) -> None:
        """Store a log, by ``NAMES``; without a map_index that of a task that is not mapped, the first try."""
        self.files[
            path_of({"map_index": "-1", "try_number": "1"} | {key: str(value) for key, value in name.items()})
        ] = content


def path_of(name: Mapping[str, str]) -> str:
    """Return the path of a log below the folder, as the plugin makes it of ids that nobody looks at."""
    mapped = [] if name["map_index"] == "-1" else [f"map_index={name['map_index']}"]
    parts = [f"{key}={name[key]}" for key in NAMES[:3]]
    return posixpath.normpath("/".join([*parts, *mapped, f"attempt={name['try_number']}.log"]))


class LogRoutes:
    """The handlers of ``task_log`` of an Airflow of ``version``."""

    def __init__(self, logs: LogFiles, version: str) -> None:
        self._logs = logs
        self._release = release_of(version)
        self._cuts = self._release < MODERN and traits_of(version).limit is Limit.CUT

    def routes(self) -> list[web.AbstractRouteDef]:
        """Return all of them."""
        ways: list[tuple[str, Handler]] = [("GET", self._get), ("POST", self._post), ("DELETE", self._delete)]
        return [web.route(method, "/api/starship/task_log", self._possible(handler)) for method, handler in ways]

    def _possible(self, handler: Handler) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            if self._release >= MODERN:
                return respond(500, b"Internal Server Error", "text/plain; charset=utf-8")
            if self._release < _FIRST:
                return _error(HTTPStatus.CONFLICT, "Task logs require Airflow 2.8 or later")
            missing = next((name for name in NAMES if name not in request.query), None)
            if missing:
                return _error(HTTPStatus.BAD_REQUEST, f"RuntimeError('Missing required key: {missing}')")
            if not self._logs.astronomer:
                return _error(HTTPStatus.CONFLICT, "Task logs are only supported on Astronomer environments.")
            return await handler(request)

        return handle

    async def _get(self, request: web.Request) -> web.StreamResponse:
        path = path_of(request.query)
        content = self._logs.files.get(path)
        if content is None:
            return _not_found(path)
        answer = respond(200, content, "text/plain; charset=utf-8")
        answer.enable_chunked_encoding()
        return answer

    async def _delete(self, request: web.Request) -> web.StreamResponse:
        path = path_of(request.query)
        return _not_found(path) if self._logs.files.pop(path, None) is None else _nothing()

    async def _post(self, request: web.Request) -> web.StreamResponse:
        if request.content_length is not None and request.content_length > self._logs.payload:
            await request.read()
            return short_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The data value transmitted exceeds the limit.")
        path, block = path_of(request.query), int(request.query.get("block_size", _BLOCK))
        if block == 0 or request.content_type in _FORMS:
            await request.read()
            self._logs.files[path] = b""
            return _failed("it was read before") if block and self._cuts else _nothing()
        return await self._store(request, path, block)

    async def _store(self, request: web.Request, path: str, block: int) -> web.StreamResponse:
        """Write what comes as it comes; what was there before is gone from the first byte on."""
        content = bytearray()
        self._logs.files[path] = b""
        try:
            async for piece in request.content.iter_any():
                content += piece
        except (ClientPayloadError, ConnectionError, web.RequestPayloadError):
            self._logs.files[path] = bytes(content)
            return _failed("the client has gone away")
        if self._cuts and len(content) >= self._logs.payload:
            self._logs.files[path] = bytes(content[: self._logs.payload])
            return _failed("413 Request Entity Too Large: The data value transmitted exceeds the capacity limit.")
        self._logs.files[path] = bytes(content)
        if self._cuts and content and len(content) + block > self._logs.payload:
            return _failed("size must be an integral type")
        return _nothing()


def _nothing() -> web.Response:
    return respond(HTTPStatus.NO_CONTENT, b"", "text/html; charset=utf-8")


def _error(status: int, said: str) -> web.Response:
    return respond(status, json.dumps({"error": said}).encode(), "application/json")


def _not_found(path: str) -> web.Response:
    return _error(
        HTTPStatus.NOT_FOUND, f"Task log at file:///logs/{path} not found: [Errno 2] No such file or directory"
    )


def _failed(said: str) -> web.Response:
    body = {"error": "Unknown Error", "error_message": said, "error_type": "<class 'Exception'>"}
    return respond(500, json.dumps(body).encode(), "application/json")
