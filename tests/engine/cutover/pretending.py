"""Two deployments that only know who is paused, under a clock that stands still unless somebody waits."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

from transfer.client.switches import Schedule
from transfer.errors import LostAnswerError
from transfer.model import DagInfo, RunPage, SideName

LATEST = 120.0
"""Seconds after which an unanswered request may still be carried out."""


MORE = 4
"""How much likelier a process dies while it switches a DAG."""


class Killed(BaseException):
    """The process ends here."""


@dataclass(slots=True)
class Clock:
    """Time that passes only when somebody waits; what is due then happens in its order."""

    now: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    due: list[tuple[datetime, int, Callable[[], None]]] = field(default_factory=list)
    slept: float = 0.0

    def read(self) -> datetime:
        """Return the time."""
        return self.now

    def later(self, seconds: float, act: Callable[[], None]) -> None:
        """Let something happen."""
        self.due.append((self.now + timedelta(seconds=seconds), len(self.due), act))

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.slept += seconds
        end = self.now + timedelta(seconds=seconds)
        while ready := sorted((entry for entry in self.due if entry[0] <= end), key=lambda entry: entry[:2]):
            self.due.remove(ready[0])
            self.now = max(self.now, ready[0][0])
            ready[0][2]()
        self.now = end


@dataclass(slots=True)
class Weather:
    """What goes wrong, drawn by chance: answers that get lost, requests that are carried out late, deaths."""

    chance: Random = field(default_factory=Random)
    lost: float = 0.0
    killed: float = 0.0

    def kill(self) -> None:
        """Die, sometimes."""
        if self.chance.random() < self.killed:
            raise Killed


@dataclass(slots=True)
class Airflow:
    """One deployment; implements what a cutover wants of one. ``switched`` hears of what our requests did."""

    name: SideName
    clock: Clock
    weather: Weather
    paused: dict[str, bool]
    active: dict[str, list[str]] = field(default_factory=dict)
    runs: dict[str, int] = field(default_factory=dict)
    schedule: dict[str, Schedule] = field(default_factory=dict)
    tells: bool = True
    switched: list[Callable[["Airflow", str], None]] = field(default_factory=list)
    ignored: set[str] = field(default_factory=set)
    patches: list[tuple[str, bool]] = field(default_factory=list)

    async def dags(self) -> list[DagInfo]:
        """List the DAGs."""
        self.weather.kill()
        return [DagInfo(dag_id, self.runs.get(dag_id, 0), paused) for dag_id, paused in self.paused.items()]

    async def dag_runs(self, dag_id: str, *, offset: int, limit: int) -> RunPage:
        """Show the active runs, before which there was none."""
        rows = [{"run_id": run, "state": "running", "run_type": "manual"} for run in self.active.get(dag_id, ())]
        return RunPage(rows[offset : offset + limit], len(rows))

    async def active_runs(self, dag_ids: Sequence[str]) -> Mapping[str, Sequence[str]] | None:
        """Show the active runs."""
        return {dag_id: list(self.active[dag_id]) for dag_id in dag_ids if self.active.get(dag_id)}

    async def schedules(self) -> Mapping[str, Schedule] | None:
        """Parse each DAG whenever somebody looks, unless a test has said how it is parsed."""
        if not self.tells:
            return None
        self.clock.now += timedelta(milliseconds=1)
        return {dag_id: Schedule(self.clock.now, None) for dag_id in self.paused} | self.schedule

    async def set_paused(self, dag_id: str, *, paused: bool) -> None:
        """Switch a DAG at once, or late; the answer may get lost, or whoever asked be dead by then."""
        self.patches.append((dag_id, paused))
        chance = self.weather.chance
        if chance.random() < MORE * self.weather.killed:
            self.clock.later(chance.uniform(0, LATEST), lambda: self._switch(dag_id, paused=paused))
            raise Killed
        if chance.random() >= self.weather.lost:
            self._switch(dag_id, paused=paused)
            self.weather.kill()
            return
        if chance.random() < 0.4:
            self._switch(dag_id, paused=paused)
        elif chance.random() < 0.7:
            self.clock.later(chance.uniform(0, LATEST), lambda: self._switch(dag_id, paused=paused))
        self.weather.kill()
        raise LostAnswerError(self.name, "pause", "connection reset", dag_id=dag_id)

    def _switch(self, dag_id: str, *, paused: bool) -> None:
        if dag_id in self.ignored:
            return
        self.paused[dag_id] = paused
        for heard in self.switched:
            heard(self, dag_id)
