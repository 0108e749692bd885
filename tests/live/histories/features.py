"""What each kept history has in it, so that a test can hold it to that."""

import json
import pickle
from collections.abc import Callable, Mapping
from typing import Any

from tests.live.versions import Version

from .dump import Table
from .story import CONF

Tables = Mapping[str, Table]
Record = Mapping[str, str | None]

RUN = "dag_run"
TASK = "task_instance"
TRY = "task_instance_history"


def _runs(**wanted: str) -> Callable[[Tables], bool]:
    return lambda tables: _any(tables, RUN, lambda row: _is(row, wanted))


def _tasks(**wanted: str) -> Callable[[Tables], bool]:
    return lambda tables: _any(tables, TASK, lambda row: _is(row, wanted))


def _any(tables: Tables, name: str, holds: Callable[[Record], bool]) -> bool:
    return name in tables and any(map(holds, tables[name].records()))


def _is(row: Record, wanted: Mapping[str, str]) -> bool:
    return all(row[name] == value for name, value in wanted.items())


def _has_no_name(row: Record) -> bool:
    return row["map_index"] == "1" and row.get("rendered_map_index") is None


def conf_of(text: str | None) -> Any:
    """Return the conf that PostgreSQL's text of it stands for: a pickle on Airflow 2, JSON on Airflow 3."""
    if text is None:
        return None
    if text.startswith("\\x"):
        return pickle.loads(bytes.fromhex(text[2:]))  # noqa: S301 - written by this rig's own Airflow
    return json.loads(text)


ALWAYS: Mapping[str, Callable[[Tables], bool]] = {
    "scheduled": _runs(run_type="scheduled", state="success"),
    "a failed run": _runs(state="failed"),
    "backfilled": _runs(run_type="backfill", state="success"),
    "manual": _runs(run_type="manual", state="success"),
    "a conf with other letters than ASCII": lambda tables: _any(tables, RUN, lambda row: conf_of(row["conf"]) == CONF),
    "a run still running": _runs(state="running"),
    "a run still queued": _runs(state="queued"),
    "mapped": _tasks(map_index="2", state="success"),
    "mapped without names": lambda tables: _any(tables, TASK, _has_no_name),
    "mapped over nothing": _tasks(task_id="empty", map_index="-1", state="skipped"),
    "in a task group": _tasks(task_id="steps.double", state="success"),
    "retried": _tasks(task_id="flaky", try_number="2", state="success"),
    "retried and mapped": _tasks(task_id="steps.mapped", map_index="1", try_number="2", state="success"),
    "skipped by a branch": _tasks(task_id="not_taken", state="skipped"),
    "skipped by a short circuit": _tasks(task_id="behind_the_gate", state="skipped"),
    "failed": _tasks(task_id="fail", state="failed"),
    "failed upstream": _tasks(task_id="never", state="upstream_failed"),
    "deferred and gone on": _tasks(task_id="after_waiting", state="success"),
    "still deferred": lambda tables: _any(tables, TASK, lambda row: row["trigger_id"] is not None),
    "never started": lambda tables: _any(tables, TASK, lambda row: row["state"] is None),
    "cleared and run again": _tasks(task_id="all_the_same", try_number="2", state="success"),
    "a DAG id with other letters than ASCII": _runs(dag_id="history_größe"),
}
"""What every version's history has."""

SINCE: Mapping[Version, Mapping[str, Callable[[Tables], bool]]] = {
    Version(2, 7): {"a custom operator name": _tasks(custom_operator_name="Waiter ☃")},
    Version(2, 8): {"clear numbers": _runs(clear_number="1")},
    Version(2, 9): {
        "names of map indexes": _tasks(rendered_map_index="Nummer 2 ☃"),
        "a display name": _tasks(task_display_name="Wackelig \u2013 größer 100 %"),
    },
    Version(2, 10): {
        "an earlier try of a retried task": lambda tables: _any(
            tables, TRY, lambda row: _is(row, {"task_id": "flaky", "try_number": "1", "state": "failed"})
        ),
        "an earlier try of a cleared task": lambda tables: _any(
            tables, TRY, lambda row: _is(row, {"task_id": "flaky", "try_number": "2", "state": "success"})
        ),
        "an earlier try of a mapped task": lambda tables: _any(
            tables, TRY, lambda row: _is(row, {"task_id": "steps.mapped", "map_index": "1"})
        ),
    },
}
"""What the histories have from a version on."""

UNTIL_2: Mapping[str, Callable[[Tables], bool]] = {"triggered by a dataset": _runs(run_type="dataset_triggered")}
FROM_3: Mapping[str, Callable[[Tables], bool]] = {
    "triggered by an asset": _runs(run_type="asset_triggered"),
    "no logical date": lambda tables: _any(tables, RUN, lambda row: row["logical_date"] is None),
}


def features(version: Version) -> dict[str, Callable[[Tables], bool]]:
    """Return what the history of that version has, each with the check for it."""
    since = {name: check for first, checks in SINCE.items() if version >= first for name, check in checks.items()}
    return {**ALWAYS, **since, **(FROM_3 if version.new else UNTIL_2)}
