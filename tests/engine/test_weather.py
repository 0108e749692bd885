"""Deployments in bad weather: lost answers, resets, errors and web pages on schedules that a seed decides."""

from pathlib import Path

import pytest

from transfer.config.settings import Retry
from transfer.emulator import Answer, Faults, Reset, Rule, TableHistory, Truncate, web_page
from transfer.emulator.faults import Action
from transfer.errors import TransferError, UnavailableError, UnexpectedAnswerError
from transfer.kinds import Kind, Row
from transfer.model import Outcome

from .tables import DAG, empty_like, history, tied
from .worlds import behaviour, small, stored, world

PATIENT = Retry(attempts=20, wait_initial=0.0001, wait_max=0.0005, retry_after_max=0.001)
READS: list[Action] = [
    Reset(),
    Reset(after=True),
    Answer(500),
    Answer(502),
    Answer(503),
    Answer(429, retry_after="0"),
    Truncate(0.4),
]
WRITES: list[Action] = [
    Reset(),
    Reset(after=True),
    Answer(500),
    Answer(500, after=True),
    Answer(502, after=True),
    Answer(503),
    Answer(429, retry_after="0"),
    web_page(after=True),
    web_page(502),
    Truncate(0.4),
]


def weather(seed: int, probability: float) -> tuple[Faults, Faults]:
    """Return faults for both sides, each kind equally likely, ``probability`` that a request meets one."""
    share = probability / len(WRITES)
    reads = [Rule(action, method="GET", probability=share) for action in READS]
    writes = [Rule(action, method="POST", probability=share) for action in WRITES]
    return Faults(reads, seed=seed), Faults(reads + writes, seed=seed + 1000)


class Crashing(TableHistory):
    """A history that makes the server crash, and answer 500, when children of DAG "bad" are asked for."""

    def page(self, kind: Kind, dag_id: str, offset: int, limit: int) -> list[Row]:
        """Return a page, or crash."""
        if dag_id == "bad" and kind.parent:
            raise ZeroDivisionError
        return super().page(kind, dag_id, offset, limit)


@pytest.mark.parametrize("seed", range(10))
async def test_bad_weather_loses_and_doubles_nothing(tmp_path: Path, seed: int) -> None:
    """Whatever answers get lost on either side, the job ends complete, and every row is there and counted once."""
    source = tied(30, 1 + seed % 3, tasks=3)
    of_source, of_target = weather(seed, 0.4)
    servers = (behaviour(faults=of_source), behaviour(faults=of_target))
    limits = {"window_runs": 4, "batch_rows": 5 + seed}
    async with world(tmp_path, source, empty_like(source), behaviours=servers, retry=PATIENT, **limits) as job:
        ending = await job.run()
        assert (ending.problems, job.differences(), job.open_pages) == ({}, [], 0)
        assert await job.moved() == stored(source)


async def test_every_answer_to_a_write_is_lost(tmp_path: Path) -> None:
    """A target that commits and never says so is read back instead."""
    source = history(15)
    faults = Faults([Rule(Reset(after=True), method="POST")])
    async with world(tmp_path, source, empty_like(source), behaviours=(behaviour(), behaviour(faults=faults))) as job:
        ending = await job.run()
        assert (ending.problems, job.differences(), await job.moved()) == ({}, [], stored(source))


async def test_one_dag_that_cannot_be_read_does_not_keep_the_others(tmp_path: Path) -> None:
    """A DAG whose children always fail is named as a problem, the others are moved."""
    source = Crashing.copy_of(history(6, dags=("bad", "good_1", "good_2")))
    async with world(tmp_path, source, empty_like(source)) as job:
        ending = await job.run()
        assert list(ending.problems) == ["bad"]
        assert {difference.dag_id for difference in job.differences()} == {"bad"}
        assert (await job.totals()).dags_done == {"good_1", "good_2"}


