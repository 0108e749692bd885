"""Starship's route of XComs on Airflow 2, and the list of their keys in its stable REST API."""

import json
from base64 import b64decode, b64encode
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, Final

from aiohttp import web

from transfer.emulator.columns import release_of
from transfer.emulator.history import History
from transfer.emulator.object_routes import Ways
from transfer.emulator.refusal import Refusal, crash, duplicate, missing_parent
from transfer.emulator.stable import STABLE
from transfer.emulator.table import TableHistory
from transfer.emulator.wire import ooops, page, respond
from transfer.emulator.xcoms import TaskKey, XComStore, served
from transfer.kinds import TASK_INSTANCES, Row

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

KEYS: Final = ("dag_id", "run_id", "task_id", "map_index")
_FIRST: Final = (2, 8)
_ORDERED_SINCE: Final = (2, 10)
_PAGE: Final = 100
_LIST: Final = f"{STABLE}dags/{{dag_id}}/dagRuns/{{run_id}}/taskInstances/~/xcomEntries"


class XComRoutes:
    """The handlers; they trust that the door was passed.

    ``ways`` are those of the release's other routes.
    """

    def __init__(self, store: XComStore, history: History, version: str, ways: Ways) -> None:
        self._store = store
        self._history = history
        self._release = release_of(version)
        self._ways = ways
        self._written: dict[TaskKey, Row] = {}
        """The task instances that values were taken for, where the history keeps its rows: the values go with them."""

    def routes(self) -> list[web.AbstractRouteDef]:
        """Return all of them."""
        ways: list[tuple[str, Handler]] = [("GET", self._get), ("POST", self._post), ("DELETE", self._delete)]
        known = [web.route(method, "/api/starship/xcom", self._possible(handler)) for method, handler in ways]
        return [*known, web.get(_LIST, self._list, allow_head=False)]

    def _possible(self, handler: Handler) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            if self._release >= _FIRST:
                return await handler(request)
            return _answer({"error": "XComs require Airflow 2.8 or later"}, HTTPStatus.CONFLICT)

        return handle

    def _asked(self, values: Any) -> TaskKey | web.Response:
        for key in KEYS:
            if key not in values:
                return self._ways.missing(key)
        return values["dag_id"], values["run_id"], values["task_id"], int(values["map_index"])

    async def _get(self, request: web.Request) -> web.StreamResponse:
        task = self._asked(request.query)
        if isinstance(task, web.Response):
            return task
        try:
            values = {key: served(value) for key, value in self._values(task).items()}
        except ValueError as error:
            said = f"{error}\nin init_on_load\n    self.value = self.orm_deserialize_value()\n"
            return self._ways.refused(crash(type(error).__name__, said), dict(zip(KEYS, task, strict=True)))
        named = dict(zip(KEYS, task, strict=True))
        return _answer([named | {"key": key, "value": b64encode(value).decode()} for key, value in values.items()])

    async def _post(self, request: web.Request) -> web.StreamResponse:
        body = await self._ways.json(request)
        if isinstance(body, web.Response):
            return body
        task = self._asked(body)
        if isinstance(task, web.Response):
            return task
        if self._history.run(task[0], task[1]) is None:
            said = f"DagRun with dag_id={task[0]} and run_id={task[1]} not found"
            return _answer({"error": said}, HTTPStatus.NOT_FOUND)
        refusal = self._refused(task, body["key"])
        if refusal is None:
            self._store.put(task, body["key"], b64decode(body["value"]))
            row = self._row(task)
            if row is not None and isinstance(self._history, TableHistory):
                self._written[task] = row
            return _nothing()
        return self._ways.refused(refusal, body)

    def _refused(self, task: TaskKey, key: str) -> Refusal | None:
        if key in self._values(task):
            return duplicate("xcom_pkey", ("dag_run_id", "task_id", "map_index", "key"), (1, *task[2:], key))
        if self._row(task) is None:
            columns = ("dag_id", "task_id", "run_id", "map_index"), (task[0], task[2], task[1], task[3])
            return missing_parent("xcom", "xcom_task_instance_fkey", "task_instance", columns)
        return None

    async def _delete(self, request: web.Request) -> web.StreamResponse:
        task = self._asked(request.query)
        if isinstance(task, web.Response):
            return task
        self._store.values.pop(task, None)
        return _nothing()

    async def _list(self, request: web.Request) -> web.StreamResponse:
        dag_id, run_id = request.match_info["dag_id"], request.match_info["run_id"]
        rows = [
            self._entry(task, key)
            for task, key in self._store.of_dag(dag_id, None if run_id == "~" else run_id)
            if self._row(task) is not None
        ]
        if self._release < _ORDERED_SINCE:
            rows.sort(key=lambda row: (row["execution_date"], row["task_id"], row["key"]))
        offset, limit = int(request.query.get("offset", 0)), min(int(request.query.get("limit", _PAGE)), _PAGE)
        shown = rows[offset : offset + limit]
        if any(self._is_unreadable(row) for row in shown):
            return ooops() if self._release < _ORDERED_SINCE else page(500, "<title>Internal Server Error</title>")
        for row in shown:
            del row["run_id"]
        document = {"xcom_entries": shown, "total_entries": len(rows)}
        return respond(HTTPStatus.OK, json.dumps(document, indent=2, sort_keys=True).encode(), "application/json")

    def _entry(self, task: TaskKey, key: str) -> Row:
        run = self._history.run(task[0], task[1]) or {}
        date = run["execution_date"].replace(" ", "T")
        return dict(zip(KEYS, task, strict=True)) | {"key": key, "execution_date": date, "timestamp": date}

    def _is_unreadable(self, row: Row) -> bool:
        try:
            served(self._store.values[row["dag_id"], row["run_id"], row["task_id"], row["map_index"]][row["key"]])
        except ValueError:
            return True
        return False

    def _values(self, task: TaskKey) -> dict[str, bytes | None]:
        row = self._row(task)
        if self._written.get(task, row) is not row:  # another one since: the values were removed with the first
            del self._written[task]
            self._store.values.pop(task, None)
        return self._store.values.get(task, {}) if row is not None else {}

    def _row(self, task: TaskKey) -> Row | None:
        children = self._history.children(TASK_INSTANCES, task[0], task[1])
        return next((row for row in children if (row["task_id"], row["map_index"]) == task[2:]), None)


def _answer(value: Any, status: int = HTTPStatus.OK) -> web.Response:
    return respond(status, json.dumps(value).encode(), "application/json")


def _nothing() -> web.Response:
    return respond(HTTPStatus.NO_CONTENT, b"", "text/html; charset=utf-8")
