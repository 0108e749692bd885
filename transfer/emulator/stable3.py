"""The routes of Airflow 3.1's stable REST API that look at DAGs, and that look at and remove a single DAG run."""

from http import HTTPStatus
from typing import Any, Final

from aiohttp import web

from transfer.emulator.history import History, ParsedHistory, RemovableHistory
from transfer.emulator.pages import TRIGGERS, breaks
from transfer.emulator.wire3 import Wire3, unforeseen
from transfer.kinds import DAG_RUNS, Row

STABLE3: Final = "/api/v2/"
_DAGS: Final = "/api/v2/dags"
_DAG: Final = "/api/v2/dags/{dag_id}"
_MOST: Final = 100
"""DAGs on a page, whatever limit is asked for."""
_PARSED: Final = "2025-01-01T00:00:00Z"
_RUN: Final = "/api/v2/dags/{dag_id}/dagRuns/{run_id}"
_DELETABLE: Final = frozenset({"success", "failed", "queued"})
_SHOWN: Final = (
    "dag_run_id", "dag_id", "logical_date", "queued_at", "start_date", "end_date", "duration", "data_interval_start",
    "data_interval_end", "run_after", "last_scheduling_decision", "run_type", "state", "triggered_by",
    "triggering_user_name", "conf", "note", "dag_versions", "bundle_version", "dag_display_name",
)  # fmt: skip
_DATES: Final = frozenset(
    {
        "logical_date", "queued_at", "start_date", "end_date", "data_interval_start", "data_interval_end", "run_after",
        "last_scheduling_decision",
    }
)  # fmt: skip


class StableRoutes3:
    """The handlers; they trust that the door was passed."""

    def __init__(self, history: History, wire: Wire3, version: str) -> None:
        self._history = history
        self._wire = wire
        self._version = version

    def routes(self) -> list[web.AbstractRouteDef]:
        """Return the routes."""
        return [
            web.get(f"{STABLE3}version", self._show_version, allow_head=False),
            web.get(_DAGS, self._list_dags, allow_head=False),
            web.get(_DAG, self._show_dag, allow_head=False),
            web.get(_RUN, self._get, allow_head=False),
            web.delete(_RUN, self._delete),
        ]

    async def _show_version(self, _request: web.Request) -> web.Response:
        return self._wire.answer({"version": self._version, "git_version": None})

    async def _list_dags(self, request: web.Request) -> web.Response:
        """Show a slice of the DAGs that have a row, in the order of their ids; one never parsed says so by a null."""
        try:
            limit, offset = int(request.query.get("limit", "50")), int(request.query.get("offset", "0"))
        except ValueError:
            limit = offset = -1
        if min(limit, offset) < 0:
            said = "Input should be greater than or equal to 0"
            return self._wire.answer({"detail": [{"msg": said}]}, HTTPStatus.UNPROCESSABLE_ENTITY)
        rows = sorted(self._history.dags(), key=lambda row: str(row["dag_id"]))
        shown = [self._dag(row) for row in rows[offset : offset + min(limit, _MOST)]]
        return self._wire.answer({"dags": shown, "total_entries": len(rows)})

    def _dag(self, row: Row) -> dict[str, Any]:
        parsed = isinstance(self._history, ParsedHistory) and self._history.is_parsed(row["dag_id"])
        return {
            "dag_id": row["dag_id"],
            "dag_display_name": row["dag_id"],
            "is_paused": row["is_paused"],
            "is_stale": False,
            "last_parsed_time": _PARSED if parsed else None,
            "next_dagrun_run_after": None,
        }

    async def _show_dag(self, request: web.Request) -> web.Response:
        """Show a DAG that has a row and was parsed; any other is not found."""
        dag_id = request.match_info["dag_id"]
        row = next((dag for dag in self._history.dags() if dag["dag_id"] == dag_id), None)
        shown = self._dag(row) if row else {}
        if not shown.get("last_parsed_time"):
            said = f"The Dag with ID: `{dag_id}` was not found"
            return self._wire.answer({"detail": said}, HTTPStatus.NOT_FOUND)
        return self._wire.answer(shown)

    async def _get(self, request: web.Request) -> web.Response:
        if _slashed(request):
            return no_route3(HTTPStatus.NOT_FOUND)
        run = self._run(request)
        if run is None:
            return self._absent(request)
        listed = any(dag["dag_id"] == run["dag_id"] for dag in self._history.dags())
        if not listed or breaks(DAG_RUNS, run, self._version):
            return unforeseen()
        return self._wire.answer(_shown(run))

    async def _delete(self, request: web.Request) -> web.Response:
        if _slashed(request):
            return no_route3(HTTPStatus.METHOD_NOT_ALLOWED)
        run = self._run(request)
        if run is None or not isinstance(self._history, RemovableHistory):
            return self._absent(request)
        if run["triggered_by"] not in TRIGGERS:
            return unforeseen()
        if run["state"] not in _DELETABLE:
            said = f"The DagRun with dag_id: `{run['dag_id']}` and run_id: `{run['run_id']}`"
            return self._wire.answer({"detail": f"{said} cannot be deleted in {run['state']} state"}, 409)
        self._history.remove_run(run["dag_id"], run["run_id"])
        return web.Response(status=HTTPStatus.NO_CONTENT, content_type="application/json")

    def _run(self, request: web.Request) -> Row | None:
        return self._history.run(request.match_info["dag_id"], request.match_info["run_id"])

    def _absent(self, request: web.Request) -> web.Response:
        ids = request.match_info
        said = f"The DagRun with dag_id: `{ids['dag_id']}` and run_id: `{ids['run_id']}` was not found"
        return self._wire.answer({"detail": said}, HTTPStatus.NOT_FOUND)


def no_route3(status: int, path: str = STABLE3) -> web.Response:
    """Return the answer for a path or a method that there is not."""
    wire = Wire3()
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        return wire.answer({"detail": "Method Not Allowed"}, status)
    if path.startswith("/api/v1/"):
        said = "/api/v1 has been removed in Airflow 3, please use its upgraded version /api/v2 instead."
        return wire.answer({"error": said}, status)
    return wire.answer(
        {"error": "API route not found"} if path.startswith(STABLE3) else {"detail": "Not Found"}, status
    )


def _slashed(request: web.Request) -> bool:
    """Tell whether an id has a slash, which is decoded before the routes are matched."""
    return "/" in request.match_info["run_id"] + request.match_info["dag_id"]


def _shown(run: Row) -> dict[str, Any]:
    """Return the run as this API writes it: other names, T and Z in its dates, and less than Starship shows."""
    version = run["created_dag_version_id"]
    full: dict[str, Any] = run | {
        "dag_run_id": run["run_id"],
        "dag_display_name": run["dag_id"],
        "dag_versions": [{"id": version, "dag_id": run["dag_id"]}] if version else [],
        "duration": None,
        "note": None,
        "triggered_by": run["triggered_by"] and run["triggered_by"].lower(),
    }
    return {name: _moment(full[name]) if name in _DATES else full[name] for name in _SHOWN}


def _moment(value: str | None) -> str | None:
    return value and value.replace(" ", "T").replace("+00:00", "Z")
