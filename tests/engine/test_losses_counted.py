"""What rows lose on their way is counted once, whatever happens meanwhile."""

from pathlib import Path
from typing import Any

import pytest

from transfer.emulator import Answer, Rule, TableHistory
from transfer.emulator.refusal import Refusal
from transfer.errors import TransferError
from transfer.kinds import DAG_RUNS, KINDS, Kind, Row
from transfer.model import Loss

from .test_directions import both, source_of, target_for
from .test_taken_keys import finished, run_again
from .worlds import World, world

PAIR = ("2.11.2", "3.1.8")
FATAL = 3
"""The batch after which the target does not know us any more; it is stored."""

SMALL: dict[str, Any] = {"window_runs": 8, "batch_rows": 100}


async def lost(job: World) -> dict[Loss, int]:
    """Return what the checkpoint has counted."""
    return dict((await job.totals()).losses)


async def undisturbed(folder: Path, source: TableHistory) -> dict[Loss, int]:
    """Return what a job loses to which nothing happens."""
    async with world(folder, source, target_for(source, PAIR[1]), **both(*PAIR), **SMALL) as job:
        await job.run()
        return await lost(job)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: str(kind.name))
async def test_what_was_sent_before_the_end_of_an_earlier_run_counts(
    tmp_path: Path, kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A window that did not come to its end is found on the target, and its rows count as moved: so does their loss."""
    source = TableHistory.copy_of(source_of(PAIR[0]))
    target = target_for(source, PAIR[1])
    batches = iter(range(1, 1000))
    async with world(tmp_path / "dying", source, target, **both(*PAIR), **SMALL) as job:
        stored = target.insert

        def die(of: Kind, rows: list[Row]) -> Refusal | None:
            if of is kind and next(batches) == FATAL:
                job.target.faults.rules.append(Rule(Answer(401), method="POST"))
            return stored(of, rows)

        monkeypatch.setattr(target, "insert", die)
        with pytest.raises(TransferError):
            await job.run()
        job.target.faults.rules.clear()
        await job.run()
        assert await lost(job) == await undisturbed(tmp_path / "undisturbed", source)


async def test_a_run_that_is_refused_again_and_again_loses_nothing(tmp_path: Path) -> None:
    """Every run of the program tries it once more, and only what arrives has lost something on the way."""
    source = TableHistory.copy_of(source_of(PAIR[0]))
    async with world(tmp_path, source, target_for(source, PAIR[1]), **both(*PAIR)) as job:
        await job.run()
        before = await lost(job)
        assert before[Loss(DAG_RUNS.name, "dag_hash", "Airflow 3 has no such column")]
        run_again(source, finished(source))
        for _ in range(3):
            await job.run()
        assert await lost(job) == before
