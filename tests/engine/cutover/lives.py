"""A cutover between two pretended deployments, of which every call is one run of the program."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.engine.cutover.pretending import Airflow, Clock, Weather
from transfer.checkpoint import Checkpoint, Job
from transfer.checkpoint.cutover import Cutover, CutoverDag
from transfer.engine.cutover.back import undo
from transfer.engine.cutover.forward import finish, prepare
from transfer.engine.cutover.sides import Side, World

JOB = Job("http://source", "http://target", "{}")
DAGS = ("busy", "idle", "off", "twin")


@dataclass(slots=True)
class Life:
    """Both sides and what is remembered; "off" was paused at the source, "twin" unpaused on both sides."""

    folder: Path
    weather: Weather = field(default_factory=Weather)
    clock: Clock = field(default_factory=Clock)
    wait: float = 60.0
    must_parse: bool = True
    told: list[str] = field(default_factory=list)
    waited: list[str] = field(default_factory=list)
    source: Airflow = field(init=False)
    target: Airflow = field(init=False)

    def __post_init__(self) -> None:
        """Begin as it was before the cutover."""
        at_source = {"busy": False, "idle": False, "off": True, "twin": False}
        at_target = {"busy": True, "idle": True, "off": False, "twin": False}
        self.source = Airflow("source", self.clock, self.weather, at_source)
        self.target = Airflow("target", self.clock, self.weather, at_target)

    def states(self) -> list[CutoverDag]:
        """Return how the DAGs are now."""
        return [CutoverDag(dag_id, self.source.paused[dag_id], self.target.paused[dag_id]) for dag_id in DAGS]

    @property
    def unpaused(self) -> tuple[list[str], list[str]]:
        """Return the DAGs that are unpaused at the source, and on the target."""
        return _unpaused(self.source), _unpaused(self.target)

    async def prepare(self) -> bool:
        """Do what comes before the move."""
        async with Checkpoint.open(self.folder, JOB, clock=self.clock.read) as checkpoint:
            return await prepare(self._world(checkpoint), self.states())

    async def finish(self) -> None:
        """Do what comes after the move."""
        async with Checkpoint.open(self.folder, JOB, clock=self.clock.read) as checkpoint:
            await finish(self._world(checkpoint))

    async def forward(self) -> None:
        """Do both; the move between them is not looked at here."""
        await self.prepare()
        await self.finish()

    async def undo(self) -> bool:
        """Take it back."""
        async with Checkpoint.open(self.folder, JOB, clock=self.clock.read) as checkpoint:
            return await undo(self._world(checkpoint))

    async def remembered(self) -> Cutover:
        """Return what is remembered."""
        async with Checkpoint.open(self.folder, JOB, clock=self.clock.read) as checkpoint:
            found = await checkpoint.cutover().read()
        assert found is not None
        return found

    def _world(self, checkpoint: Checkpoint) -> World:
        return World(
            Side("source", self.source, self.source),
            Side("target", self.target, self.target),
            checkpoint.cutover(),
            self.wait,
            must_parse=self.must_parse,
            tell=self.told.append,
            waiting=lambda what, _left: self.waited.extend(f"{dag_id}: {why}" for dag_id, why in what.items()),
            now=self.clock.read,
            sleep=self.clock.sleep,
        )


def stormy(seed: int) -> Weather:
    """Return weather in which much goes wrong, the same for the same seed."""
    return Weather(Random(seed), lost=0.25, killed=0.04)  # noqa: S311  no secret depends on it


def _unpaused(side: Airflow) -> list[str]:
    return [dag_id for dag_id, paused in side.paused.items() if not paused]


def both(life: Life, dag_ids: Sequence[str] = DAGS) -> list[str]:
    """Return the DAGs that are unpaused on both sides now."""
    at_source, at_target = life.unpaused
    return [dag_id for dag_id in dag_ids if dag_id in at_source and dag_id in at_target]
