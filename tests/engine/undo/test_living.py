"""Undos beside a life on both sides, with answers that get lost, as a seed decides."""

from contextlib import suppress
from pathlib import Path
from random import Random

import anyio
import pytest

from tests.engine.reading import TableSide, no_removal
from tests.engine.tables import DAG, Mutator, add_run, empty_like, history, tied
from transfer.emulator import TableHistory
from transfer.errors import TransferError, UnavailableError
from transfer.kinds import KINDS, Row

from .undoing import Undone, assert_undone, moved

SEEDS = range(30)


def versions(table: TableHistory) -> dict[str, list[tuple[str, Row]]]:
    """Return everything that a table has, by run."""
    found: dict[str, list[tuple[str, Row]]] = {}
    for kind in KINDS:
        for row in table.rows(kind):
            found.setdefault(row["run_id"], []).append((kind.name, row.copy()))
    return found


def start(random: Random) -> tuple[TableHistory, TableHistory]:
    """Return a source and a target that has some of its runs, and some of its own."""
    source = history(random.randrange(8, 25)) if random.random() < 0.5 else tied(20, random.randrange(2, 9))
    target = empty_like(source)
    for run in list(source.runs(DAG)):
        if random.random() < 0.2:
            copy_run(source, target, run["run_id"])
    for number in range(100, 100 + random.randrange(5)):
        add_run(target, number)
    return source, target


def copy_run(source: TableHistory, target: TableHistory, run_id: str) -> None:
    """Give the target a run of the source with all that hangs on it."""
    run = source.run(DAG, run_id)
    assert run is not None
    target.add(KINDS[0], run.copy())
    for kind in KINDS[1:]:
        target.add(kind, *(row.copy() for row in source.children(kind, DAG, run_id)))


class Trouble:
    """Answers that get lost and processes that die at requests to a target, as ``random`` decides."""

    def __init__(self, random: Random, table: TableHistory) -> None:
        self._random = random
        self._table = table
        self.scope = anyio.CancelScope()

    async def removing(self, run_id: str) -> None:
        """Carry a removal out or not, and say nothing."""
        if self._random.random() < 0.05:
            if self._random.random() < 0.5:
                self._table.remove_run(DAG, run_id)
            raise UnavailableError("target", "remove run", "no answer")

    def before(self, _side: TableSide) -> None:
        """Die now and then."""
        if self._random.random() < 0.02:
            self.scope.cancel()


@pytest.mark.parametrize("seed", SEEDS)
async def test_what_was_there_before_is_there_for_ever(tmp_path: Path, seed: int) -> None:
    """Killed, and without answers, again and again, an undo ends with what was there, whatever is run between."""
    random = Random(seed)  # noqa: S311 - reproducible tests, no secrets
    job = await moved(tmp_path, *start(random), window_runs=random.randrange(2, 9))
    own = versions(TableHistory.copy_of(job.table))
    before = {row["run_id"] for row in job.before["dag_runs"]}
    for _ in range(random.randrange(1, 8)):
        await ends_somehow(job, random)
        there = versions(job.table)
        assert all(there[run_id] == own[run_id] for run_id in before)
    assert (await job.undo()).problems == {}
    await assert_undone(job)


async def ends_somehow(job: Undone, random: Random) -> None:
    """Undo, or now and then move, and end in trouble."""
    trouble = Trouble(random, job.table)
    job.target.removing, job.target.before = trouble.removing, trouble.before
    work = job.run if random.random() < 0.2 else job.undo
    with trouble.scope, suppress(TransferError):
        await work()
    job.target.removing, job.target.before = no_removal, lambda _side: None


@pytest.mark.parametrize("seed", SEEDS)
async def test_what_lives_on_the_target_is_not_removed(tmp_path: Path, seed: int) -> None:
    """While runs are added, removed, cleared and run again there, only runs that nobody touched are removed."""
    random = Random(seed)  # noqa: S311 - reproducible tests, no secrets
    job = await moved(tmp_path, *start(random), window_runs=random.randrange(2, 9))
    before = {row["run_id"] for row in job.before["dag_runs"]}
    life = Mutator(job.table, seed)
    removed: list[str] = []

    async def note(run_id: str) -> None:
        removed.append(run_id)

    def live(_side: TableSide) -> None:
        if random.random() < 0.3:
            life.step()

    for _ in range(random.randrange(10)):
        life.step()
    touched = set(life.touched)
    job.target.removing, job.target.before = note, live
    await job.undo()
    assert not set(removed) & before
    assert not set(removed) & touched
    there = job.there()
    assert (before - life.touched) <= there
    assert not {run_id for run_id in job.ids() if run_id not in before | life.touched} & there
