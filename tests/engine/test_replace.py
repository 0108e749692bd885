"""Runs that are removed from the target and sent anew."""

from pathlib import Path

import anyio
import pytest

from transfer.engine.tally import WAITING_REASON
from transfer.errors import UnavailableError
from transfer.kinds import TASK_INSTANCE_HISTORY, TASK_INSTANCES
from transfer.model import Batch, Counts, Outcome

from .reading import nothing
from .tables import DAG
from .versions import moved, replaced, rows_of, version


async def test_runs_that_were_run_again_are_replaced(tmp_path: Path) -> None:
    """The target ends up with the new version of each, and what was sent again is not counted as moved again."""
    job = await moved(tmp_path)
    before = await job.counts()
    await job.replace_again()
    await replaced(job)
    sent = rows_of(job.source.table, job.again)
    for kind, counts in (await job.counts()).items():
        assert counts == Counts(moved=before[kind].moved, repaired=sent[kind])


async def test_what_is_not_told_to_replace_does_not(tmp_path: Path) -> None:
    """An ordinary run of the program leaves runs alone that are marked, and says so."""
    job = await moved(tmp_path)
    await job.replace_again()
    ending = await job.run()
    assert ending.problems == {}
    assert [version(job.target.table, run_id) for run_id in job.again] == list(job.old.values())
    assert await job.reasons() == dict.fromkeys(job.again, WAITING_REASON)
    await replaced(job)


async def test_runs_that_changed_can_be_marked_as_such(tmp_path: Path) -> None:
    """What an ordinary run of the program reports as changed is what is marked, and nothing else."""
    job = await moved(tmp_path)
    await job.run()
    assert set(await job.outcomes(job.again)) == {Outcome.CHANGED}
    async with job.checkpoint() as checkpoint:
        await checkpoint.replace_changed([DAG])
    assert set(await job.outcomes(job.again)) == {Outcome.TO_REPLACE}
    await replaced(job)


@pytest.mark.parametrize("side", ["source", "target"])
@pytest.mark.parametrize("request_", range(1, 45, 2))
async def test_killed_anywhere_versions_are_not_mixed(tmp_path: Path, side: str, request_: int) -> None:
    """Cancelled at any request, no run is there in two versions, and whoever goes on ends with the new ones."""
    job = await moved(tmp_path)
    await job.replace_again()
    watched = getattr(job, side)
    with anyio.CancelScope() as scope:
        at = watched.requests + request_
        watched.before = lambda seen: scope.cancel() if seen.requests == at else None
        await job.run(replace=True)
    await job.assert_no_mix()
    await replaced(job)


@pytest.mark.parametrize("nth", [1, 2, 3])
@pytest.mark.parametrize("carried_out", [False, True])
async def test_a_removal_that_is_never_answered(tmp_path: Path, nth: int, *, carried_out: bool) -> None:
    """Whether a removal was carried out or not when the target died, the run is still being replaced."""
    job = await moved(tmp_path)
    await job.replace_again()
    removals: list[str] = []

    async def die(run_id: str) -> None:
        removals.append(run_id)
        if len(removals) == nth:
            if carried_out:
                job.target.table.remove_run(DAG, run_id)
            raise UnavailableError("target", "remove run", "gone")

    job.target.removing = die
    with pytest.raises(UnavailableError):
        await job.run(replace=True)
    await job.assert_no_mix()
    assert (await job.outcomes([removals[nth - 1]])) == [Outcome.REPLACING]
    await replaced(job)


async def test_what_was_begun_is_finished_without_being_told(tmp_path: Path) -> None:
    """A run whose replacement had begun is completed by an ordinary run of the program: it may be nowhere whole."""
    job = await moved(tmp_path, again=[2])
    await job.replace_again()

    async def die(batch: Batch) -> None:
        if batch.kind is TASK_INSTANCES:
            raise UnavailableError("target", "insert", "gone")

    job.target.writing = die
    with pytest.raises(UnavailableError):
        await job.run(replace=True)
    job.target.writing = nothing
    assert (await job.run()).problems == {}
    assert (job.differences(), await job.outcomes(job.again)) == ([], [Outcome.MOVED])


async def test_beyond_the_newest(tmp_path: Path) -> None:
    """A marked run is replaced although newer ones have pushed it out of the newest N."""
    job = await moved(tmp_path, again=[])
    selection = job.settings.selection.model_copy(update={"newest": 2})
    job.settings = job.settings.model_copy(update={"selection": selection})
    job.again = [list(job.source.table.runs(DAG))[-1]["run_id"]]
    old = job.source.table.children(TASK_INSTANCE_HISTORY, DAG, job.again[0])[0]
    old["hostname"] = "other"
    await job.replace_again()
    await replaced(job)


async def test_an_unknown_run_is_replaced(tmp_path: Path) -> None:
    """A run of which the job remembers nothing, since somebody else moved it, can be replaced, too."""
    job = await moved(tmp_path, again=[2])
    job.settings = job.settings.model_copy(update={"state_dir": tmp_path / "other"})
    await job.run()
    assert await job.outcomes(job.again) == [Outcome.REJECTED]
    await job.replace_again()
    await replaced(job)
