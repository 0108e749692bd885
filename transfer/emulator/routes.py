"""Starship's routes on Airflow 2.11: parameters, envelopes and the order in which a request is found wanting."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, Final, cast

from aiohttp import web

from transfer.emulator.history import History, WritableHistory
from transfer.emulator.pools import Pools
from transfer.emulator.refusal import Refusal, bad_statement, crash
from transfer.emulator.wire import Wire, airflow_error, counted, echoed, ooops, page, prepared, respond, short_error
from transfer.kinds import DAG_RUNS, KINDS, Kind, Row

_BODY_MAX: Final = 1_048_576
_BODY_SAFE: Final = 983_040
_BIGINT_MAX: Final = 2**63 - 1

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Starship:
    """The handlers of ``/api/starship``; they trust that the door was passed."""

    def __init__(self, history: History, wire: Wire, info: dict[str, str]) -> None:
        self._history = history
        self._wire = wire
        self._info = info
        self._pools = Pools()

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
            slice_ = _slice(request)
            if isinstance(slice_, Refusal):
                sent = {key: request.query[key] for key in ("dag_id", "limit", "offset") if key in request.query}
                return self._wire.refusal(slice_, sent)
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
        refusal = _misshapen(kind, rows)
        if refusal:
            return self._wire.refusal(refusal, {kind.envelope: rows})
        if rows:
            refusal = self._insert_rows(kind, rows)
        if refusal:
            sent = [prepared(row) if isinstance(row, dict) else row for row in rows]
            return counted(self._wire.refusal(refusal, {kind.envelope: sent}), len(rows))
        answer: dict[str, Any] = {kind.envelope: [echoed(row) for row in rows]}
        if kind is DAG_RUNS:
            answer["dag_run_count"] = self._history.run_count(rows[0]["dag_id"])
        return counted(self._wire.answer(answer), len(rows))

    def _insert_rows(self, kind: Kind, rows: list[Row]) -> Refusal | None:
        if isinstance(self._history, WritableHistory):
            return self._history.insert(kind, rows)
        said = "(psycopg2.errors.ReadOnlySqlTransaction) cannot execute INSERT in a read-only transaction\n"
        return bad_statement("InternalError", said)

    async def _json(self, request: web.Request) -> dict[str, Any] | web.Response:
        """Return the JSON object that was sent ({} when the content type is another), or the answer to what was not."""
        body = await request.read()
        if request.content_type != "application/json":
            return {}
        size = request.content_length
        if size is None:
            body = body[:_BODY_MAX]
        elif size > _BODY_MAX:
            said = "The data value transmitted exceeds the capacity limit."
            return short_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, said)
        elif _BODY_SAFE < size < _BODY_MAX:
            return ooops()
        return self._parsed(body)

    def _parsed(self, body: bytes) -> dict[str, Any] | web.Response:
        try:
            value = self._wire.load(body)
        except ValueError:
            said = "The browser (or proxy) sent a request that this server could not understand."
            return short_error(HTTPStatus.BAD_REQUEST, said)
        return value if isinstance(value, dict) else ooops()

    def _missing_key(self, key: str) -> web.Response:
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
        return self._wire.refusal(refusal, body) if refusal else self._wire.answer(self._pools.row(body["name"]))

    async def _delete_pools(self, request: web.Request) -> web.Response:
        if "name" not in request.query:
            return self._missing_key("name")
        self._pools.delete(request.query["name"])
        return _no_content()


def _route(method: str, name: str, handler: Handler) -> web.AbstractRouteDef:
    return web.route(method, f"/api/starship/{name}", handler)


def _no_content() -> web.Response:
    return respond(HTTPStatus.NO_CONTENT, b"", "text/html; charset=utf-8")


def _slice(request: web.Request) -> tuple[int, int] | Refusal:
    """Return offset and limit; whatever is wrong with them is a 500 on the server."""
    numbers: list[int] = []
    for name, default in (("offset", "0"), ("limit", "10")):
        text = request.query.get(name, default)
        if name == "offset" and not text:
            text = default
        try:
            number = int(text)
        except ValueError as error:
            return crash("ValueError", str(error))
        refusal = _out_of_range(name, number)
        if refusal:
            return refusal
        numbers.append(number)
    return numbers[0], numbers[1]


def _out_of_range(name: str, number: int) -> Refusal | None:
    if number > _BIGINT_MAX:
        said = "(psycopg2.errors.NumericValueOutOfRange) bigint out of range\n"
    elif number < 0:
        kind = "InvalidRowCountInLimitClause" if name == "limit" else "InvalidRowCountInResultOffsetClause"
        said = f"(psycopg2.errors.{kind}) {name.upper()} must not be negative\n"
    else:
        return None
    return crash("sqlalchemy.exc.DataError", said)


def _misshapen(kind: Kind, rows: Any) -> Refusal | None:
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
