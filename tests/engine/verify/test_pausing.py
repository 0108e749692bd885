"""A verification that is paused begins nothing new, and goes on as if nothing had been."""

from pathlib import Path

import anyio
import pytest

from tests.engine.reading import TableSide
from tests.engine.tables import history
from transfer.engine.pace import Pace

from .comparing import verifying
from .corruptions import Vandal, moved


class Gate(Pace):
    """Tells when somebody waits in front of it."""

    def __init__(self) -> None:
        super().__init__()
        self.reached = anyio.Event()

    async def open(self) -> None:
        """Tell, and wait."""
        if self.reason is not None:
            self.reached.set()
        await super().open()


@pytest.mark.parametrize("step", [0, 1, 5, 20, 35, 50])
async def test_a_paused_verification_finds_the_same(tmp_path: Path, step: int) -> None:
    """Closed before any answer, it comes to rest and asks nothing more; opened again it finds what there is."""
    source = history(40)
    target = moved(source)
    vandal = Vandal(target, 3)
    for _ in range(15):
        vandal.strike()
    async with verifying(tmp_path, source, target, window_runs=6) as job:
        job.pace = gate = Gate()

        def pause(side: TableSide) -> None:
            if side.requests == step:
                gate.close("for a while")

        job.target.before = pause
        if step == 0:
            gate.close("for a while")
        async with anyio.create_task_group() as group:
            group.start_soon(job.run)
            await gate.reached.wait()
            asked = job.source.requests, job.target.requests
            await anyio.wait_all_tasks_blocked()
            assert (job.source.requests, job.target.requests) == asked
            gate.release()
        assert job.found() == job.expected()
