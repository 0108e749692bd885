"""Which runs are removed, and why others are left."""

from pathlib import Path
from typing import Any

import pytest

from tests.engine.tables import DAG, add_run, history
from tests.engine.versions import run_again
from transfer.emulator import TableHistory
from transfer.engine.undo.judge import GONE_REASON, OTHER_REASON, Judge, Kept, Removal
from transfer.kinds import Row
from transfer.mapping import mapping_for
from transfer.model import Counts, Outcome, ServerInfo, SettledRun, Settlement, Window

from .undoing import Undone, assert_undone, moved

INFO = ServerInfo("2.11.2", "2.10.1")


def row(**changes: Any) -> Row:
    """Return a run, with some columns changed."""
    return {**add_run(TableHistory(), 1), **changes}


def known(outcome: Outcome = Outcome.MOVED, fingerprint: int | None = None) -> SettledRun:
    """Return what is remembered of it, by default as the source still has it."""
    removal = Judge(mapping_for(INFO, INFO)).verdict(SettledRun("x", 0, outcome), row(), row())
    assert isinstance(removal, Removal)
    return SettledRun("x", removal.claim.fingerprint if fingerprint is None else fingerprint, outcome)


@pytest.mark.parametrize("outcome", [Outcome.MOVED, Outcome.PARTIAL, Outcome.CHANGED, Outcome.REPLACING])
def test_what_the_source_has_just_so_is_removed(outcome: Outcome) -> None:
    """Whatever is remembered of it: it can be moved again; meanwhile it counts as begun."""
    verdict = Judge(mapping_for(INFO, INFO)).verdict(known(outcome, 7), row(), row())
    assert verdict == Removal(known(outcome, 7), known(Outcome.IN_FLIGHT))


@pytest.mark.parametrize("delete_gone", [False, True])
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"state": "running"}, "it is running there"),
        ({"state": "queued", "start_date": None}, "it is queued there"),
        ({"state": None}, "it is without a state there"),
        ({"state": "failed"}, "since it was moved (state)"),
        ({"end_date": "2026-05-05 00:00:00+00:00", "conf": {"a": 1}}, "since it was moved (conf, end_date)"),
    ],
)
def test_what_was_changed_there_is_left(changes: Row, reason: str, *, delete_gone: bool) -> None:
    """Also if everything may go that nobody can judge any more: this one can be judged."""
    verdict = Judge(mapping_for(INFO, INFO), delete_gone=delete_gone).verdict(known(), row(**changes), row())
    assert isinstance(verdict, Kept)
    assert reason in verdict.reason


@pytest.mark.parametrize(
    ("source", "outcome", "reason", "claim"),
    [
        (None, Outcome.MOVED, GONE_REASON, Outcome.IN_FLIGHT),
        (row(start_date="2027-01-01 00:00:00+00:00"), Outcome.MOVED, OTHER_REASON, Outcome.REPLACING),
        (row(state="running"), Outcome.PARTIAL, OTHER_REASON, Outcome.REPLACING),
        (row(state="failed"), Outcome.CHANGED, OTHER_REASON, Outcome.REPLACING),
    ],
)
def test_what_nobody_can_judge(source: Row | None, outcome: Outcome, reason: str, claim: Outcome) -> None:
    """The only copy, and an earlier version, are left unless they are asked for."""
    mine = known(outcome)
    judges = [Judge(mapping_for(INFO, INFO), delete_gone=gone) for gone in (False, True)]
    left, removal = [judge.verdict(mine, row(), source) for judge in judges]
    assert left == Kept("x", reason)
    assert isinstance(removal, Removal)
    assert removal.claim == SettledRun("x", mine.fingerprint, claim)


async def settle(job: Undone, run_ids: list[str], *outcomes: Outcome) -> None:
    """Let runs be remembered as each of ``outcomes``, one after the other."""
    async with job.checkpoint() as checkpoint:
        for outcome in outcomes:
            point = await checkpoint.restart_pass(DAG)
            window = Window(DAG, point.pass_number, 0, 0, len(run_ids), None)
            await checkpoint.settle(Settlement(window, [SettledRun(name, 1, outcome) for name in run_ids], {}))


