"""Jobs that have moved a history between two emulators, and move its XComs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.engine.tables import DAG, empty_like, history
from tests.engine.worlds import World, behaviour, world
from transfer.checkpoint import CheckpointReader
from transfer.config.settings import Limits
from transfer.emulator import Behaviour, Emulator, TableHistory
from transfer.emulator.xcoms import TaskKey
from transfer.engine.attached.lanes import AttachedEnding
from transfer.engine.stop import Stop
from transfer.engine.xcoms.capacity import XComCapacity
from transfer.engine.xcoms.check import check_xcoms
from transfer.engine.xcoms.run import Job, move_xcoms
from transfer.kinds import TASK_INSTANCES
from transfer.model import RejectedRow
from transfer.progress import Progress

__all__ = ["DAG", "TUPLE", "XComWorld", "tasks_of", "xcom_world"]

TUPLE = b'{"__classname__": "builtins.tuple", "__version__": 1, "__data__": [1, 2]}'
"""What Airflow stores for a tuple."""


def tasks_of(table: TableHistory) -> list[TaskKey]:
    """Return all task instances of a history in a fixed order."""
    rows = table.rows(TASK_INSTANCES)
    return sorted((row["dag_id"], row["run_id"], row["task_id"], row["map_index"]) for row in rows)


@dataclass(slots=True)
class XComWorld:
    """Two deployments with a history that was moved, and XComs of which none was."""

    world: World
    stop: Stop = field(default_factory=Stop)
    progress: Progress = field(default_factory=Progress)

    @property
    def source(self) -> Emulator:
        """The source."""
        return self.world.source

    @property
    def target(self) -> Emulator:
        """The target."""
        return self.world.target

    def arrived(self) -> dict[TaskKey, dict[str, bytes | None]]:
        """Return all that the target has."""
        return self.target.xcoms.values

    async def move(
        self,
        *,
        found: bool = False,
        doubtful: bool = False,
        again: bool = False,
        stop: Stop | None = None,
        **limits: int,
    ) -> AttachedEnding:
        """Move the XComs: one run of the program."""
        self.stop, self.progress = stop or Stop(), Progress()
        settings = self.world.settings.model_copy(
            update={"limits": Limits(**{**self.world.settings.limits.model_dump(), **limits})}
        )
        async with self.world.checkpoint() as checkpoint, self.world.sides() as (source, target):
            capacity = XComCapacity.of(await check_xcoms(source, target), settings.limits)
            job = Job(
                settings,
                source,
                target,
                checkpoint,
                self.progress,
                self.stop,
                capacity,
                found=found,
                doubtful=doubtful,
                again=again,
            )
            with self.stop.everything:
                return await move_xcoms(job)
        return AttachedEnding(stopped=True)

    def lists(self) -> int:
        """Return how many pages of the list of XComs the source was asked for."""
        return sum(exchange.route.endswith("xcomEntries") for exchange in self.source.requests)

    def reads(self) -> int:
        """Return how many task instances the source was asked for."""
        return len(self.source.asked("GET", "xcom"))

    def writes(self) -> int:
        """Return how many values were sent to the target."""
        return len(self.target.asked("POST", "xcom"))

    async def counted(self) -> dict[str, int]:
        """Return what the checkpoint has counted of XComs."""
        return dict((await self.world.totals()).attached.get("xcoms", {}))

    def rejected(self) -> list[RejectedRow]:
        """Return the rejected rows of the job."""
        with CheckpointReader.open(self.world.settings.state_dir) as reader:
            return reader.rejected(1_000)


@asynccontextmanager
async def xcom_world(
    state_dir: Path,
    table: TableHistory | None = None,
    target: TableHistory | None = None,
    *,
    versions: tuple[str, str] = ("2.11.2", "2.11.2"),
    changes: tuple[Behaviour, Behaviour] | None = None,
) -> AsyncIterator[XComWorld]:
    """Start both sides and move the history."""
    source = table or history(4)
    behaviours = changes or (behaviour(airflow_version=versions[0]), behaviour(airflow_version=versions[1]))
    async with world(state_dir, source, target or empty_like(source), behaviours=behaviours) as moved:
        await moved.run()
        yield XComWorld(moved)
