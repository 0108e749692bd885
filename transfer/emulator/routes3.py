"""Starship's routes on Airflow 3.1: FastAPI's answers, and an INSERT that passes over what is there already.

Whatever goes wrong before the plugin's own code is reached is ``Internal Server Error`` in plain text, and the
connection is closed without saying so.
"""

import json
from http import HTTPStatus
from typing import Any, Final, cast

from aiohttp import web

from transfer.emulator.columns import tables_of
from transfer.emulator.history import History, WritableHistory
from transfer.emulator.object_routes import ObjectRoutes, Ways
from transfer.emulator.objects import Configuration, Rules
from transfer.emulator.pools import Pools
from transfer.emulator.refusal import Refusal, bad_statement
from transfer.emulator.routes import Handler, misshapen
from transfer.emulator.schema import Table
from transfer.emulator.slices import asked, slice_of
from transfer.emulator.wire import counted
from transfer.emulator.wire3 import Wire3, nothing, refusal_message, stripped, unforeseen
from transfer.kinds import DAG_RUNS, KINDS, Kind, Row

_POOL: Final = ("name", "slots", "description", "include_deferred", "team_id")


class Starship3:
    """The handlers of ``/api/starship``; they trust that the door was passed."""

    def __init__(
        self, history: History, wire: Wire3, info: dict[str, str], configuration: Configuration | None = None
    ) -> None:
        self._history = history
        self._wire = wire
        self._info = info
        self._tables = tables_of(info["airflow_version"])
        configuration = configuration or Configuration()
        self._pools = Pools(columns=_POOL, pools=configuration.pools)
        ways = Ways(self._json, lambda _key: unforeseen(), self._refused, wire.answer, lambda: wire.answer(None))
        self._objects = ObjectRoutes(configuration, Rules(modern=True), ways, ("team_id",))

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
        for name in ("task_log", "xcom"):  # nobody wrote them for Airflow 3
            result += [_route(method, name, _not_implemented) for method in ("GET", "POST", "DELETE")]
        return result

    async def _get_info(self, _request: web.Request) -> web.Response:
        return self._wire.answer(self._info)

    async def _get_health(self, _request: web.Request) -> web.Response:
        return self._wire.answer("OK")

    async def _get_version(self, _request: web.Request) -> web.Response:
        return self._wire.answer(self._info["airflow_version"])

    async def _get_dags(self, _request: web.Request) -> web.Response:
        history = self._history
        rows = [dag | {"dag_run_count": history.run_count(dag["dag_id"])} for dag in history.dags()]
        return self._wire.answer(rows)

    def _reader(self, kind: Kind) -> Handler:
        async def read(request: web.Request) -> web.Response:
            dag_id = request.query.get("dag_id")
            if dag_id is None:
                return unforeseen()
            slice_ = slice_of(request)
            if isinstance(slice_, Refusal):
                return self._refused(slice_, asked(request))
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
            return unforeseen() if rows is None else self._insert(kind, rows)

        return write

    def _insert(self, kind: Kind, rows: Any) -> web.Response:
        refusal = misshapen(kind, rows)
        if refusal:
            return self._refused(refusal, {kind.envelope: rows})
        table = self._tables[kind.name]
        if rows:
            refusal = self._insert_rows(kind, rows)
        sent = [stripped(table, row) if isinstance(row, dict) else row for row in rows]
        if refusal:
            return counted(self._refused(refusal, {kind.envelope: sent}, table), len(rows))
        answer: dict[str, Any] = {kind.envelope: [nothing(row) for row in sent]}
        if kind is DAG_RUNS:
            answer["dag_run_count"] = self._history.run_count(rows[0]["dag_id"])
        return counted(self._wire.answer(answer), len(rows))

    def _insert_rows(self, kind: Kind, rows: list[Row]) -> Refusal | None:
        if isinstance(self._history, WritableHistory):
            return self._history.insert(kind, rows)
        said = "(psycopg2.errors.ReadOnlySqlTransaction) cannot execute INSERT in a read-only transaction\n"
        return bad_statement("InternalError", said)

    def _refused(self, refusal: Refusal, kwargs: dict[str, Any], table: Table | None = None) -> web.Response:
        answer: dict[str, Any] = {"error": refusal.error}
        if refusal.status == HTTPStatus.INTERNAL_SERVER_ERROR:
            answer |= {"error_type": f"<class '{refusal.exception}'>", "error_message": refusal.message()}
        else:
            answer["error_message"] = refusal_message(refusal, table, kwargs)
        answer["kwargs"] = json.dumps(kwargs, default=str)
        return self._wire.answer(answer, refusal.status)

    async def _json(self, request: web.Request) -> dict[str, Any] | web.Response:
        """Return the JSON object that was sent, whatever its announced type, or the answer to what was not."""
        body = await request.read()
        try:
            value = self._wire.load(body) if body else {}
        except ValueError:
            return unforeseen()
        if isinstance(value, dict):
            return value
        said = f"Unknown Error in kwargs_fn - '{type(value).__name__}' object has no attribute 'get'"
        return self._wire.answer({"error": said}, HTTPStatus.INTERNAL_SERVER_ERROR)

    async def _patch_dags(self, request: web.Request) -> web.Response:
        body = await self._json(request)
        if isinstance(body, web.Response):
            return body
        if body.get("dag_id") is None or body.get("is_paused") is None:
            return unforeseen()
        cast("WritableHistory", self._history).set_paused(body["dag_id"], paused=body["is_paused"])
        return self._wire.answer({"dag_id": body["dag_id"], "is_paused": body["is_paused"]})

    async def _delete_dag_runs(self, request: web.Request) -> web.Response:
        dag_id = request.query.get("dag_id")
        if dag_id is None:
            return unforeseen()
        cast("WritableHistory", self._history).delete_runs(dag_id)
        return self._wire.answer(None)

    async def _get_pools(self, _request: web.Request) -> web.Response:
        return self._wire.answer(self._pools.rows())

    async def _post_pools(self, request: web.Request) -> web.Response:
        body = await self._json(request)
        if isinstance(body, web.Response):
            return body
        if self._pools.missing(body):
            return unforeseen()
        refusal = self._pools.insert(body)
        return self._refused(refusal, body) if refusal else self._wire.answer(self._pools.row(body["name"]))

    async def _delete_pools(self, request: web.Request) -> web.Response:
        if "name" not in request.query:
            return unforeseen()
        self._pools.delete(request.query["name"])
        return self._wire.answer(None)


def _route(method: str, name: str, handler: Handler) -> web.AbstractRouteDef:
    if method == "GET":
        return web.get(f"/api/starship/{name}", handler, allow_head=False)
    return web.route(method, f"/api/starship/{name}", handler)


async def _not_implemented(request: web.Request) -> web.Response:
    await request.read()
    return unforeseen()
