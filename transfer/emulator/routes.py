"""Starship's routes on Airflow 2: parameters, envelopes and the order in which a request is found wanting."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, Final, cast

from aiohttp import web

from transfer.emulator.history import History, WritableHistory
from transfer.emulator.object_routes import ObjectRoutes, Ways
from transfer.emulator.objects import Configuration, Rules
from transfer.emulator.pools import Pools
from transfer.emulator.refusal import Refusal, bad_statement, crash
from transfer.emulator.slices import asked, slice_of
from transfer.emulator.traits import Limit, traits_of
from transfer.emulator.wire import Wire, airflow_error, counted, echoed, ooops, page, prepared, respond, short_error
from transfer.kinds import DAG_RUNS, KINDS, TASK_INSTANCE_HISTORY, Kind, Row

_BODY_MAX: Final = 1_048_576
_BODY_SAFE: Final = 983_040

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Starship:
    """The handlers of ``/api/starship``; they trust that the door was passed."""

    def __init__(
        self, history: History, wire: Wire, info: dict[str, str], configuration: Configuration | None = None
    ) -> None:
        self._history = history
        self._wire = wire
        self._info = info
        self._traits = traits_of(info["airflow_version"])
        configuration = configuration or Configuration()
        self._pools = Pools(deferrable=self._traits.deferrable_pools, pools=configuration.pools)
        self.ways = ways = Ways(self._json, self._missing_key, self._refusal, wire.answer, _no_content)
        self._objects = ObjectRoutes(configuration, Rules(strict_ids=self._traits.strict_ids), ways)

    def routes(self) -> list[web.AbstractRouteDef]:
        """Return all routes, each named by its last part."""
        result: list[web.AbstractRouteDef] = [
            _route("GET", "info", self._get_info),
            _route("GET", "health", self._get_health),
            _route("GET", "airflow_version", self._get_version),
            _route("GET", "dags", self._get_dags),
            _route("PATCH", "dags", self._patch_dags),
            _route("DELETE", "dag_runs", self._delete_dag_runs),
            _route("GET", "pools", self._get_pools),
            _route("POST", "pools", self._post_pools),
            _route("DELETE", "pools", self._delete_pools),
            *(_route(*one) for one in self._objects.handlers()),
        ]
        for kind in KINDS:
            result.append(_route("GET", kind.route, self._reader(kind)))
            result.append(_route("POST", kind.route, self._writer(kind)))
        return result

    async def _get_info(self, _request: web.Request) -> web.Response:
        return self._wire.answer(self._info)

    async def _get_health(self, _request: web.Request) -> web.Response:
        return page(HTTPStatus.OK, "OK")

    async def _get_version(self, _request: web.Request) -> web.Response:
        return page(HTTPStatus.OK, self._info["airflow_version"])

    async def _get_dags(self, _request: web.Request) -> web.Response:
        history = self._history
        rows = [dag | {"dag_run_count": history.run_count(dag["dag_id"])} for dag in history.dags()]
        return self._wire.answer(rows)

    def _reader(self, kind: Kind) -> Handler:
        async def read(request: web.Request) -> web.Response:
            dag_id = request.query.get("dag_id")
            if dag_id is None:
                return self._missing_key("dag_id")
            if kind is TASK_INSTANCE_HISTORY and not self._traits.tries:
                return self._wire.answer({kind.envelope: [], "dag_run_count": self._history.run_count(dag_id)})
            slice_ = slice_of(request)
            if isinstance(slice_, Refusal):
                return self._refusal(slice_, asked(request))
            rows = self._history.page(kind, dag_id, *slice_)
            page = {kind.envelope: rows, "dag_run_count": self._history.run_count(dag_id)}
            return counted(self._wire.answer(page), len(rows))

        return read

    def _writer(self, kind: Kind) -> Handler:
        async def write(request: web.Request) -> web.Response:
            body = await self._json(request)
            if isinstance(body, web.Response):
                return body
            rows = body.get(kind.envelope)
            if rows is None:
                return self._missing_key(kind.envelope)
            return self._insert(kind, rows)

        return write

    def _insert(self, kind: Kind, rows: Any) -> web.Response:
        if (
            kind is TASK_INSTANCE_HISTORY and not self._traits.tries
        ):  # there is no such table: whatever it is, it vanishes
            return self._wire.answer({kind.envelope: []})
        refusal = misshapen(kind, rows)
        if refusal:
            return self._refusal(refusal, {kind.envelope: rows})
        if rows:
            refusal = self._insert_rows(kind, rows)
        if refusal:
            sent = [prepared(row) if isinstance(row, dict) else row for row in rows]
            return counted(self._refusal(refusal, {kind.envelope: sent}), len(rows))
        if self._traits.opaque and any("executor_config" in row for row in rows):
            return counted(ooops(), len(rows))  # stored, but bytes cannot be echoed
        answer: dict[str, Any] = {kind.envelope: [echoed(row) for row in rows]}
        if kind is DAG_RUNS:
            answer["dag_run_count"] = self._history.run_count(rows[0]["dag_id"])
        return counted(self._wire.answer(answer), len(rows))

    def _insert_rows(self, kind: Kind, rows: list[Row]) -> Refusal | None:
        if isinstance(self._history, WritableHistory):
            return self._history.insert(kind, rows)
        said = "(psycopg2.errors.ReadOnlySqlTransaction) cannot execute INSERT in a read-only transaction\n"
        return bad_statement("InternalError", said)

    def _refusal(self, refusal: Refusal, kwargs: dict[str, Any]) -> web.Response:
        return ooops() if self._traits.opaque else self._wire.refusal(refusal, kwargs)

    async def _json(self, request: web.Request) -> dict[str, Any] | web.Response:
        """Return the JSON object that was sent ({} when the content type is another), or the answer to what was not."""
        body = await request.read()
        if request.content_type != "application/json":
            return {}
        return self._unread(request.content_length) or self._parsed(self._read(request.content_length, body))

    def _unread(self, size: int | None) -> web.Response | None:
        """Return the answer to a body whose announced length is too much."""
        if self._traits.limit is Limit.NONE or size is None:
            return None
        if size > _BODY_MAX:
            said = "The data value transmitted exceeds the capacity limit."
            return short_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, said)
        return ooops() if self._traits.limit is Limit.CUT and _BODY_SAFE < size < _BODY_MAX else None

    def _read(self, size: int | None, body: bytes) -> bytes:
        return body[:_BODY_MAX] if self._traits.limit is Limit.CUT and size is None else body

    def _parsed(self, body: bytes) -> dict[str, Any] | web.Response:
        try:
            value = self._wire.load(body)
        except ValueError:
            said = "The browser (or proxy) sent a request that this server could not understand."
            return short_error(HTTPStatus.BAD_REQUEST, said)
        return value if isinstance(value, dict) else ooops()

    def _missing_key(self, key: str) -> web.Response:
        if self._traits.opaque:
            return ooops()
        return self._wire.answer({"error": f"RuntimeError('Missing required key: {key}')"}, HTTPStatus.BAD_REQUEST)

    async def _patch_dags(self, request: web.Request) -> web.Response:
        body = await self._json(request)
        if isinstance(body, web.Response):
            return body
        for key in ("dag_id", "is_paused"):
            if body.get(key) is None:
                return self._missing_key(key)
        history = cast("WritableHistory", self._history)
        history.set_paused(body["dag_id"], paused=body["is_paused"])
        return self._wire.answer({"dag_id": body["dag_id"], "is_paused": body["is_paused"]})

    async def _delete_dag_runs(self, request: web.Request) -> web.Response:
        dag_id = request.query.get("dag_id")
        if dag_id is None:
            return self._missing_key("dag_id")
        cast("WritableHistory", self._history).delete_runs(dag_id)
        return _no_content()

    async def _get_pools(self, _request: web.Request) -> web.Response:
        return self._wire.answer(self._pools.rows())

    async def _post_pools(self, request: web.Request) -> web.Response:
        body = await self._json(request)
        if isinstance(body, web.Response):
            return body
        missing = self._pools.missing(body)
        if missing:
            return self._missing_key(missing)
        refusal = self._pools.insert(body)
        return self._refusal(refusal, body) if refusal else self._wire.answer(self._pools.row(body["name"]))

    async def _delete_pools(self, request: web.Request) -> web.Response:
        if "name" not in request.query:
            return self._missing_key("name")
        self._pools.delete(request.query["name"])
        return _no_content()


def _route(method: str, name: str, handler: Handler) -> web.AbstractRouteDef:
    return web.route(method, f"/api/starship/{name}", handler)


def _no_content() -> web.Response:
    return respond(HTTPStatus.NO_CONTENT, b"", "text/html; charset=utf-8")


def misshapen(kind: Kind, rows: Any) -> Refusal | None:
    """Return what Python says when the plugin treats ``rows`` as the list of rows that it is not."""
    if not isinstance(rows, list):
        return crash("TypeError", "string indices must be integers, not 'str'")
    if kind is not DAG_RUNS:
        return None
    if not rows:
        return crash("IndexError", "list index out of range")
    if not isinstance(rows[0], dict):
        return crash("TypeError", f"'{type(rows[0]).__name__}' object is not subscriptable")
    return None if "dag_id" in rows[0] else crash("KeyError", "'dag_id'")


def unrouted(status: int) -> web.Response:
    """Return the page for a path or a method that there is not."""
    if status == HTTPStatus.NOT_FOUND:
        return airflow_error(status, "Page cannot be found.")
    return airflow_error(status, "Received an invalid request.")
