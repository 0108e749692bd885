"""The DAG runs of a seeded history: which awkward thing happens to which run is fixed by its number."""

import pickle
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

EPOCH = datetime(2024, 1, 1, tzinfo=UTC)
TIE = 16
WIDE_RUN = 3
HEAVY_RUN = 4
HEAVY_BYTES = 200_000
FINISHED = ("success", "failed")

_TYPES = ("scheduled",) * 5 + ("manual", "manual", "backfill", "dataset_triggered", "by hand")


@dataclass(frozen=True, slots=True)
class Run:
    """One DAG run, with what its task instances need to know."""

    dag: int
    number: int
    dag_id: str

    @property
    def execution_date(self) -> datetime:
        """The logical date, which no other run of the DAG has."""
        return EPOCH + timedelta(hours=self.number, microseconds=self.number)

    @property
    def run_id(self) -> str:
        """The key: with '+' and ':' as Airflow makes it, sometimes with spaces and worse as people make it."""
        kind = _TYPES[self.number % len(_TYPES)]
        if kind == "by hand":
            return f"by hand {self.number} + ü:%2F?&#=\"'"
        return f"{kind}__{self.execution_date.isoformat()}"

    @property
    def run_type(self) -> str:
        """One of Airflow's four run types."""
        return _TYPES[self.number % len(_TYPES)].replace("by hand", "manual")

    @property
    def state(self) -> str:
        """Mostly finished; WIDE_RUN and HEAVY_RUN always."""
        if self.number % 97 == 13:
            return "running"
        if self.number % 101 == 7:
            return "queued"
        return "failed" if self.number % 7 == 2 else "success"

    @property
    def finished(self) -> bool:
        """Whether the run belongs to the history that is moved."""
        return self.state in FINISHED

    @property
    def start_date(self) -> datetime | None:
        """Every fourth block of 16 runs starts at one instant; queued runs and a few finished ones never started."""
        if self.state == "queued" or self.number % 211 == 5:
            return None
        number = self.number
        if number // TIE % 4 == 1:
            number -= number % TIE
        return EPOCH + timedelta(hours=number, minutes=1, microseconds=123_456)

    @property
    def end_date(self) -> datetime | None:
        """Half an hour after the logical date, for finished runs."""
        return self.execution_date + timedelta(minutes=30) if self.finished else None

    @property
    def conf(self) -> Any:
        """NULL, empty, unicode, numbers no double can hold, and one of 200 KB."""
        if self.number == HEAVY_RUN:
            return {"lines": [f"{line:05d} größer € 漢字 {'x' * 20}" for line in range(HEAVY_BYTES // 55)]}
        if self.number % 11 == 6:
            return {"big": 2**70 + self.number, "small": -(2**65), "floats": [0.1, 1e-7, 1.5e300, -0.0, 1.0], "one": 1}
        choices: tuple[dict[str, Any] | None, ...] = (
            None,
            {},
            {"größe": "naïve ☃ 漢字 \U0001f40d", "quote": 'a"b\\c\n'},
            {"nested": [{"a": [1, None, True]}]},
        )
        return choices[self.number % len(choices)]

    def row(self) -> tuple[Any, ...]:
        """Return the values of `columns.DAG_RUN`, then those of its NOT_CARRIED."""
        queued = self.execution_date + timedelta(seconds=30)
        interval = timedelta(hours=1) if self.run_type == "scheduled" else timedelta(0)
        conf = None if self.conf is None else pickle.dumps(self.conf)
        return (
            self.dag_id, self.run_id, conf, 2 if self.number % 23 == 9 else 0,
            self.number if self.run_type == "scheduled" else None, f"{self.number:032x}",
            self.execution_date + interval, self.execution_date, self.end_date, self.execution_date,
            self.run_type == "manual", self.end_date, queued, self.run_type, self.start_date, self.state,
            1, self.end_date,
        )  # fmt: skip


def dag_name(dag: int) -> str:
    """Return the id of DAG number `dag`; every third one is not ASCII."""
    return f"naïve.dag-{dag:03d}" if dag % 3 == 2 else f"history_{dag:03d}"


def all_runs(dags: int, runs: int, first: int = 0) -> Iterator[Run]:
    """Yield `runs` runs of each DAG, from number `first` on."""
    for dag in range(dags):
        for number in range(first, first + runs):
            yield Run(dag, number, dag_name(dag))
