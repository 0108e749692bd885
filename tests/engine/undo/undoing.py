"""Jobs that have moved a history into a target with a life of its own, and undos of them."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.engine.local import local_settings, move
from tests.engine.reading import TableSide
from tests.engine.tables import DAG, empty_like, history
from transfer.checkpoint import Checkpoint, CheckpointReader, Job
from transfer.checkpoint.undoing import Written
from transfer.config.settings import Settings
from transfer.emulator import TableHistory
from transfer.engine.ending import Ending
from transfer.engine.pace import Pace
from transfer.engine.stop import Stop
from transfer.engine.undo import run as engine
from transfer.engine.undo.run import UndoEnding
from transfer.kinds import Row
from transfer.mapping import mapping_for
from transfer.model import Outcome
from transfer.progress import Progress

Snapshot = dict[str, list[Row]]


@dataclass
class Undone:
    """A job between two tables; ``before`` is what the target held before it, ``stop`` that of the last undo."""

    source: TableSide
    target: TableSide
    settings: Settings
    before: Snapshot
    stop: Stop = field(default_factory=Stop)
    pace: Pace = field(default_factory=Pace)
    progress: Progress = field(default_factory=Progress)

    @property
    def table(self) -> TableHistory:
        """What the target holds."""
        return self.target.table

    def ids(self, dag_id: str = DAG) -> list[str]:
        """Return the runs of the source, newest first."""
        return [run["run_id"] for run in self.source.table.runs(dag_id)]

    def there(self, dag_id: str = DAG) -> set[str]:
        """Return the runs of the target."""
        return {run["run_id"] for run in self.table.runs(dag_id)}

    async def run(self) -> Ending:
        """Move what lacks: one run of the program."""
        return await move(self.source, self.target, self.settings)

    @asynccontextmanager
    async def checkpoint(self) -> AsyncIterator[Checkpoint]:
        """Open the job's checkpoint."""
        identity = Job(self.settings.source.url, self.settings.target.url, "{}")
        async with Checkpoint.open(self.settings.state_dir, identity) as checkpoint:
            yield checkpoint

    async def look(self, *, delete_gone: bool = False) -> UndoEnding:
        """Say what an undo would do."""
        return await self._each(engine.look, delete_gone=delete_gone)

    async def undo(self, *, delete_gone: bool = False) -> UndoEnding:
        """Undo: one run of the program."""
        return await self._each(engine.undo, delete_gone=delete_gone)

    async def _each(self, work: Any, *, delete_gone: bool) -> UndoEnding:
        self.stop, self.progress = Stop(), Progress()
        async with self.checkpoint() as checkpoint:
            job = engine.Job(
                self.settings,
                self.source,
                self.target,
                checkpoint.undoing(),
                self.progress,
                self.stop,
                mapping=mapping_for(await self.source.info(), await self.target.info()),
                pace=self.pace,
                delete_gone=delete_gone,
            )
            with self.stop.everything:
                ending: UndoEnding = await work(job, await self.written(checkpoint))
                return ending
        return UndoEnding(stopped=True)

    @staticmethod
    async def written(checkpoint: Checkpoint) -> dict[str, Written]:
        """Return the DAGs of which this job wrote something."""
        return {dag_id: of for dag_id, of in (await checkpoint.undoing().written()).items() if of.ours}

    async def outcomes(self, run_ids: Iterable[str], dag_id: str = DAG) -> list[Outcome | None]:
        """Return what is remembered of runs."""
        names = list(run_ids)
        async with self.checkpoint() as checkpoint:
            known = await checkpoint.recall(dag_id, names)
        return [known[name].outcome if name in known else None for name in names]

    def removed(self) -> dict[str, int]:
        """Return how many runs the checkpoint says were removed again, by DAG."""
        with CheckpointReader.open(self.settings.state_dir) as reader:
            return {dag_id: undone.runs for dag_id, undone in reader.undone().items()}


async def moved(
    folder: Path, source: TableHistory | None = None, target: TableHistory | None = None, **limits: Any
) -> Undone:
    """Move a history, by default one of 12 runs into a target that only has the DAG."""
    table = source or history(12)
    there = target or empty_like(table)
    settings = local_settings(folder, **{"window_runs": 4, "batch_rows": 5, **limits})
    job = Undone(TableSide(table), TableSide(there), settings, there.snapshot())
    ending = await job.run()
    assert ending.problems == {}
    return job


async def assert_undone(job: Undone) -> None:
    """Hold that the target is what it was before, and that another undo finds nothing to do."""
    assert job.table.snapshot() == job.before
    async with job.checkpoint() as checkpoint:
        assert await job.written(checkpoint) == {}
