"""A row in the shape of Airflow 2.11 as another version would have it of its own: for sources, no rule of how to move.

Older versions have fewer columns. On Airflow 3 a run has what its own scheduler, API and DAG processor give it.
"""

from functools import lru_cache
from hashlib import md5
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

from transfer.emulator.columns import MODERN, release_of, tables_of
from transfer.kinds import DAG_RUNS, TASK_INSTANCE_HISTORY, Kind, Row

_CARRIER: Final = {"__var": {}, "__type": "dict"}
_NO_LOGICAL_DATE_EVERY: Final = 4
_DAG: Final = ("dag_id", "timetable_summary", "is_paused", "fileloc", "description", "owners", "tags")


def native(kind: Kind, row: Row, version: str) -> Row:
    """Return ``row``, one of 2.11, as a row of ``version``; it has exactly the columns that are served there."""
    served = tables_of(version)[kind.name].served
    if release_of(version) < MODERN:
        return {name: row[name] for name in served}
    full = _modern_run(row) if kind is DAG_RUNS else _modern_task(kind, row)
    return {name: full[name] for name in served}


def native_dag(row: Row, version: str) -> Row:
    """Return a row of table ``dag``, one of 2.11, as ``version`` serves it; the count is added by the server."""
    if release_of(version) < MODERN:
        return row
    shown = row | {"timetable_summary": row["schedule_interval"]}
    return {name: shown[name] for name in _DAG}


def _modern_run(row: Row) -> Row:
    manual = row["run_type"] == "manual"
    return row | {
        "id": _number(f"{row['dag_id']}/{row['run_id']}"),
        "backfill_id": None,
        "bundle_version": None,
        "conf": _without_nul(row["conf"]),
        "context_carrier": _CARRIER,
        "created_dag_version_id": _dag_version(row["dag_id"]),
        "log_template_id": 1,
        "logical_date": None if manual and _by_asset_or_hand(row) else row["execution_date"],
        "run_after": row["data_interval_end"] or row["execution_date"],
        "run_type": row["run_type"].replace("dataset", "asset"),
        "scheduled_by_job_id": 1,
        "span_status": "ended" if row["end_date"] else "active",
        "triggered_by": "REST_API" if manual else "TIMETABLE",
        "triggering_user_name": "admin" if manual else None,
        "updated_at": row["end_date"] or row["start_date"] or row["queued_at"],
    }


def _modern_task(kind: Kind, row: Row) -> Row:
    key = "/".join([str(row[name]) for name in ("dag_id", "run_id", "task_id", "map_index")])
    tried = kind is TASK_INSTANCE_HISTORY
    return row | {
        "task_instance_id" if tried else "id": _uuid(f"{key}#{row['try_number']}" if tried else key),
        "dag_version_id": _dag_version(row["dag_id"]),
        "scheduled_dttm": row["queued_dttm"],
    }


def _by_asset_or_hand(row: Row) -> bool:
    """Tell whether a manual run is one of those that have no logical date, as only Airflow 3 knows them."""
    return _number(row["run_id"]) % _NO_LOGICAL_DATE_EVERY == 0


def _without_nul(value: Any) -> Any:
    """Return a conf without the one letter that JSON in PostgreSQL cannot hold."""
    if isinstance(value, str):
        return value.replace("\x00", "")
    if isinstance(value, dict):
        return {_without_nul(key): _without_nul(item) for key, item in value.items()}
    return [_without_nul(item) for item in value] if isinstance(value, list) else value


def _number(text: str) -> int:
    return int(_digest(text)[:7], 16)


def _uuid(text: str) -> str:
    digits = _digest(text)
    return f"{digits[:8]}-{digits[8:12]}-7{digits[13:16]}-8{digits[17:20]}-{digits[20:]}"


def _digest(text: str) -> str:
    return md5(text.encode(), usedforsecurity=False).hexdigest()


@lru_cache
def _dag_version(dag_id: str) -> str:
    return str(uuid5(NAMESPACE_URL, f"{dag_id}#1"))
