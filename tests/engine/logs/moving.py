"""Jobs that have moved a history between two emulators, and move its logs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.engine.tables import DAG, empty_like, history
from tests.engine.worlds import World, behaviour, world
from transfer.checkpoint import CheckpointReader
from transfer.client.logs import LogName
from transfer.client.retry import RetryEvent
from transfer.client.stack import open_side
from transfer.client.starship import Starship
from transfer.config.settings import Limits
from transfer.emulator import Behaviour, Emulator, TableHistory
from transfer.emulator.logs import path_of
from transfer.engine.attached.lanes import AttachedEnding
from transfer.engine.logs.capacity import LogCapacity
from transfer.engine.logs.probe import check_apart, check_logs
from transfer.engine.logs.run import Job, move_logs
from transfer.engine.pace import Pace
from transfer.engine.stop import Stop
from transfer.model import RejectedRow
from transfer.progress import Progress

__all__ = ["DAG", "LogWorld", "log_world", "names_of"]


def names_of(table: TableHistory, dag_id: str = DAG) -> list[LogName]:
    """Return the logs that a history of ``tables.history`` has: two tries of its first task, one of the second."""
    tries = (("task_0", 1), ("task_0", 2), ("task_1", 1))
    return [LogName(dag_id, run["run_id"], task, -1, number) for run in table.runs(dag_id) for task, number in tries]


@dataclass(slots=True)
class LogWorld:
    """Two deployments with a history that was moved, and logs of which none was."""

    world: World
    stop: Stop = field(default_factory=Stop)
    progress: Progress = field(default_factory=Progress)
    events: list[RetryEvent] = field(default_factory=list)
    pace: Pace = field(default_factory=Pace)

    @property
    def source(self) -> Emulator:
        """The source."""
        return self.world.source

    @property
    def target(self) -> Emulator:
        """The target."""
        return self.world.target

    def write(self, name: LogName, content: bytes) -> None:
        """Give the source a log."""
        self.source.logs.put(content, **name.params)

    def arrived(self, name: LogName) -> bytes | None:
        """Return what the target has of a log."""
        return self.target.logs.files.get(path_of(name.params))

    async def move(
        self, *, found: bool = False, verify: bool = False, stop: Stop | None = None, **limits: int
    ) -> AttachedEnding:
        """Move the logs: one run of the program."""
        self.stop, self.progress = stop or Stop(), Progress()
        settings = self.world.settings.model_copy(
            update={"limits": Limits(**{**self.world.settings.limits.model_dump(), **limits})}
        )
        async with self.world.checkpoint() as checkpoint, self.sides() as (source, target):
            able = await check_logs(source, target)
            await check_apart(source.task_logs(), target.task_logs())
            capacity = LogCapacity.of(able, settings.limits)
            job = Job(
                settings,
                source,
                target,
                checkpoint,
                self.progress,
                self.stop,
                capacity,
                self.pace,
                found=found,
                verify=verify,
            )
            with self.stop.everything:
                return await move_logs(job)
        ending = AttachedEnding()
        ending.stopped = True
        return ending

    @asynccontextmanager
    async def sides(self) -> AsyncIterator[tuple[Starship, Starship]]:
        """Open both sides."""
        settings = self.world.settings
        async with (
            open_side(
                "source", settings.source, settings.retry, settings.limits, on_event=self.events.append
            ) as source,
            open_side(
                "target", settings.target, settings.retry, settings.limits, on_event=self.events.append
            ) as target,
        ):
            yield source, target

    async def counted(self) -> dict[str, int]:
        """Return what the checkpoint has counted of logs."""
        return dict((await self.world.totals()).attached.get("task_logs", {}))

    def rejected(self) -> list[RejectedRow]:
        """Return the rejected rows of the job."""
        with CheckpointReader.open(self.world.settings.state_dir) as reader:
            return reader.rejected(1_000)


@asynccontextmanager
async def log_world(
    state_dir: Path,
    table: TableHistory | None = None,
    target: TableHistory | None = None,
    *,
    versions: tuple[str, str] = ("2.11.2", "2.11.2"),
    changes: tuple[Behaviour, Behaviour] | None = None,
) -> AsyncIterator[LogWorld]:
    """Start both sides and move the history."""
    source = table or history(4)
    behaviours = changes or tuple(behaviour(airflow_version=version) for version in versions)
    async with world(state_dir, source, target or empty_like(source), behaviours=behaviours) as moved:  # type: ignore[arg-type]  # two of them
        await moved.run()
        yield LogWorld(moved)
