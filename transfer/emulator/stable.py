"""The two routes of Airflow 2.11's stable REST API that look at and remove a single DAG run."""

import json
from http import HTTPStatus
from typing import Any, Final

from aiohttp import web

from transfer.emulator.history import History, RemovableHistory
from transfer.emulator.wire import respond
from transfer.kinds import Row

STABLE: Final = "/api/v1/"
_RUN: Final = "/api/v1/dags/{dag_id}/dagRuns/{run_id}"
_DOCS: Final = "https://airflow.apache.org/docs/apache-airflow/2.11.2/stable-rest-api-ref.html#section/Errors"
_NO_ROUTE: Final = (
    "The requested URL was not found on the server. If you entered the URL manually please check your spelling and try"
    " again."
)
_NO_METHOD: Final = "The method is not allowed for the requested URL."
_DATES: Final = ("data_interval_end", "data_interval_start", "end_date", "last_scheduling_decision", "start_date")


class StableRoutes:
    """The handlers; they trust that the door was passed."""

    def __init__(self, history: History) -> None:
        self._history = history

    def routes(self) -> list[web.AbstractRouteDef]:
        """Return the routes."""
        return [web.get(_RUN, self._get, allow_head=False), web.delete(_RUN, self._delete)]

    async def _get(self, request: web.Request) -> web.Response:
        if "/" in request.match_info["run_id"] + request.match_info["dag_id"]:  # decoded before routes are matched
            return no_route(HTTPStatus.NOT_FOUND)
        run = self._run(request)
        if run is None:
            return _absent(request, "DAGRun not found")
        shown = _shown(run)
        fields = request.query.get("fields")
        if fields is not None:
            shown = {name: shown[name] for name in fields.split(",")}
        for name, kind in (("state", str), ("external_trigger", bool)):
            if name in shown and not isinstance(shown[name], kind):
                said = "Response body does not conform to specification"
                return _problem(HTTPStatus.INTERNAL_SERVER_ERROR, said, f"{shown[name]!r} is not of type", "Unknown")
        return respond(HTTPStatus.OK, _dump(shown), "application/json")

    async def _delete(self, request: web.Request) -> web.Response:
        if "/" in request.match_info["run_id"] + request.match_info["dag_id"]:
            return no_route(HTTPStatus.NOT_FOUND)
        if self._run(request) is None or not isinstance(self._history, RemovableHistory):
            return _absent(request, "Not Found")
        self._history.remove_run(request.match_info["dag_id"], request.match_info["run_id"])
        return respond(HTTPStatus.NO_CONTENT, b"", "application/json")

    def _run(self, request: web.Request) -> Row | None:
        return self._history.run(request.match_info["dag_id"], request.match_info["run_id"])


def no_route(status: int) -> web.Response:
    """Return the answer for a path or a method that there is not."""
    title, said = ("Method Not Allowed", _NO_METHOD) if status == HTTPStatus.METHOD_NOT_ALLOWED else ("", "")
    return _problem(status, title or "Not Found", said or _NO_ROUTE, None)


def not_allowed(refused: web.Response) -> web.Response:
    """Return what somebody hears who may not come in: no redirect, whether or not he is known."""
    if refused.status != HTTPStatus.FOUND:
        return refused
    return _problem(HTTPStatus.FORBIDDEN, "Forbidden", None, "PermissionDenied")


def _absent(request: web.Request, title: str) -> web.Response:
    ids = request.match_info
    said = f"DAGRun with DAG ID: '{ids['dag_id']}' and DagRun ID: '{ids['run_id']}' not found"
    return _problem(HTTPStatus.NOT_FOUND, title, said, "NotFound")


def _problem(status: int, title: str, detail: str | None, kind: str | None) -> web.Response:
    about = f"{_DOCS}/{kind}" if kind else "about:blank"
    body = _dump({"detail": detail, "status": status, "title": title, "type": about})
    return respond(status, body, "application/problem+json")


def _dump(value: dict[str, Any]) -> bytes:
    return json.dumps(value, indent=2, sort_keys=True).encode() + b"\n"


def _shown(run: Row) -> dict[str, Any]:
    """Return the run as this API writes it: other names, a T in its dates, and less than Starship shows."""
    dates = {name: run[name] and run[name].replace(" ", "T") for name in (*_DATES, "execution_date")}
    return {
        **dates,
        "conf": run["conf"] or {},
        "dag_id": run["dag_id"],
        "dag_run_id": run["run_id"],
        "external_trigger": run["external_trigger"],
        "logical_date": dates["execution_date"],
        "note": None,
        "run_type": run["run_type"],
        "state": run["state"],
    }
