"""Runs that were run again at the source after they were moved, and the versions that each side has of them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from sqlite3 import Connection
from typing import Any

from transfer.checkpoint import Checkpoint, Job, Remedy, Totals
from transfer.config.settings import Settings
from transfer.emulator import TableHistory, compare
from transfer.emulator.rows import EPOCH
from transfer.engine.ending import Ending
from transfer.kinds import CHILDREN, DAG_RUNS, KINDS, TASK_INSTANCES, Row
from transfer.model import Counts, Outcome
from transfer.report import by_kind

from .local import local_settings, move
from .reading import TableSide
from .tables import DAG, empty_like, history

Version = dict[str, list[Row]]


def run_again(table: TableHistory, run_id: str, *, day: int = 400) -> None:
    """Clear a run and let it succeed again, with another start date, more tries and another host."""
    table.clear_run(DAG, run_id)
    table.move_run(DAG, run_id, start_date=str(EPOCH + timedelta(days=day)), state="success")
    for row in table.children(TASK_INSTANCES, DAG, run_id):
        row.update(state="success", hostname=f"again-{day}")


def version(table: TableHistory, run_id: str) -> Version:
    """Return everything that a table has of a run."""
    run = table.run(DAG, run_id)
    rows: Version = {DAG_RUNS.name: [run.copy()] if run else []}
    for kind in CHILDREN:
        rows[kind.name] = [row.copy() for row in table.children(kind, DAG, run_id)]
    return rows


def is_part(part: Version, whole: Version) -> bool:
    """Tell whether every row of one version belongs to another."""
    return all(row in whole[kind] for kind, rows in part.items() for row in rows)


@dataclass
class Moved:
    """A job that was done when ``again`` were run again at the source; it has not looked since."""

    source: TableSide
    target: TableSide
    settings: Settings
    again: list[str]
    old: dict[str, Version] = field(default_factory=dict)

    async def run(self, **options: Any) -> Ending:
        """Run the program once."""
        return await move(self.source, self.target, self.settings, **options)

    def checkpoint(self) -> Any:
        """Open the checkpoint."""
        identity = Job(self.settings.source.url, self.settings.target.url, "{}")
        return Checkpoint.open(self.settings.state_dir, identity)

    async def reopen(self, remedies: Iterable[tuple[str, Remedy]], verification: str = "v1") -> bool:
        """Turn runs into work."""
        async with self.checkpoint() as checkpoint:
            done: bool = await checkpoint.reopen(DAG, remedies, verification)
        return done

    async def replace_again(self) -> None:
        """Mark the runs that were run again."""
        await self.reopen([(run_id, Remedy.REPLACE) for run_id in self.again])

    async def totals(self) -> Totals:
        """Return what the checkpoint counts."""
        async with self.checkpoint() as checkpoint:
            totals: Totals = await checkpoint.totals()
        return totals

    async def counts(self) -> dict[str, Counts]:
        """Return what the checkpoint counts by kind."""
        return by_kind(await self.totals())

    async def outcomes(self, run_ids: Iterable[str]) -> list[Outcome]:
        """Return what is remembered of runs."""
        async with self.checkpoint() as checkpoint:
            known = await checkpoint.recall(DAG, list(run_ids))
        return [known[run_id].outcome for run_id in run_ids]

    def differences(self) -> list[Any]:
        """Return how the target differs from the source."""
        return compare(self.source.table, self.target.table)

    async def assert_no_mix(self) -> None:
        """Hold that every run that was run again is there as it was, or in part as it is, and whole if it is moved."""
        outcomes = dict(zip(self.again, await self.outcomes(self.again), strict=True))
        for run_id in self.again:
            there, new = version(self.target.table, run_id), version(self.source.table, run_id)
            assert there == self.old[run_id] or is_part(there, new)
            if outcomes[run_id] is Outcome.MOVED:
                assert is_part(new, there)

    async def reasons(self) -> dict[str, str]:
        """Return why runs are rejected, by run id."""

        def work(connection: Connection) -> dict[str, str]:
            return dict(connection.execute("SELECT run_id, reason FROM rejected WHERE kind = ?", (DAG_RUNS.name,)))

        async with self.checkpoint() as checkpoint:
            reasons: dict[str, str] = await checkpoint._database.run(work)
        return reasons


async def moved(folder: Path, *, runs: int = 8, again: Iterable[int] = (1, 4, 5), **limits: Any) -> Moved:
    """Move a history, then run some of its runs again at the source."""
    table = history(runs)
    settings = local_settings(folder, **{"window_runs": 3, "batch_rows": 5, **limits})
    job = Moved(TableSide(table), TableSide(empty_like(table)), settings, [])
    ending = await job.run()
    assert (ending.problems, job.differences()) == ({}, [])
    run_ids = [run["run_id"] for run in table.runs(DAG)]
    job.again = [run_ids[number] for number in again]
    for day, run_id in enumerate(job.again, start=400):
        job.old[run_id] = version(job.target.table, run_id)
        run_again(table, run_id, day=day)
    return job


def rows_of(table: TableHistory, run_ids: Iterable[str]) -> dict[str, int]:
    """Return how many rows of each kind a table has of runs."""
    versions = [version(table, run_id) for run_id in run_ids]
    return {kind.name: sum(len(one[kind.name]) for one in versions) for kind in KINDS}


async def replaced(job: Moved) -> None:
    """Go on until nothing is left to do and check that everything is right."""
    ending = await job.run(replace=True)
    assert (ending.problems, job.differences(), job.target.open_pages) == ({}, [], 0)
    assert set(await job.outcomes(job.again)) == {Outcome.MOVED}


async def repaired(job: Moved) -> dict[str, int]:
    """Return how many rows of each kind were sent again."""
    return {kind: counts.repaired for kind, counts in (await job.counts()).items()}
