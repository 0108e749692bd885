"""What was acknowledged survives SIGKILL."""

import asyncio
from pathlib import Path

import pytest

from transfer.checkpoint import Checkpoint, CheckpointReader
from transfer.model import Outcome

from .processes import killed, lines, victim
from .victim import DAG, JOB, SIZE, names


async def _resumed(directory: Path, acknowledged: int) -> tuple[int, set[Outcome]]:
    async with Checkpoint.open(directory, JOB) as checkpoint:
        asked = [name for number in range(acknowledged) for name in names(number)]
        known = await checkpoint.recall(DAG, asked)
        assert len(known) == acknowledged * SIZE
        return (await checkpoint.resume_point(DAG)).next_number, {run.outcome for run in known.values()}


@pytest.mark.parametrize("windows", [1, 7, 40])
def test_every_acknowledged_window_survives(tmp_path: Path, windows: int) -> None:
    """A process is killed amid its commits, twice: all windows that it reported are done, at most one more is."""
    acknowledged = 0
    for _ in range(2):
        with victim(tmp_path) as process:
            acknowledged += len(lines(process, windows) + killed(process))
        resumed, outcomes = asyncio.run(_resumed(tmp_path, acknowledged))
        assert outcomes == {Outcome.MOVED}
        assert resumed in {acknowledged, acknowledged + 1}
        acknowledged = resumed


def test_killed_invocation_has_no_end(tmp_path: Path) -> None:
    """The invocation of a killed process is there without an end, and the lock is free again."""
    with victim(tmp_path) as process:
        lines(process, 3)
        killed(process)
    with CheckpointReader.open(tmp_path) as reader:
        (invocation,) = reader.invocations()
        assert (invocation.pid, invocation.ended_at, invocation.exit_code) == (process.pid, None, None)
        assert reader.running_pid() is None
        assert reader.totals().windows_done >= 3
