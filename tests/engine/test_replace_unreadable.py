"""New versions that cannot be read: the earlier one is not removed for them."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from transfer.errors import UnexpectedAnswerError
from transfer.kinds import TASK_INSTANCES, Kind, Row
from transfer.model import Outcome

from .reading import TablePage, TableSide
from .tables import DAG
from .versions import Moved, moved, replaced, version


@dataclass
class BrokenPage(TablePage):
    """A page that cannot be read to its end."""

    async def rows(self, chunk_bytes: int = 262_144) -> AsyncIterator[list[Row]]:
        """Yield the first rows."""
        async for rows in super().rows(chunk_bytes):
            yield rows
        raise UnexpectedAnswerError("source", "task instances", "stops in the middle")


@dataclass
class AwkwardSide(TableSide):
    """A source that has something wrong with the task instances of one run."""

    wrong: str = ""
    how: str = ""

    async def children(
        self, kind: Kind, dag_id: str, *, offset: int, limit: int, attempts: int | None = None
    ) -> TablePage:
        """Return a page, or one that is broken, or of another moment."""
        page = await super().children(kind, dag_id, offset=offset, limit=limit, attempts=attempts)
        if kind is not TASK_INSTANCES or not any(row["run_id"] == self.wrong for row in page.content):
            return page
        if self.how == "broken":
            return BrokenPage(kind, page.content, page.run_count, self)
        if self.how == "count":
            page.run_count = 99
        elif self.how == "strangers":
            page.content.append({**page.content[0], "run_id": "stranger"})
        return page


async def awkward(folder: Path, how: str) -> tuple[Moved, list[str]]:
    """Return a job with a run that is to be replaced and cannot be read, and the removals that are asked for."""
    job = await moved(folder, again=[4])
    job.source = AwkwardSide(job.source.table, wrong=job.again[0], how=how)
    removals: list[str] = []

    async def note(run_id: str) -> None:
        removals.append(run_id)

    job.target.removing = note
    await job.replace_again()
    return job, removals


async def test_a_page_that_is_broken(tmp_path: Path) -> None:
    """It ends the job before anything is removed or claimed, so that an ordinary run leaves the run alone."""
    job, removals = await awkward(tmp_path, "broken")
    with pytest.raises(UnexpectedAnswerError):
        await job.run(replace=True)
    assert (removals, await job.outcomes(job.again)) == ([], [Outcome.TO_REPLACE])
    assert version(job.target.table, job.again[0]) == job.old[job.again[0]]
    assert ((await job.run()).problems, job.source.open_pages) == ({}, 0)
    job.source = TableSide(job.source.table)
    await replaced(job)


@pytest.mark.parametrize("how", ["count", "strangers"])
async def test_pages_of_another_moment(tmp_path: Path, how: str) -> None:
    """A source that moves keeps the earlier version on the target."""
    job, removals = await awkward(tmp_path, how)
    assert DAG in (await job.run(replace=True)).problems
    assert (removals, await job.outcomes(job.again)) == ([], [Outcome.TO_REPLACE])
    assert version(job.target.table, job.again[0]) == job.old[job.again[0]]
    job.source = TableSide(job.source.table)
    await replaced(job)
