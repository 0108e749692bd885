"""Complete rows as Airflow 2.11 behind Starship 2.10.1 serves them, for histories that are written by hand."""

from datetime import UTC, datetime, timedelta
from typing import Any

from transfer.kinds import Row

EPOCH = datetime(2025, 1, 1, tzinfo=UTC)
"""The logical date of run 0."""


def dag_row(dag_id: str, **changes: Any) -> Row:
    """Return a row of table ``dag``."""
    row: Row = {
        "dag_id": dag_id,
        "description": None,
        "fileloc": f"/opt/airflow/dags/{dag_id}.py",
        "is_paused": True,
        "owners": "airflow",
        "schedule_interval": "@daily",
        "tags": [],
    }
    return row | changes


def run_row(dag_id: str, number: int, **changes: Any) -> Row:
    """Return the successful daily run ``number`` of a DAG; ``changes`` replace columns."""
    logical = EPOCH + timedelta(days=number)
    start = logical + timedelta(days=1, seconds=1, microseconds=250_000)
    row: Row = {
        "clear_number": 0,
        "conf": {},
        "creating_job_id": 1,
        "dag_hash": "5f2b0c1e6a7d4c3b9e8f0a1b2c3d4e5f",
        "dag_id": dag_id,
        "data_interval_end": str(logical + timedelta(days=1)),
        "data_interval_start": str(logical),
        "end_date": str(start + timedelta(minutes=5)),
        "execution_date": str(logical),
        "external_trigger": False,
        "last_scheduling_decision": str(start + timedelta(minutes=5)),
        "queued_at": str(start - timedelta(seconds=1)),
        "run_id": f"scheduled__{logical.isoformat()}",
        "run_type": "scheduled",
        "start_date": str(start),
        "state": "success",
    }
    return row | changes


def task_row(run: Row, task_id: str, **changes: Any) -> Row:
    """Return a successful task instance of ``run``, or a try of it; ``changes`` replace columns."""
    start = datetime.fromisoformat(run["start_date"] or run["execution_date"]) + timedelta(seconds=2)
    row: Row = {
        "custom_operator_name": None,
        "dag_id": run["dag_id"],
        "duration": 1.5,
        "end_date": str(start + timedelta(seconds=1.5)),
        "executor": None,
        "executor_config": None,
        "external_executor_id": None,
        "hostname": "worker-1",
        "job_id": 7,
        "map_index": -1,
        "max_tries": 0,
        "operator": "PythonOperator",
        "pid": 4711,
        "pool": "default_pool",
        "pool_slots": 1,
        "priority_weight": 1,
        "queue": "default",
        "queued_by_job_id": 1,
        "queued_dttm": str(start - timedelta(seconds=1)),
        "rendered_map_index": None,
        "run_id": run["run_id"],
        "start_date": str(start),
        "state": "success",
        "task_display_name": task_id,
        "task_id": task_id,
        "trigger_id": None,
        "trigger_timeout": None,
        "try_number": 1,
        "unixname": "airflow",
    }
    return row | changes
