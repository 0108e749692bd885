"""What a side does not bring, or brings in pieces, is not taken for equal, and the rest is compared."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.engine.reading import TablePage, TableSide
from tests.engine.tables import DAG, history, tied
from transfer.errors import SideError, UnavailableError, UnexpectedAnswerError
from transfer.kinds import TASK_INSTANCES, Kind, Row
from transfer.model import Mark

from .comparing import verifying
from .corruptions import Vandal, moved

POISON = "scheduled__2025-01-08T00:00:00+00:00"
SIDES = pytest.mark.parametrize("name", ["source", "target"])


def poison(side: TableSide, spoil: Callable[[TablePage], None]) -> None:
    """Spoil every page of task instances that has some of the run ``POISON``."""
    real = side.children

    async def children(kind: Kind, dag_id: str, **named: Any) -> TablePage:
        page = await real(kind, dag_id, **named)
        if kind is TASK_INSTANCES and any(row["run_id"] == POISON for row in page.content):
            try:
                spoil(page)
            except SideError:
                page.close()
                raise
        return page

    side.children = children  # type: ignore[method-assign]  # a fault of this server


def unavailable(_page: TablePage) -> None:
    """Do not answer."""
    raise UnavailableError("source", "task_instances", "500 again and again")


def unexpected(_page: TablePage) -> None:
    """Answer with something else."""
    raise UnexpectedAnswerError("source", "task_instances", "a web page")


def keyless(page: TablePage) -> None:
    """Leave a key out of a row."""
    page.content.append({name: value for name, value in page.content[0].items() if name != "map_index"})


def odd(page: TablePage) -> None:
    """Serve a row whose run is no text."""
    page.content.append(page.content[0] | {"run_id": ["x"]})


@SIDES
@pytest.mark.parametrize("spoil", [unavailable, unexpected, keyless, odd])
async def test_a_run_that_cannot_be_read_is_unreadable(
    tmp_path: Path, name: str, spoil: Callable[[TablePage], None]
) -> None:
    """Exactly that run; all others are compared, down to the ones beside it."""
    source = history(20)
    async with verifying(tmp_path, source, moved(source), window_runs=9) as job:
        poison(getattr(job, name), spoil)
        ending = await job.run()
        assert ending.problems == {}
        assert [found[:4] for found in job.found()] == [(Mark.UNREADABLE, "dag_runs", DAG, POISON)]
        assert job.results()[DAG].rows["dag_runs"] == {Mark.SAME: 19, Mark.UNREADABLE: 1}
        assert job.results()[DAG].rows["task_instances"] == {Mark.SAME: 38}


async def test_runs_that_tie_are_unreadable_together(tmp_path: Path) -> None:
    """A tie cannot be read in pieces."""
    source = tied(20, 4)
    async with verifying(tmp_path, source, moved(source)) as job:
        poison(job.source, unavailable)
        await job.run()
        assert job.results()[DAG].rows["dag_runs"] == {Mark.SAME: 16, Mark.UNREADABLE: 4}


async def test_pages_that_are_too_large_are_read_in_pieces(tmp_path: Path) -> None:
    """A server that brings only a few runs at once makes nothing unreadable."""
    source = history(40)
    target = moved(source)
    vandal = Vandal(target, 8)
    for _ in range(12):
        vandal.strike()

    async with verifying(tmp_path, source, target, window_runs=30) as job:
        for side in (job.source, job.target):
            poison_large(side)
        ending = await job.run()
        assert (ending.problems, job.found()) == ({}, job.expected())


def poison_large(side: TableSide) -> None:
    """Answer nothing that has more than three runs."""
    real = side.children

    async def children(kind: Kind, dag_id: str, *, limit: int, **named: Any) -> TablePage:
        if limit > 3:
            raise UnavailableError("source", "task_instances", "time-out")
        return await real(kind, dag_id, limit=limit, **named)

    side.children = children  # type: ignore[method-assign]  # a limit of this server


async def test_a_run_with_many_rows_is_compared_in_one_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many rows of a run differ, each one is found, and a page is parsed as often as for one that differs."""
    parsed = []
    for tasks in (3, 900):
        passes = count_passes(monkeypatch)
        source = history(3, tasks=tasks)
        target = moved(source)
        for row in target.rows(TASK_INSTANCES):
            row["hostname"] = "other"
        async with verifying(tmp_path / str(tasks), source, target) as job:
            await job.run()
            assert job.found() == job.expected()
        parsed.append(len(passes))
    assert parsed[0] == parsed[1]


def count_passes(monkeypatch: pytest.MonkeyPatch) -> list[Kind]:
    """Return a list that grows with each pass over the rows of a page."""
    passes: list[Kind] = []

    async def rows(self: TablePage, chunk_bytes: int = 262_144) -> AsyncIterator[list[Row]]:
        passes.append(self.kind)
        for start in range(0, len(self.content), chunk_bytes):
            yield self.content[start : start + chunk_bytes]

    monkeypatch.setattr(TablePage, "rows", rows)
    return passes


async def test_rows_of_every_sort_of_value_are_compared(tmp_path: Path) -> None:
    """Half a surrogate pair, NaN, a large integer: what differs is named, what does not is the same."""
    source = history(1, tasks=4)
    odd_values = ["\ud83d", float("nan"), 2**70, {"a": [None, 1.0]}]
    for row, value in zip(source.rows(TASK_INSTANCES), odd_values, strict=True):
        row["hostname"] = value
    target = moved(source)
    for row, value in zip(target.rows(TASK_INSTANCES), [*odd_values[:3], {"a": [None, 1]}], strict=True):
        row.update(hostname=value, pid=-1)
    async with verifying(tmp_path, source, target) as job:
        await job.run()
        assert job.found() == job.expected()
        assert [found[5] for found in job.found()] == [("pid",)] * 3 + [("hostname", "pid")]


@SIDES
async def test_a_row_that_comes_twice_is_not_taken_for_one(tmp_path: Path, name: str) -> None:
    """A side that serves a row twice cannot be compared: its run is unreadable."""
    source = history(20)
    async with verifying(tmp_path, source, moved(source), window_runs=9) as job:
        poison(getattr(job, name), twice)
        assert (await job.run()).problems == {}
        assert [found[:4] for found in job.found()] == [(Mark.UNREADABLE, "dag_runs", DAG, POISON)]


def twice(page: TablePage) -> None:
    """Serve a row of the run a second time."""
    page.content.append(next(row for row in page.content if row["run_id"] == POISON).copy())


async def test_more_differences_than_are_held_are_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Differences are stored in pieces when there are many, each of them once."""
    monkeypatch.setattr("transfer.engine.verify.found.MOST_HELD", 5)
    source = history(6, tasks=30)
    target = moved(source)
    for row in target.rows(TASK_INSTANCES):
        row["hostname"] = "other"
    async with verifying(tmp_path, source, target) as job:
        await job.run()
        assert job.found() == job.expected()
        assert job.results()[DAG].rows["task_instances"] == {Mark.DIFFERS: 180}
