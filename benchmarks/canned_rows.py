"""A synthetic DAG's history as ready bytes: a page of any slice costs the joining of it.

The runs start a minute apart, newest first, ten task instances each and fifteen tries for ten runs. A few templates
of a run's rows take turns; of each only the minute is put in when a page is asked for.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

DAG: Final = "canned"
TASKS: Final = 10
"""Task instances of a run."""
TEMPLATES: Final = 20
"""Different runs before the first comes again, apart from its minute."""
KINDS: Final = {
    "dag_runs": "dag_runs",
    "task_instances": "task_instances",
    "task_instance_history": "task_instances",
}
"""The name of the list in an answer, by route."""

_DAY, _MINUTE = "!day!", "!minute!"
_FIRST: Final = datetime(2015, 1, 1, tzinfo=UTC)
_ONE_MINUTE: Final = timedelta(minutes=1)


def page(route: str, runs: int, offset: int, limit: int) -> bytes:
    """Return the answer to a GET of ``route`` for a DAG of ``runs`` runs, as Airflow writes it."""
    newest = runs - 1 - offset
    numbers = range(newest, max(newest - limit, -1), -1)
    rows = b", ".join(filter(None, (_rows_of_run(route, number) for number in numbers)))
    return b'{"dag_run_count": %d, "%s": [%s]}' % (runs, KINDS[route].encode(), rows)


def rows_of(runs: int) -> int:
    """Return how many rows of all kinds a history of ``runs`` runs has."""
    several, rest = divmod(runs, TEMPLATES)
    return several * _rows_of_first(TEMPLATES) + _rows_of_first(rest)


def _rows_of_first(runs: int) -> int:
    return sum(1 + TASKS + len(_tried(number)) for number in range(runs))


def _rows_of_run(route: str, number: int) -> bytes:
    day, minute = (_FIRST + number * _ONE_MINUTE).strftime("%Y-%m-%d %H:%M").split()
    template = _TEMPLATES[route][number % TEMPLATES]
    return template.replace(_DAY.encode(), day.encode()).replace(_MINUTE.encode(), minute.encode())


def _moment(second: int, micro: int) -> str:
    return f"{_DAY} {_MINUTE}:{second:02d}.{micro:06d}+00:00"


def _run(number: int) -> dict[str, Any]:
    manual = number % TEMPLATES == 1
    return {
        "clear_number": 0,
        "conf": {"reason": "catch up", "n": [number, {"z": None}]} if manual else {},
        "creating_job_id": None if manual else 2,
        "dag_hash": "401dbb310319aaaa37c9cf122784bdbd",
        "dag_id": DAG,
        "data_interval_end": f"{_DAY} {_MINUTE}:00+00:00",
        "data_interval_start": f"{_DAY} {_MINUTE}:00+00:00",
        "end_date": _moment(59, 661050 + number),
        "execution_date": f"{_DAY} {_MINUTE}:00+00:00",
        "external_trigger": manual,
        "last_scheduling_decision": _moment(59, 656325 + number),
        "queued_at": _moment(1, 900259 + number),
        "run_id": f"{'manual' if manual else 'scheduled'}__{_DAY}T{_MINUTE}:00+00:00",
        "run_type": "manual" if manual else "scheduled",
        "start_date": _moment(2, 728322 + number),
        "state": "failed" if number % TEMPLATES == 0 else "success",
    }


def _task(number: int, slot: int) -> dict[str, Any]:
    tries = 2 if slot in _tried(number) else 1
    return {
        "custom_operator_name": "@task" if slot % 2 else None,
        "dag_id": DAG,
        "duration": slot + 0.168006 * (number + 1),
        "end_date": _moment(20 + slot, 92861 + number),
        "executor": None,
        "executor_config": None,
        "external_executor_id": None,
        "hostname": f"worker-{slot % 4}.example.internal",
        "job_id": 1000 * number + slot,
        "map_index": -1 if slot else 0,
        "max_tries": 2,
        "operator": "_PythonDecoratedOperator",
        "pid": 31000 + slot,
        "pool": "default_pool",
        "pool_slots": 1,
        "priority_weight": TASKS - slot,
        "queue": "default",
        "queued_by_job_id": 2,
        "queued_dttm": _moment(3 + slot, 736242 + number),
        "rendered_map_index": None if slot else "item 0",
        "run_id": _run(number)["run_id"],
        "start_date": _moment(10 + slot, 924855 + number),
        "state": "skipped" if slot == number else "success",
        "task_display_name": f"transform_step_{slot}",
        "task_id": f"transform_step_{slot}",
        "trigger_id": None,
        "trigger_timeout": None,
        "try_number": tries,
        "unixname": "airflow",
    }


def _tried(number: int) -> tuple[int, ...]:
    """Return the slots of run ``number`` that were tried twice: one or two of ten."""
    return (number % TASKS,) if number % 2 else (number % TASKS, (number + 5) % TASKS)


def _first_try(number: int, slot: int) -> dict[str, Any]:
    dates = {"start_date": _moment(4 + slot, 12), "end_date": _moment(5 + slot, 12), "duration": 1.0}
    return _task(number, slot) | dates | {"state": "failed", "try_number": 1}


_ROWS: Final[dict[str, Callable[[int], list[dict[str, Any]]]]] = {
    "dag_runs": lambda number: [_run(number)],
    "task_instances": lambda number: [_task(number, slot) for slot in range(TASKS)],
    "task_instance_history": lambda number: [_first_try(number, slot) for slot in _tried(number)],
}
_TEMPLATES: Final = {
    route: [", ".join(json.dumps(row, sort_keys=True) for row in rows(number)).encode() for number in range(TEMPLATES)]
    for route, rows in _ROWS.items()
}
