"""What a row should be once it was moved to another Airflow: an opinion of its own, made from measurements alone.

A transfer is judged by it, so it must not share a line with what does the moving. Columns are left out of which the
target makes something else by itself (numbers of rows, versions of DAGs), of which two answers are good, or which hold
what the target cannot: such a row may be corrected in more than one way, as long as no page breaks.
"""

import json
from collections.abc import Callable
from typing import Any, Final

from transfer.emulator.columns import MODERN, release_of, tables_of
from transfer.emulator.jsonb import as_stored, is_storable
from transfer.emulator.pages import AIRFLOW_3
from transfer.kinds import DAG_RUNS, TASK_INSTANCE_HISTORY, TASK_INSTANCES, Kind, Row

Opinion = Callable[[Kind, Row], Row]
"""Gives the columns of a moved row that are known, with the values they should have."""

_SERVERS_OWN: Final = {
    DAG_RUNS.name: {"id", "log_template_id", "backfill_id", "created_dag_version_id", "updated_at"},
    TASK_INSTANCES.name: {"trigger_id", "dag_version_id"},
    TASK_INSTANCE_HISTORY.name: {"trigger_id", "dag_version_id"},
}
_RUN_COPIED: Final = (
    "dag_id", "run_id", "queued_at", "start_date", "end_date", "data_interval_start", "data_interval_end",
    "last_scheduling_decision",
)  # fmt: skip
_RUN_EMPTY: Final = ("triggered_by", "triggering_user_name", "bundle_version", "context_carrier", "scheduled_by_job_id")
_TASK_COPIED: Final = (
    "dag_id", "run_id", "task_id", "map_index", "start_date", "end_date", "duration", "hostname", "unixname", "pool",
    "pool_slots", "queue", "priority_weight", "operator", "queued_dttm", "pid", "external_executor_id",
)  # fmt: skip
_TASK_NEWER: Final = ("custom_operator_name", "rendered_map_index")
_TASK_EMPTY: Final = ("scheduled_dttm", "trigger_timeout")
_RENAMED_STATES: Final = {"shutdown": "failed", "": None, "none": None}


def opinion(source: str, target: str) -> Opinion | None:
    """Return the opinion on rows that went from one version to another, None where nothing has to change at all.

    From Airflow 3 to Airflow 2 there is no way: ValueError.
    """
    old, new = release_of(source), release_of(target)
    if (old >= MODERN) > (new >= MODERN):
        said = f"nothing can be moved from Airflow {source} to {target}"
        raise ValueError(said)
    if new < MODERN:
        return None if tables_of(source) == tables_of(target) else _within_2(target)
    return _within_3 if old >= MODERN else _from_2_to_3


def kept(kind: Kind, version: str) -> bool:
    """Tell whether an Airflow of that version keeps rows of ``kind``."""
    return kind.name in tables_of(version)


def _within_2(target: str) -> Opinion:
    def expect(kind: Kind, row: Row) -> Row:
        defaults: Row = {"clear_number": 0}
        if kind is TASK_INSTANCES:
            defaults["task_display_name"] = row["task_id"]
        served = tables_of(target)[kind.name].served
        return {name: row.get(name, defaults.get(name)) for name in served if name in row or name in defaults}

    return expect


def _within_3(kind: Kind, row: Row) -> Row:
    return {name: value for name, value in row.items() if name not in _SERVERS_OWN[kind.name]}


def _from_2_to_3(kind: Kind, row: Row) -> Row:
    if kind is DAG_RUNS:
        return _run(row)
    expected = _task(row)
    if kind is TASK_INSTANCES and expected["rendered_map_index"] is None and row["map_index"] >= 0:
        expected["rendered_map_index"] = str(row["map_index"])  # not stored, but served
    return expected


def _run(row: Row) -> Row:
    expected = {
        **{name: row[name] for name in _RUN_COPIED},
        **dict.fromkeys(_RUN_EMPTY),
        "clear_number": row.get("clear_number") or 0,
        "conf": _without_nul(row["conf"]),
        "logical_date": row["execution_date"],
        "run_after": row["data_interval_end"] or row["execution_date"],
        "run_type": "asset_triggered" if row["run_type"] == "dataset_triggered" else row["run_type"],
        "span_status": "not_started",
        "state": _lowered(row["state"]),
    }
    if isinstance(row["conf"], dict) and is_storable(row["conf"]):
        expected["conf"] = as_stored(row["conf"])
    elif row["conf"] is not None:
        del expected["conf"]
    return _without_unknown(DAG_RUNS, expected)


def _task(row: Row) -> Row:
    state = _lowered(row["state"])
    expected = {
        **{name: row[name] for name in _TASK_COPIED},
        **{name: row.get(name) for name in _TASK_NEWER},
        **dict.fromkeys(_TASK_EMPTY),
        "max_tries": -1 if row["max_tries"] is None else row["max_tries"],
        "state": _RENAMED_STATES.get(state, state),
        "task_display_name": row.get("task_display_name") or row["task_id"],
        "try_number": row["try_number"] or 0,
    }
    return _without_unknown(TASK_INSTANCES, expected)


def _without_unknown(kind: Kind, expected: Row) -> Row:
    """Leave out states and types of runs that Airflow 3 does not know."""
    checks = AIRFLOW_3[kind.name]
    return {name: value for name, value in expected.items() if name not in {"state", "run_type"} or checks[name](value)}


def _without_nul(conf: Any) -> Any:
    """Return what a JSON column can hold of a conf: a NUL would be a 400."""
    return json.loads(json.dumps(conf).replace("\\u0000", "\\ufffd"))


def _lowered(state: Any) -> Any:
    return state.lower() if isinstance(state, str) else state
