"""What the pages of Airflow 3 want in their queries, and which of them have nothing to say about a moved history."""

from collections.abc import Mapping, Sequence
from typing import Any

Query = Mapping[str, str | None]
"""A query by name; None stands for the value that the history has for that name."""

_RUN = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}"
_TASK = f"{_RUN}/taskInstances/{{task_id}}"
_OF_TASK: Sequence[Query] = ({"map_index": None},)

QUERIES: Mapping[str, Sequence[Query]] = {
    "/ui/dags": ({"limit": "100", "dag_runs_limit": "14"}, {"exclude_stale": "false"}),
    "/ui/dependencies": ({}, {"node_id": "dag:history_consumer"}),
    "/ui/dashboard/historical_metrics_data": ({"start_date": "2020-01-01T00:00:00Z"},),
    "/ui/structure/structure_data": ({"dag_id": None}, {"dag_id": None, "external_dependencies": "true"}),
    "/ui/backfills": ({}, {"dag_id": None}),
    "/ui/grid/structure/{dag_id}": ({"limit": "100"}, {}),
    "/ui/grid/runs/{dag_id}": ({"limit": "100"}, {"order_by": "-run_after"}),
    "/ui/calendar/{dag_id}": ({"granularity": "daily"}, {"granularity": "hourly"}),
    "/api/v2/backfills": ({"dag_id": None},),
    "/api/v2/dags/{dag_id}/dagRuns": ({"limit": "100"}, {"order_by": "-start_date"}, {"order_by": "logical_date"}),
    "/api/v2/dags": ({"limit": "100"}, {"exclude_stale": "false", "last_dag_run_state": "success"}),
    f"{_RUN}/wait": ({"interval": "1"},),
    f"{_RUN}/taskInstances": ({"limit": "100"}, {"order_by": "-start_date"}),
    f"{_TASK}/links": _OF_TASK,
    f"{_TASK}/dependencies": _OF_TASK,
    f"{_TASK}/tries": _OF_TASK,
    f"{_TASK}/tries/{{task_try_number}}": _OF_TASK,
    f"{_TASK}/xcomEntries": _OF_TASK,
    f"{_TASK}/xcomEntries/{{xcom_key}}": _OF_TASK,
    f"{_TASK}/logs/{{try_number}}": _OF_TASK,
    f"{_TASK}/externalLogUrl/{{try_number}}": _OF_TASK,
}
"""The queries to ask a page with, where it needs one or shows more with it."""

LISTS: Sequence[tuple[str, Query]] = (
    ("/api/v2/dags/{dag_id}/dagRuns", {"limit": "100"}),
    (f"{_RUN}/taskInstances", {"limit": "100"}),
    (f"{_RUN}/taskInstances", {"limit": "100", "offset": "50", "order_by": "-start_date"}),
    (f"{_TASK}/xcomEntries", {}),
    (f"{_RUN}/hitlDetails", {}),
)
"""Lists over all DAGs at once, which one bad row anywhere breaks."""

_EVERY_RUN = "/api/v2/dags/~/dagRuns"
POSTED: Sequence[tuple[str, Mapping[str, Any]]] = (
    (f"{_EVERY_RUN}/list", {"page_limit": 1000}),
    (f"{_EVERY_RUN}/list", {"page_limit": 1000, "order_by": "-start_date", "states": ["failed"]}),
    (f"{_EVERY_RUN}/~/taskInstances/list", {"page_limit": 5000}),
    (f"{_EVERY_RUN}/~/taskInstances/list", {"page_limit": 5000, "state": ["success", "skipped", "upstream_failed"]}),
)
"""Lists that are asked for with a body."""

NO_PAGES = {
    "/api/v2/auth/login",  # sends the browser elsewhere
    "/api/v2/auth/logout",
    "/api/v2/config",  # 403 unless the administrator allows it
    f"{_TASK}/externalLogUrl/{{try_number}}",  # 400 without a log store elsewhere
}
"""What no deployment of this rig answers with 200, whatever is in its history."""

NOT_CARRIED = {
    f"{_TASK}/xcomEntries/{{xcom_key}}",
    f"{_TASK}/{{map_index}}/hitlDetails",
    "/api/v2/dags/{dag_id}/assets/{asset_id}/queuedEvents",
}
"""Pages that are a 404 for everything that was moved: XComs, questions to people and waiting events do not move."""

NOT_OF_EVERY_TASK = {_TASK, f"{_TASK}/listMapped"}
"""Pages of tasks that are not mapped, and of those that are: a 404 for all others."""

ABOUT_OTHER_THINGS = {
    "/api/v2/assets/aliases/{asset_alias_id}",
    "/api/v2/backfills/{backfill_id}",
    "/api/v2/config/section/{section}/option/{option}",
    "/api/v2/connections/{connection_id}",
    "/api/v2/eventLogs/{event_log_id}",
    "/api/v2/importErrors/{import_error_id}",
    "/api/v2/pools/{pool_name}",
    "/api/v2/variables/{variable_key}",
}
"""Pages that a history cannot name."""
