"""The rows of a seeded history as an Airflow 3 has them: those of Airflow 2 under other names, and what is new."""

import json
import pickle
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import NAMESPACE_OID, uuid5

Row = dict[str, Any]

_TRIGGERED_BY = {"scheduled": "TIMETABLE", "manual": "REST_API", "backfill": "BACKFILL", "asset_triggered": "ASSET"}
_CARRIER = json.dumps(
    {"__var": {"traceparent": "00-größe-01"}, "__type": "dict"}
)  # as Airflow's own column type stores it


def run_row(old: Mapping[str, Any]) -> Row:
    """Return the row of a run; one that an asset has triggered has no logical date."""
    row = {name: value for name, value in old.items() if name not in ("execution_date", "external_trigger", "dag_hash")}
    run_type = old["run_type"].replace("dataset", "asset")
    conf = {} if old["conf"] is None else pickle.loads(old["conf"])  # noqa: S301 - pickled by the seed itself
    return row | {
        "run_type": run_type,
        "logical_date": None if run_type == "asset_triggered" else old["execution_date"],
        "run_after": old["data_interval_end"],
        "conf": json.dumps(conf),
        "triggered_by": _TRIGGERED_BY[run_type],
        "triggering_user_name": "größe" if run_type == "manual" else None,
        "bundle_version": "v1" if run_type == "backfill" else None,
        "scheduled_by_job_id": old["creating_job_id"],
        "context_carrier": _CARRIER if run_type == "manual" else None,
        "span_status": "ended" if run_type == "scheduled" else "not_started",
    }


def task_row(old: Mapping[str, Any], *, history: bool) -> Row:
    """Return the row of a task instance, or of an earlier try."""
    names = (
        ("dag_id", "task_id", "run_id", "map_index", "try_number")
        if history
        else ("dag_id", "task_id", "run_id", "map_index")
    )
    made = str(uuid5(NAMESPACE_OID, "\n".join([str(history), *(str(old[name]) for name in names)])))
    row = {name: value for name, value in old.items() if name != "job_id"}
    row |= {
        "task_instance_id" if history else "id": made,
        "scheduled_dttm": old["queued_dttm"] and old["queued_dttm"] - timedelta(seconds=1),
        "context_carrier": _CARRIER if old["priority_weight"] == 2 else None,
        "span_status": "ended" if old["priority_weight"] == 2 else "not_started",
    }
    return row if history else row | {"last_heartbeat_at": old["end_date"]}