async def test_a_dead_target_ends_the_job_soon(tmp_path: Path) -> None:
    """A target that fails every write ends the job with few requests; a later run completes it."""
    source = history(20)
    faults = Faults([Rule(Answer(502), method="POST")])
    servers = (behaviour(), behaviour(faults=faults))
    async with world(tmp_path, source, empty_like(source), behaviours=servers, window_runs=4) as job:
        with pytest.raises(UnavailableError):
            await job.run()
        assert (job.posts() < 50, job.open_pages) == (True, 0)
        faults.rules.clear()
        ending = await job.run()
        assert (ending.problems, job.differences(), await job.moved()) == ({}, [], stored(source))


async def test_a_dead_source_ends_the_job_soon(tmp_path: Path) -> None:
    """A source that dies in the middle ends the job; a later run completes it."""
    source = history(40)
    faults = Faults([Rule(Reset(), nth=range(12, 10_000))])
    servers = (behaviour(faults=faults), behaviour())
    async with world(tmp_path, source, empty_like(source), behaviours=servers, window_runs=4) as job:
        with pytest.raises(UnavailableError):
            await job.run()
        assert (len(job.source.requests) < 100, job.open_pages) == (True, 0)
        faults.rules.clear()
        ending = await job.run()
        assert (ending.problems, job.differences(), await job.moved()) == ({}, [], stored(source))


async def test_a_read_only_target_ends_the_job(tmp_path: Path) -> None:
    """A target that refuses every single row is not a target with bad rows."""
    source = history(80)
    faults = Faults([Rule(Answer(400), method="POST")])
    async with world(tmp_path, source, empty_like(source), behaviours=(behaviour(), behaviour(faults=faults))) as job:
        with pytest.raises(UnexpectedAnswerError, match="50 single rows in a row were refused"):
            await job.run()
        faults.rules.clear()
        await job.run()
        ending = await job.run()
        assert (ending.problems, job.differences()) == ({}, [])


async def test_a_session_that_ends_ends_the_job(tmp_path: Path) -> None:
    """A side that no longer knows us ends the job with what to do; a later run completes it."""
    source = history(20)
    faults = Faults([Rule(Answer(401), method="GET", nth=range(8, 10_000))])
    servers = (behaviour(faults=faults), behaviour())
    async with world(tmp_path, source, empty_like(source), behaviours=servers, window_runs=4) as job:
        with pytest.raises(TransferError, match="401"):
            await job.run()
        faults.rules.clear()
        assert (await job.run()).problems == {}
        assert (job.differences(), job.open_pages) == ([], 0)


async def test_a_tie_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """When the children of runs that tie do not come, the problem says what the server said, after few requests."""
    source = tied(6, 3)
    faults = Faults([Rule(Answer(500), route="task_instance_history")])
    async with world(tmp_path, source, empty_like(source), behaviours=(behaviour(faults=faults), behaviour())) as job:
        ending = await job.run()
        assert "HTTP 500" in ending.problems[DAG] or "the last" in ending.problems[DAG]
        assert len(job.source.requests) < 200


async def test_a_small_ceiling_is_learnt(tmp_path: Path) -> None:
    """A target that answers 413 gets smaller batches, and every row."""
    source = history(60, tasks=8)
    target = empty_like(source)
    async with world(tmp_path, source, target, batch_rows=500, behaviours=(behaviour(), small(40_000))) as job:
        ending = await job.run()
        assert (ending.problems, job.differences(), await job.moved()) == ({}, [], stored(source))
        refused = [exchange for exchange in job.target.requests if exchange.status == 413]
        assert 0 < len(refused) < 12


async def test_a_row_just_below_the_ceiling_is_tried(tmp_path: Path) -> None:
    """A row that alone fits into the target's limit is stored, also when 413s have taught a lower ceiling."""
    source = history(20, tasks=1)
    for number, run in enumerate(source.runs(DAG)):
        run["conf"] = {"text": "x" * (39_000 if number == 10 else 9_000)}
    async with world(tmp_path, source, empty_like(source), behaviours=(behaviour(), small(40_000))) as job:
        await job.run()
        assert (job.differences(), (await job.totals()).runs[DAG]) == ([], {Outcome.MOVED: 20})
