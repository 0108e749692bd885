"""Which rows a deployment stores without a word and then cannot show: they break its own pages.

What breaks which page was measured on 2.11.2 and 3.1.8; the schema of the older Airflow 2 is taken to be the same.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from transfer.emulator.columns import MODERN, release_of
from transfer.emulator.history import History
from transfer.kinds import CHILDREN, DAG_RUNS, TASK_INSTANCE_HISTORY, TASK_INSTANCES, Key, Kind, Row

TRIGGERS: Final = frozenset({None, "CLI", "OPERATOR", "REST_API", "UI", "TEST", "TIMETABLE", "ASSET", "BACKFILL"})
"""What may stand in ``triggered_by``; anything else in a running run ends the scheduler."""

_RUN_STATES: Final = frozenset({"queued", "running", "success", "failed"})
_RUN_TYPES: Final = frozenset({"backfill", "scheduled", "manual", "asset_triggered"})
_TASK_STATES: Final = frozenset(
    {
        None, "removed", "scheduled", "queued", "running", "success", "restarting", "failed", "up_for_retry",
        "up_for_reschedule", "upstream_failed", "skipped", "deferred",
    }
)  # fmt: skip

Check = Callable[[Any], bool]
"""Tells whether a value can be shown."""


@dataclass(frozen=True, slots=True)
class Broken:
    """One row that breaks a page, and the column that does it."""

    kind: str
    dag_id: str
    key: Key
    column: str
    value: Any


def _there(value: Any) -> bool:
    return value is not None


def _object_or_null(value: Any) -> bool:
    return value is None or isinstance(value, dict)


_AIRFLOW_2: Final[dict[str, dict[str, Check]]] = {
    DAG_RUNS.name: {"external_trigger": _there, "state": _there, "conf": _object_or_null},
    TASK_INSTANCES.name: {"hostname": _there, "unixname": _there, "try_number": _there, "max_tries": _there},
    TASK_INSTANCE_HISTORY.name: {"hostname": _there, "unixname": _there, "max_tries": _there},
}
AIRFLOW_3: Final[dict[str, dict[str, Check]]] = {
    DAG_RUNS.name: {
        "triggered_by": TRIGGERS.__contains__,
        "run_type": _RUN_TYPES.__contains__,
        "state": _RUN_STATES.__contains__,
        "conf": _object_or_null,
    },
    TASK_INSTANCES.name: {"state": _TASK_STATES.__contains__, "try_number": _there, "max_tries": _there},
    TASK_INSTANCE_HISTORY.name: {"state": _TASK_STATES.__contains__, "max_tries": _there, "task_display_name": _there},
}


def breaks(kind: Kind, row: Row, version: str) -> str | None:
    """Return the first column of a row that breaks a page of an Airflow of that version, None when none does."""
    checks = _AIRFLOW_2 if release_of(version) < MODERN else AIRFLOW_3
    return next((name for name, shows in checks[kind.name].items() if not shows(row[name])), None)


def broken(history: History) -> Iterator[Broken]:
    """Yield every stored row that breaks a page.

    A try whose id is that of a task instance only breaks the next clearing of that instance: it is named as well.
    """
    for dag_id in history.dag_ids():
        for run in history.runs(dag_id):
            yield from _broken(history.version, DAG_RUNS, [run])
            for kind in CHILDREN:
                yield from _broken(history.version, kind, history.children(kind, dag_id, run["run_id"]))
            yield from _shared_ids(history, run)


def _broken(version: str, kind: Kind, rows: list[Row]) -> Iterator[Broken]:
    for row in rows:
        column = breaks(kind, row, version)
        if column is not None:
            yield Broken(kind.name, row["dag_id"], kind.key_of(row), column, row[column])


def _shared_ids(history: History, run: Row) -> Iterator[Broken]:
    tasks = history.children(TASK_INSTANCES, run["dag_id"], run["run_id"])
    taken = {row["id"] for row in tasks if "id" in row}
    for row in history.children(TASK_INSTANCE_HISTORY, run["dag_id"], run["run_id"]):
        if row.get("task_instance_id") in taken:
            key = TASK_INSTANCE_HISTORY.key_of(row)
            yield Broken(TASK_INSTANCE_HISTORY.name, row["dag_id"], key, "task_instance_id", row["task_instance_id"])
