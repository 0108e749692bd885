"""A fixed set of seeds, played to their ends: no promise is broken, and every trouble really happens."""

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

import pytest

from .bugs import BUGS
from .campaign import Tally, play, results, workers
from .faults import FAULTS

SEEDS = range(360)
"""What is played wherever the tests run."""

PARTS = 8
JOBS = 2


@pytest.fixture(scope="module")
def pool() -> Iterator[ProcessPoolExecutor]:
    """Processes that play seeds."""
    with workers(JOBS) as executor:
        yield executor


@pytest.fixture(scope="module")
def tallies() -> dict[int, Tally]:
    """What came of the parts that were played so far."""
    return {}


@pytest.mark.timeout(120)  # hundreds of jobs from start to end, on a machine that may be busy
@pytest.mark.parametrize("part", range(PARTS))
def test_no_promise_is_broken(pool: ProcessPoolExecutor, tallies: dict[int, Tally], part: int) -> None:
    """Whatever goes wrong, nothing is lost, doubled, mixed, wrongly claimed or told, and the job ends."""
    tally = tallies[part] = Tally()
    for result in results(pool, SEEDS[part::PARTS], ahead=JOBS + 1):
        tally.add(result)
    assert [f"seed {result.seed}: {result.violation}" for result in tally.violations] == []


def test_every_trouble_happens(tallies: dict[int, Tally]) -> None:
    """The seeds are no fair weather: each kind of fault was injected, and processes ended in every way."""
    if len(tallies) < PARTS:
        pytest.skip("only a part of the seeds was played")
    injected = sum((tally.faults for tally in tallies.values()), start=Tally().faults)
    ends = sum((tally.happened for tally in tallies.values()), start=Tally().happened)
    assert {fault.name for fault in FAULTS} <= set(injected)
    assert {"exit 0", "exit 1", "exit 3", "exit 4", "exit -9"} <= set(ends)


@pytest.mark.timeout(120)  # as above
@pytest.mark.parametrize("bug", sorted(BUGS))
def test_a_planted_bug_is_found(pool: ProcessPoolExecutor, bug: str) -> None:
    """The simulator finds each bug that was planted in the real code, within the fixed seeds."""
    played = results(pool, SEEDS, ahead=JOBS, chunk=4, bug=bug)
    assert any(result.violation for result in played), f"{bug} is not found"


@pytest.mark.timeout(60)  # starts the interpreter twice
@pytest.mark.parametrize("seed", [7, 23])
def test_a_seed_replays_exactly(seed: int) -> None:
    """The same seed gives the same trace to the byte, in another process with other hashes and addresses."""
    assert _trace(seed, hashes="1") == _trace(seed, hashes="2")


def _trace(seed: int, *, hashes: str) -> bytes:
    command = [sys.executable, "-m", "tests.simulation", "--seed", str(seed), "--trace"]
    environment = os.environ | {"PYTHONHASHSEED": hashes}
    return subprocess.run(command, env=environment, capture_output=True, check=True).stdout  # noqa: S603 - our own command


@pytest.mark.timeout(60)  # as above
def test_neighbours_do_not_matter(pool: ProcessPoolExecutor) -> None:
    """What comes of a seed does not depend on those that were played before it in the same process."""
    alone = pool.submit(play, [31]).result()[0]
    among_others = pool.submit(play, [3, 5, 31]).result()[2]
    assert (alone.requests, alone.steps, alone.faults) == (
        among_others.requests,
        among_others.steps,
        among_others.faults,
    )
