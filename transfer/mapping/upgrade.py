"""Rows of Airflow 2 for Airflow 3, as Airflow's own upgrade of a database makes them.

Measured on 2.11.2 to 3.1.8 against `airflow db migrate` of the same database. Airflow 3 answers 200 to almost anything:
what would break its pages or its scheduler has to be mended or held back here.
"""

from typing import Any, Final

from transfer.kinds import DAG_RUNS, Kind, Row
from transfer.mapping.account import SOURCES_OWN, Account
from transfer.mapping.identity import id_column, id_of
from transfer.mapping.states import state_in_3
from transfer.mapping.storable import storable

_RUN_COPIED: Final = (
    "dag_id",
    "run_id",
    "queued_at",
    "start_date",
    "end_date",
    "state",
    "data_interval_start",
    "data_interval_end",
    "last_scheduling_decision",
)
_RUN_DROPPED: Final = {
    "creating_job_id": SOURCES_OWN,
    "dag_hash": "Airflow 3 has no such column",
    "external_trigger": "Airflow 3 has no such column: the run_type says it",
}
_TASK_COPIED: Final = (
    "dag_id",
    "run_id",
    "task_id",
    "map_index",
    "start_date",
    "end_date",
    "duration",
    "hostname",
    "unixname",
    "pool",
    "pool_slots",
    "queue",
    "priority_weight",
    "operator",
    "custom_operator_name",
    "queued_dttm",
    "pid",
    "executor",
    "external_executor_id",
    "rendered_map_index",
)
_TASK_DROPPED: Final = {
    "job_id": SOURCES_OWN,
    "queued_by_job_id": SOURCES_OWN,
    "trigger_id": SOURCES_OWN,
    "trigger_timeout": "there is no trigger on the target that it could end",
}
_RUN_TYPES: Final = frozenset({"scheduled", "manual", "backfill", "asset_triggered"})
_RENAMED_TYPES: Final = {"dataset_triggered": "asset_triggered"}
_WRAPPED: Final = "conf"
"""The key under which a conf stands that is no object: Airflow 3 cannot show any other."""


def to_airflow_3(kind: Kind, rows: list[Row], account: Account) -> list[Row]:
    """Return new rows; those that no rule helps are refused in ``account`` and left out."""
    for column, why in (_RUN_DROPPED if kind is DAG_RUNS else _TASK_DROPPED).items():
        account.dropped(kind, column, why, rows)
    if kind is DAG_RUNS:
        return [_run(row, account) for row in rows]
    return [mapped for row in rows if (mapped := _task(kind, row, account)) is not None]


def _run(row: Row, account: Account) -> Row:
    mapped = {name: row.get(name) for name in _RUN_COPIED}
    logical_date = row.get("execution_date")
    mapped["logical_date"] = logical_date
    mapped["run_after"] = row.get("data_interval_end") or logical_date
    mapped["run_type"] = _run_type(row, account)
    mapped["conf"] = _conf(row.get("conf"), account)
    mapped["clear_number"] = row.get("clear_number") or 0
    mapped["span_status"] = "not_started"
    return mapped


def _run_type(row: Row, account: Account) -> str:
    """Return a type that Airflow 3 knows, for any other breaks its pages: by its name, else by the run's id."""
    given = row.get("run_type")
    lower = given.lower() if isinstance(given, str) else ""
    known = _RENAMED_TYPES.get(lower, lower)
    if known in _RUN_TYPES:
        if known != given:
            why = f"Airflow 3 calls {given} {known}"
            account.count(DAG_RUNS, "run_type", why)
        return known
    prefix = str(row["run_id"]).partition("__")[0]
    guessed = _RENAMED_TYPES.get(prefix, prefix)
    guessed = guessed if guessed in _RUN_TYPES else "manual"
    account.count(DAG_RUNS, "run_type", f"Airflow 3 does not know the type it has; by the run's id it is {guessed}")
    return guessed


def _conf(conf: Any, account: Account) -> dict[str, Any] | None:
    if not conf and (conf is None or isinstance(conf, dict)):
        return conf
    fit = storable(conf)
    if repr(fit) != repr(conf):  # NaN is not even equal to itself
        account.count(DAG_RUNS, "conf", "holds what PostgreSQL's JSON cannot: NUL and the like are sent as U+FFFD")
    if isinstance(fit, dict):
        return fit
    account.count(DAG_RUNS, "conf", f'is no object, which Airflow 3 cannot show: sent as {{"{_WRAPPED}": ...}}')
    return {_WRAPPED: fit}


def _task(kind: Kind, row: Row, account: Account) -> Row | None:
    try:
        state, why = state_in_3(row.get("state"))
    except ValueError as error:
        account.refuse(kind, row, str(error))
        return None
    if why:
        account.count(kind, "state", why)
    mapped = {name: row.get(name) for name in _TASK_COPIED}
    mapped[id_column(kind)] = id_of(kind, row)
    mapped["state"] = state
    mapped["try_number"] = _or(row.get("try_number"), 0)
    mapped["max_tries"] = _or(row.get("max_tries"), -1)
    mapped["task_display_name"] = row.get("task_display_name") or row["task_id"]
    mapped["executor_config"] = None  # the key makes the server store {}, as an upgrade does
    return mapped


def _or(value: Any, default: int) -> Any:
    return default if value is None else value


def shown_map_index(row: Row) -> str | None:
    """Return the name of its map index that Airflow 3 shows for a task instance: where it has none, the number.

    Of an earlier try it shows what is stored.
    """
    stored, index = row.get("rendered_map_index"), row.get("map_index")
    if stored is None and index is not None and index >= 0:
        return str(index)
    return stored
