"""What holds at every moment of a job: claims before rows, rows before marks, few pages in memory."""

from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest

from transfer.checkpoint import Checkpoint
from transfer.emulator import TableHistory, compare
from transfer.errors import LostAnswerError
from transfer.kinds import KINDS
from transfer.model import Batch, Outcome, SettledRun, Settlement, Window

from .local import READERS, WRITERS, local_settings, move
from .reading import TableSide
from .tables import empty_like, history, tied


class Auditor:
    """Stands in front of the checkpoint and before the target, and holds one against the other."""

    def __init__(self, source: TableHistory, target: TableHistory, seed: int) -> None:
        self._source = source
        self._target = target
        self._random = Random(seed)  # noqa: S311 - reproducible tests, no secrets
        self._claimed: set[str] = set()
        self._checkpoint: Any = None
        self.settled: list[str] = []

    def watch(self, checkpoint: Checkpoint) -> "Auditor":
        """Stand in front of ``checkpoint``."""
        self._checkpoint = checkpoint
        return self

    def __getattr__(self, name: str) -> Any:
        return getattr(self._checkpoint, name)

    async def cut(self, window: Window, claimed: list[SettledRun], expected: Mapping[str, SettledRun | None]) -> bool:
        """Note the claims once they are on disk."""
        done: bool = await self._checkpoint.cut(window, claimed, expected)
        self._claimed |= {run.run_id for run in claimed if done}
        return done

    async def writing(self, batch: Batch) -> None:
        """Check that every run of the batch is claimed; lose some of the requests."""
        assert {row["run_id"] for row in batch.rows} <= self._claimed
        if self._random.random() < 0.1:
            raise LostAnswerError("target", "insert", "reset")

    async def settle(self, settlement: Settlement) -> None:
        """Check that every row of the runs that moved is there before they are marked."""
        for run in settlement.runs:
            if run.outcome is Outcome.MOVED:
                self._assert_whole(settlement.window.dag_id, run.run_id)
                self.settled.append(run.run_id)
        await self._checkpoint.settle(settlement)

    def _assert_whole(self, dag_id: str, run_id: str) -> None:
        assert self._target.run(dag_id, run_id) is not None
        for kind in KINDS[1:]:
            there = self._target.children(kind, dag_id, run_id)
            assert len(there) == len(self._source.children(kind, dag_id, run_id))


@pytest.mark.parametrize("seed", range(6))
async def test_claims_before_rows_and_rows_before_marks(tmp_path: Path, seed: int) -> None:
    """Nothing of a run is sent before it is claimed on disk, and no run is marked before all of it is there."""
    source = tied(40, 1 + seed % 3, tasks=3)
    table = empty_like(source)
    auditor = Auditor(source, table, seed)
    target = TableSide(table, writing=auditor.writing)
    settings = local_settings(tmp_path, window_runs=3, batch_rows=4)
    ending = await move(TableSide(source), target, settings, watched=auditor.watch)
    assert (ending.problems, compare(source, table)) == ({}, [])
    assert set(auditor.settled) == {run["run_id"] for run in source.runs("etl")}


@pytest.mark.parametrize("runs", [30, 300])
async def test_few_pages_are_held_at_once(tmp_path: Path, runs: int) -> None:
    """However long the history, no more windows are in memory than there are readers and writers."""
    source = TableSide(history(runs, dags=("a", "b", "c")))
    target = TableSide(empty_like(source.table))
    await move(source, target, local_settings(tmp_path, window_runs=2))
    assert source.most_open <= 2 * (READERS + WRITERS)
    assert (source.open_pages, target.open_pages) == (0, 0)


async def test_the_source_is_read_once(tmp_path: Path) -> None:
    """At rest every child page is read once, and every slice of runs twice, and once to find its end."""
    source = TableSide(history(120))
    target = TableSide(empty_like(source.table))
    await move(source, target, local_settings(tmp_path, window_runs=10))
    windows = source.pages // 2
    assert windows <= 13
    assert source.requests <= 2 + 4 * windows + 1 + 2


async def test_a_settled_history_is_skimmed(tmp_path: Path) -> None:
    """A later run of the program reads no children of what is settled, and few pages of runs."""
    source = TableSide(history(400, tasks=1))
    target = TableSide(empty_like(source.table))
    settings = local_settings(tmp_path)
    await move(source, target, settings)
    source.requests = source.pages = target.requests = 0
    await move(source, target, settings)
    assert (source.pages, source.requests < 12, target.requests) == (0, True, 2)
