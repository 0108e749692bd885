"""A process to be killed: settles one window after the other and says so after each.

``python victim.py DIRECTORY``; writes ``ready`` when it holds the directory, then the number of each settled window.
"""

import asyncio
import sys
from pathlib import Path

from transfer.checkpoint import Checkpoint, Job, PlannedDag
from transfer.model import Counts, Outcome, SettledRun, Settlement, Window

JOB = Job(source="http://source.example", target="http://target.example", selection="{}")
DAG = "victim_dag"
SIZE = 50


def names(number: int) -> list[str]:
    """Return the run ids of a window."""
    return [f"run_{number}_{index}" for index in range(SIZE)]


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


async def _settle_for_ever(directory: Path) -> None:
    async with Checkpoint.open(directory, JOB) as checkpoint:
        await checkpoint.begin_invocation()
        await checkpoint.store_plan([PlannedDag(DAG, 0, listed=True, on_target=True)])
        point = await checkpoint.resume_point(DAG)
        _say("ready")
        number = point.next_number
        while True:
            window = Window(DAG, point.pass_number, number, number * SIZE, SIZE, None)
            runs = [SettledRun(name, number, Outcome.MOVED) for name in names(number)]
            await checkpoint.cut(window, runs)
            await checkpoint.settle(Settlement(window, runs, {"task_instances": Counts(moved=1)}))
            _say(str(number))
            number += 1


if __name__ == "__main__":
    asyncio.run(_settle_for_ever(Path(sys.argv[1])))
