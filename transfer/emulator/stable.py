"""The two routes of Airflow 2's stable REST API that look at and remove a single DAG run."""

import json
from http import HTTPStatus
from typing import Any, Final

from aiohttp import web

from transfer.emulator.columns import release_of
from transfer.emulator.history import History, RemovableHistory
from transfer.emulator.traits import traits_of
from transfer.emulator.wire import respond
from transfer.kinds import Row

STABLE: Final = "/api/v1/"
_RUN: Final = "/api/v1/dags/{dag_id}/dagRuns/{run_id}"
_DOCS: Final = "https://airflow.apache.org/docs/apache-airflow/{}/stable-rest-api-ref.html#section/Errors"
_NO_ROUTE: Final = (
    "The requested URL was not found on the server. If you entered the URL manually please check your spelling and try"
    " again."
)
_NOTES_SINCE: Final = (2, 5)
_NO_METHOD: Final = "The method is not allowed for the requested URL."
_DATES: Final = ("data_interval_end", "data_interval_start", "end_date", "last_scheduling_decision", "start_date")


class StableRoutes:
    """The handlers; they trust that the door was passed."""

    def __init__(self, history: History, version: str) -> None:
        self._history = history
        self._version = version

    def routes(self) -> list[web.AbstractRouteDef]:
        """Return the routes."""
        return [web.get(_RUN, self._get, allow_head=False), web.delete(_RUN, self._delete)]

    async def _get(self, request: web.Request) -> web.Response:
        if "/" in request.match_info["run_id"] + request.match_info["dag_id"]:  # decoded before routes are matched
            return no_route(HTTPStatus.NOT_FOUND, self._version)
        fields = request.query.get("fields")
        if fields is not None and not traits_of(self._version).fields:
            said = "Extra query parameter(s) fields not in spec"
            return _problem(self._version, HTTPStatus.BAD_REQUEST, None, said, "BadRequest")
        run = self._run(request)
        if run is None:
            return self._absent(request, "DAGRun not found")
        shown = _shown(run)
        if release_of(self._version) < _NOTES_SINCE:
            del shown["note"]
        if fields is not None:
            shown = {name: shown[name] for name in fields.split(",")}
        for name, kind in (("state", str), ("external_trigger", bool)):
            if name in shown and not isinstance(shown[name], kind):
                said = "Response body does not conform to specification"
                about = f"{shown[name]!r} is not of type", "Unknown"
                return _problem(self._version, HTTPStatus.INTERNAL_SERVER_ERROR, said, *about)
        return respond(HTTPStatus.OK, _dump(shown), "application/json")

    async def _delete(self, request: web.Request) -> web.Response:
        if "/" in request.match_info["run_id"] + request.match_info["dag_id"]:
            return no_route(HTTPStatus.NOT_FOUND, self._version)
        if self._run(request) is None or not isinstance(self._history, RemovableHistory):
            return self._absent(request, "Not Found")
        self._history.remove_run(request.match_info["dag_id"], request.match_info["run_id"])
        return respond(HTTPStatus.NO_CONTENT, b"", "application/json")

    def _run(self, request: web.Request) -> Row | None:
        return self._history.run(request.match_info["dag_id"], request.match_info["run_id"])

    def _absent(self, request: web.Request, title: str) -> web.Response:
        ids = request.match_info
        said = f"DAGRun with DAG ID: '{ids['dag_id']}' and DagRun ID: '{ids['run_id']}' not found"
        return _problem(self._version, HTTPStatus.NOT_FOUND, title, said, "NotFound")


def no_route(status: int, version: str) -> web.Response:
    """Return the answer for a path or a method that there is not."""
    title, said = ("Method Not Allowed", _NO_METHOD) if status == HTTPStatus.METHOD_NOT_ALLOWED else ("", "")
    return _problem(version, status, title or "Not Found", said or _NO_ROUTE, None)


def not_allowed(refused: web.Response, version: str) -> web.Response:
    """Return what somebody hears who may not come in: no redirect; some releases tell strangers so."""
    if refused.status != HTTPStatus.FOUND:
        return refused
    known = refused.headers["Location"] == "/home"
    if known or traits_of(version).stranger == HTTPStatus.FORBIDDEN:
        return _problem(version, HTTPStatus.FORBIDDEN, "Forbidden", None, "PermissionDenied")
    return _problem(version, HTTPStatus.UNAUTHORIZED, "Unauthorized", None, "Unauthenticated")


def _problem(version: str, status: int, title: str | None, detail: str | None, kind: str | None) -> web.Response:
    about = f"{_DOCS.format(version)}/{kind}" if kind else "about:blank"
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
