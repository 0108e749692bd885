"""The arithmetic of a synthetic history: which run stands where, what state it is in, how many rows there are."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from transfer.emulator.airflow2_columns import TRIES_SINCE
from transfer.emulator.columns import DEFAULT, release_of

_FAILED_EVERY: Final = 7


class Stage(StrEnum):
    """How far a synthetic run has come."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Shape:
    """The size of a synthetic history and the difficulties in it; every field but the first three may be 0 for none.

    Runs of a DAG are numbered from the oldest (0) to the newest. The newest ``queued`` ones have no start date, the
    ``running`` ones before them are not finished. Of the others every seventh failed when ``failures`` is set. Every
    second block of ``ties`` runs shares one start date. Each run has ``tasks`` plain task instances and ``mapped``
    instances of one mapped task; every ``retry_every``-th of them that is finished was tried twice. The last
    ``unlisted`` DAGs have history but no row in table ``dag``. Every 50th run has a conf of ``long_conf`` characters.
    ``version`` is the Airflow whose columns the rows have; one before 2.10 has no earlier tries.
    """

    dags: int = 1
    runs: int = 100
    tasks: int = 10
    mapped: int = 0
    retry_every: int = 0
    ties: int = 0
    queued: int = 0
    running: int = 0
    unlisted: int = 0
    long_conf: int = 0
    failures: bool = True
    unicode: bool = False
    seed: int = 0
    version: str = DEFAULT

    @property
    def slots(self) -> int:
        """Task instances of one run."""
        return self.tasks + self.mapped

    @property
    def started(self) -> int:
        """Runs of one DAG that have a start date."""
        return self.runs - self.queued

    def stage(self, number: int) -> Stage:
        """Return the state of run ``number``."""
        if number >= self.started:
            return Stage.QUEUED
        if number >= self.started - self.running:
            return Stage.RUNNING
        return Stage.FAILED if self.failures and (number + self.seed) % _FAILED_EVERY == 0 else Stage.SUCCESS

    def start_minute(self, number: int) -> int:
        """Return the minute in which run ``number`` started, the same for runs that tie."""
        if not self.ties:
            return number
        block = number // self.ties
        return block * self.ties if block % 2 == 0 else number

    def number_at(self, position: int) -> int:
        """Return the run that stands at ``position`` when the newest stand first, those without start before them."""
        return self.runs - 1 - position

    def tie(self, position: int) -> tuple[int, int]:
        """Return the first position and one past the last position of the runs that tie with this one."""
        if position < self.queued:
            return 0, self.queued
        number = self.number_at(position)
        block = number // self.ties if self.ties else 1
        if block % 2:
            return position, position + 1
        last = min((block + 1) * self.ties, self.started) - 1
        return self.runs - 1 - last, self.runs - block * self.ties

    def finished_slots(self, number: int) -> int:
        """Return how many task instances of run ``number`` are finished: the first ones."""
        stage = self.stage(number)
        if stage is Stage.QUEUED:
            return 0
        return self.slots // 2 if stage is Stage.RUNNING else self.slots

    def retried(self, number: int, slot: int) -> bool:
        """Tell whether that task instance was tried twice."""
        return bool(self.retry_every) and slot % self.retry_every == 0 and slot < self.finished_slots(number)

    @property
    def keeps_tries(self) -> bool:
        """Whether that Airflow keeps the earlier tries of a task instance."""
        return release_of(self.version) >= TRIES_SINCE

    def tries_of(self, finished_slots: int) -> int:
        """Return how many rows of history a run with that many finished task instances has."""
        return -(-finished_slots // self.retry_every) if self.retry_every and self.keeps_tries else 0

    def totals(self, *, finished: bool = False) -> dict[str, int]:
        """Return the rows of each kind in all DAGs; with ``finished`` only those of runs that are over."""
        over = self.started - self.running
        runs = over if finished else self.runs
        tries = over * self.tries_of(self.slots)
        if not finished:
            tries += self.running * self.tries_of(self.slots // 2)
        return {
            "dag_runs": self.dags * runs,
            "task_instances": self.dags * runs * self.slots,
            "task_instance_history": self.dags * tries,
        }
