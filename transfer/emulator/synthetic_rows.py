"""The rows of a synthetic history, one run at a time, from the run's number alone."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from transfer.emulator.shape import Shape, Stage
from transfer.kinds import Row

_BASE: Final = datetime(2024, 1, 1, tzinfo=UTC)
_MINUTE: Final = timedelta(minutes=1)
_MANUAL_EVERY: Final = 10
_UNICODE_EVERY: Final = 3
_LONG_CONF_EVERY: Final = 50
_SKIPPED_EVERY: Final = 13


def minute_of(moment: datetime) -> int:
    """Return the number of the run with that logical date; TypeError for a naive one."""
    return (moment - _BASE) // _MINUTE


@lru_cache(maxsize=8192)
def _minute(number: int) -> str:
    return (_BASE + number * _MINUTE).strftime("%Y-%m-%d %H:%M:")


class SyntheticRows:
    """Makes complete rows for a ``Shape``."""

    def __init__(self, shape: Shape) -> None:
        self._shape = shape
        micro = shape.seed * 7919 % 1_000_000  # one fraction for all: ties stay ties
        fraction = f".{micro:06d}" if micro else ""
        self._seconds = [f"{second:02d}{fraction}+00:00" for second in range(60)]
        self._identities = [(f"task_{slot:03d}", -1) for slot in range(shape.tasks)]
        self._identities += [("mapped", index) for index in range(shape.mapped)]
        self._slots: dict[tuple[Any, ...], int] = {key: slot for slot, key in enumerate(self._identities)}

    def run_id(self, number: int) -> str:
        """Return the id of run ``number``: every tenth is a manual one."""
        logical = self._logical(number).replace(" ", "T")
        if number % _MANUAL_EVERY:
            return f"scheduled__{logical}"
        return f"manual__{'été/漢__' if self._shape.unicode else ''}{logical}"

    def slot_of(self, key: tuple[Any, ...]) -> int | None:
        """Return which of a run's task instances has that (task_id, map_index), None for none."""
        return self._slots.get(key)

    def run(self, dag_id: str, number: int) -> Row:
        """Return run ``number``."""
        stage = self._shape.stage(number)
        start = None if stage is Stage.QUEUED else self._start(number)
        over = stage in {Stage.SUCCESS, Stage.FAILED}
        end = start + 20 + number % 40 if start is not None and over else None
        manual = number % _MANUAL_EVERY == 0
        return {
            "clear_number": 1 if stage is Stage.FAILED else 0,
            "conf": self._conf(number, manual=manual),
            "creating_job_id": None if manual else 2,
            "dag_hash": "401dbb310319aaaa37c9cf122784bdbd",
            "dag_id": dag_id,
            "data_interval_end": self._logical(number + 1),
            "data_interval_start": self._logical(number),
            "end_date": self._optional(end),
            "execution_date": self._logical(number),
            "external_trigger": manual,
            "last_scheduling_decision": self._optional(end or start),
            "queued_at": self._moment(number * 60 + 60),
            "run_id": self.run_id(number),
            "run_type": "manual" if manual else "scheduled",
            "start_date": self._optional(start),
            "state": stage.value,
        }

    def _conf(self, number: int, *, manual: bool) -> Row:
        conf: Row = {"reason": "catch up", "n": [number, {"z": None}]} if manual else {}
        if self._shape.unicode and number % _UNICODE_EVERY == 0:
            conf["naïve"] = "zażółć 漢字 😀 \u0000"
        if self._shape.long_conf and number % _LONG_CONF_EVERY == 0:
            conf["long"] = "x" * self._shape.long_conf
        return conf

    def tasks(self, dag_id: str, number: int) -> list[Row]:
        """Return the task instances of run ``number``, in the order of their slots."""
        shape = self._shape
        finished = shape.finished_slots(number)
        base = _TASK | {"dag_id": dag_id, "run_id": self.run_id(number), "unixname": "airflow"}
        rows = [self._task(base, number, slot) for slot in range(shape.slots)]
        for slot in range(finished, shape.slots):
            running = slot == finished and shape.stage(number) is Stage.RUNNING
            rows[slot].update(_STARTED if running else _WAITING)
        return rows

    def _task(self, base: Row, number: int, slot: int) -> Row:
        """Return a task instance as if it were finished."""
        shape = self._shape
        task_id, map_index = self._identities[slot]
        tries = 2 if shape.retried(number, slot) else 1
        lasted = (number + slot) % 30 + 1
        start = self._start(number) + slot + tries
        row = base.copy()
        row["task_id"] = row["task_display_name"] = task_id
        row["map_index"] = map_index
        row["rendered_map_index"] = self._label(map_index) if map_index >= 0 else None
        row["start_date"] = self._moment(start)
        row["end_date"] = self._moment(start + lasted)
        row["queued_dttm"] = self._moment(start - 1)
        row["duration"] = lasted + 0.25
        row["state"] = self._state(number, slot)
        row["try_number"] = tries
        row["max_tries"] = tries - 1
        row["job_id"] = number % 1_000_000 * 100 + slot % 100
        row["pid"] = 1000 + slot
        row["hostname"] = f"worker-{slot % 4}"
        row["priority_weight"] = shape.slots - slot
        return row

    def _label(self, map_index: int) -> str:
        return f"élément {map_index} 漢" if self._shape.unicode else f"item {map_index}"

    def _state(self, number: int, slot: int) -> str:
        shape = self._shape
        if slot == shape.slots - 1 and shape.stage(number) is Stage.FAILED:
            return "failed"
        skipped = shape.failures and (number * 31 + slot * 17 + shape.seed) % _SKIPPED_EVERY == 0
        return "skipped" if skipped else "success"

    def tries(self, dag_id: str, number: int) -> list[Row]:
        """Return the earlier tries of run ``number``, in the order of their slots."""
        shape = self._shape
        retried = [slot for slot in range(shape.slots) if shape.retried(number, slot)]
        if not retried:
            return []
        base = _TASK | {"dag_id": dag_id, "run_id": self.run_id(number), "unixname": "airflow"}
        rows = [self._task(base, number, slot) for slot in retried]
        for slot, row in zip(retried, rows, strict=True):
            start = self._start(number) + slot
            row.update(state="failed", try_number=1, duration=1.0)
            row.update(start_date=self._moment(start), end_date=self._moment(start + 1))
        return rows

    def _start(self, number: int) -> int:
        """Return the second at which run ``number`` started: one minute after its logical date, and a bit."""
        return self._shape.start_minute(number) * 60 + 61

    def _logical(self, number: int) -> str:
        return f"{_minute(number)}00+00:00"

    def _moment(self, second: int) -> str:
        return _minute(second // 60) + self._seconds[second % 60]

    def _optional(self, second: int | None) -> str | None:
        return None if second is None else self._moment(second)


_TASK: Final[Row] = {
    "custom_operator_name": None,
    "executor": None,
    "executor_config": None,
    "external_executor_id": None,
    "operator": "_PythonDecoratedOperator",
    "pool": "default_pool",
    "pool_slots": 1,
    "queue": "default",
    "queued_by_job_id": 2,
    "trigger_id": None,
    "trigger_timeout": None,
}
_STARTED: Final[Row] = {"duration": None, "end_date": None, "state": "running", "try_number": 1}
_WAITING: Final[Row] = {
    **_STARTED,
    "hostname": "",
    "job_id": None,
    "pid": None,
    "queued_by_job_id": None,
    "queued_dttm": None,
    "rendered_map_index": None,
    "start_date": None,
    "state": None,
    "try_number": 0,
}