@pytest.mark.parametrize(
    "outcomes",
    [
        (Outcome.ALREADY,),
        (Outcome.REJECTED,),
        (Outcome.FILLING,),
        (Outcome.MENDING_FOUND,),
        (Outcome.UNFINISHED,),
        (Outcome.UNSELECTED,),
        (Outcome.ALREADY, Outcome.CHANGED),
        (Outcome.ALREADY, Outcome.TO_REPLACE, Outcome.REPLACING),
        (Outcome.REJECTED, Outcome.IN_FLIGHT),
    ],
)
async def test_what_is_not_known_to_be_ours_is_never_touched(tmp_path: Path, outcomes: tuple[Outcome, ...]) -> None:
    """Runs that were there before, or may have been, are no part of an undo, whatever has happened to them since."""
    job = await moved(tmp_path)
    theirs = job.ids()[3:6]
    await job.undo()
    for number in (6, 7, 8):
        add_run(job.table, number)
    held = job.table.snapshot()
    await settle(job, theirs, *outcomes)
    ending = await job.undo(delete_gone=True)
    assert (ending.dags, job.table.snapshot()) == ({}, held)
    begun = {Outcome.FILLING, Outcome.MENDING_FOUND, Outcome.IN_FLIGHT, Outcome.REPLACING}
    async with job.checkpoint() as checkpoint:
        written = (await checkpoint.undoing().written()).get(DAG)
    assert (written.begun if written else 0) == 3 * (outcomes[-1] in begun)


@pytest.mark.parametrize("outcome", [Outcome.PARTIAL, Outcome.IN_FLIGHT, Outcome.MENDING])
async def test_what_is_there_in_part_goes(tmp_path: Path, outcome: Outcome) -> None:
    """A run that this job wrote, with only a part of its rows, is removed; one of which nothing came is forgotten."""
    job = await moved(tmp_path)
    some = job.ids()[2:5]
    job.table.remove_run(DAG, some[0])
    async with job.checkpoint() as checkpoint:
        known_runs = await checkpoint.recall(DAG, some)
        await checkpoint.undoing().mark(DAG, [SettledRun(n, r.fingerprint, outcome) for n, r in known_runs.items()])
    found = (await job.undo()).dags[DAG]
    assert (found.removed, found.gone, found.left) == (11, 1, {})
    await assert_undone(job)


async def test_an_earlier_version_of_ours(tmp_path: Path) -> None:
    """Runs that were run again at the source since stay in the version that was moved, until they are asked for."""
    job = await moved(tmp_path)
    again = job.ids()[1:3]
    for day, run_id in enumerate(again, start=500):
        run_again(job.source.table, run_id, day=day)
    gone = job.ids()[-1]
    job.source.table.remove_run(DAG, gone)
    await job.run()
    found = (await job.undo()).dags[DAG]
    assert (found.removed, found.left) == (9, {again[0]: OTHER_REASON, again[1]: OTHER_REASON, gone: GONE_REASON})
    found = (await job.undo(delete_gone=True)).dags[DAG]
    assert (found.removed, found.left) == (3, {})
    await assert_undone(job)


async def test_a_run_that_came_back_is_not_ours(tmp_path: Path) -> None:
    """A run that somebody removed and made anew under the same id is another one."""
    job = await moved(tmp_path)
    run_id = job.ids()[4]
    job.table.remove_run(DAG, run_id)
    number = 12 - 1 - 4
    add_run(job.table, number, start_date="2029-01-01 00:00:00+00:00")
    assert run_id in job.there()
    found = (await job.undo()).dags[DAG]
    assert (found.removed, list(found.left)) == (11, [run_id])
    assert job.there() == {run_id}


async def test_counts_of_what_was_found_stay(tmp_path: Path) -> None:
    """What the target had is still counted after an undo, what was moved is not."""
    source = history(6)
    target = TableHistory(dag.copy() for dag in source.dags())
    add_run(target, 2, tasks=1)
    job = await moved(tmp_path, source, target)
    await job.undo()
    async with job.checkpoint() as checkpoint:
        rows = (await checkpoint.totals()).rows[DAG]
    assert rows["dag_runs"] == Counts(already=1)
    assert rows["task_instances"] == Counts(already=1)
