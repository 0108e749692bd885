"""A job, its windows and runs as the tests of the checkpoint need them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from transfer.checkpoint import Checkpoint, Job, PlannedDag
from transfer.model import Counts, Outcome, RejectedRow, SettledRun, Settlement, Window

JOB = Job(source="http://source.example:8080", target="http://target.example:8080", selection='{"dags":["*"]}')
DAG = "example_dag"


def run_ids(first: int, count: int) -> list[str]:
    """Return the names of ``count`` runs from the ``first`` on."""
    return [f"scheduled__{number}" for number in range(first, first + count)]


def runs(first: int, count: int, outcome: Outcome = Outcome.MOVED) -> list[SettledRun]:
    """Return ``count`` runs from the ``first`` on with fingerprints over the whole 64 bits."""
    return [
        SettledRun(name, 2**64 - 1 - number, outcome) for number, name in enumerate(run_ids(first, count), start=first)
    ]


def window(number: int, size: int = 5, *, pass_number: int = 1, offset: int | None = None) -> Window:
    """Return a window of ``DAG``; without an offset it stands behind windows of its own size."""
    at = number * size if offset is None else offset
    return Window(DAG, pass_number, number, at, size, f"2024-01-01T00:00:{number:02}+00:00")


def settlement(
    of: Window,
    outcome: Outcome = Outcome.MOVED,
    counts: dict[str, Counts] | None = None,
    rejected: Sequence[RejectedRow] = (),
) -> Settlement:
    """Return the settlement of a window all of whose runs came to the same."""
    return Settlement(of, runs(of.offset, of.size, outcome), counts or {}, list(rejected))


async def move(checkpoint: Checkpoint, *windows: Window) -> None:
    """Cut and settle ``windows``, in this order."""
    for one in windows:
        await checkpoint.cut(one, runs(one.offset, one.size, Outcome.IN_FLIGHT))
        await checkpoint.settle(settlement(one, counts={"task_instances": Counts(moved=10)}))


@asynccontextmanager
async def started(directory: Path, run_count: int = 20) -> AsyncIterator[Checkpoint]:
    """Open a checkpoint whose plan is ``DAG`` and whose first pass is open."""
    async with Checkpoint.open(directory, JOB) as checkpoint:
        await checkpoint.store_plan([PlannedDag(DAG, run_count, listed=True, on_target=True)])
        await checkpoint.resume_point(DAG)
        yield checkpoint
