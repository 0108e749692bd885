"""Logs that break off, are refused, or arrive without an answer: whole on the target, or not there."""

from contextlib import suppress
from pathlib import Path
from random import Random

import pytest

from tests.engine.tables import empty_like, history
from tests.engine.worlds import behaviour
from transfer.client.logs import LogName
from transfer.emulator import Answer, Behaviour, Faults, Reset, TableHistory, Truncate
from transfer.emulator.faults import Rule
from transfer.emulator.rows import run_row, task_row
from transfer.errors import AuthError
from transfer.kinds import DAG_RUNS, TASK_INSTANCES

from .moving import DAG, LogWorld, log_world

pytestmark = pytest.mark.anyio

NOISE = Random(8).randbytes(5_000_000)  # noqa: S311 - reproducible
SMALL, LARGE = NOISE[:50_000], NOISE
NAME = LogName(DAG, "r", "t", -1, 1)
OLD = ("2.10.5", "2.10.5")


def one_log() -> TableHistory:
    """Return a history that has a single log."""
    table = empty_like(history(0))
    run = run_row(DAG, 1, run_id="r")
    table.add(DAG_RUNS, run)
    table.add(TASK_INSTANCES, task_row(run, "t"))
    return table


def sides(
    source: Rule | None = None, target: Rule | None = None, version: str = "2.10.5"
) -> tuple[Behaviour, Behaviour]:
    """Return two servers with a fault each."""
    rules = [[source] if source else [], [target] if target else []]
    left, right = (behaviour(airflow_version=version, faults=Faults(list(faults))) for faults in rules)
    return left, right


def on(action: object, method: str, *numbers: int) -> Rule:
    """Return a fault on log requests with these numbers.

    Whether it can be done at all is tried before: 2 GETs of the source, a POST, 2 GETs and a DELETE of the target.
    """
    return Rule(action, method, "task_log", nth=numbers or None)  # type: ignore[arg-type]  # one of the actions


async def outcome(world: LogWorld) -> tuple[bytes | None, dict[str, int]]:
    """Move the log and return what arrived and what was counted."""
    await world.move()
    return world.arrived(NAME), await world.counted()


@pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "large"])
async def test_a_log_that_is_cut_is_read_again(tmp_path: Path, content: bytes) -> None:
    """The first answer stops in the middle, without the last chunk."""
    async with log_world(tmp_path, one_log(), changes=sides(on(Truncate(), "GET", 3))) as world:
        world.write(NAME, content)
        assert await outcome(world) == (content, {"moved": 1, "bytes": len(content)})


@pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "large"])
async def test_a_log_that_is_always_cut_is_reported_and_not_left_in_part(tmp_path: Path, content: bytes) -> None:
    """A webserver's time limit cuts it each time: nothing stays on the target, and the reason is kept."""
    async with log_world(tmp_path, one_log(), changes=sides(on(Truncate(), "GET", *range(3, 50)))) as world:
        world.write(NAME, content)
        assert await outcome(world) == (None, {})
        (row,) = world.rejected()
        assert (row.kind, row.key) == ("task_logs", "t try 1")
        assert "gave up after 3 attempts" in row.reason


async def test_a_refused_log_is_tried_again_by_the_next_run(tmp_path: Path) -> None:
    """It is neither forgotten nor in the way of the others."""
    async with log_world(tmp_path, one_log(), changes=sides(on(Truncate(), "GET", 3, 4, 5))) as world:
        world.write(NAME, SMALL)
        assert await outcome(world) == (None, {})
        assert await outcome(world) == (SMALL, {"moved": 1, "bytes": len(SMALL)})
        assert world.rejected() == []


@pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "large"])
@pytest.mark.parametrize("action", [Reset(), Reset(after=True), Answer(500), Answer(502, after=True), Answer(503)])
async def test_a_lost_answer_is_settled_by_reading_back(tmp_path: Path, content: bytes, action: object) -> None:
    """Whether it was stored or not, it is there once at the end."""
    async with log_world(tmp_path, one_log(), changes=sides(target=on(action, "POST", 2))) as world:
        world.write(NAME, content)
        assert await outcome(world) == (content, {"moved": 1, "bytes": len(content)})


@pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "large"])
async def test_what_the_target_never_takes_is_reported(tmp_path: Path, content: bytes) -> None:
    """It answers each time that something is wrong: the log counts as refused, and nothing of it stays."""
    async with log_world(tmp_path, one_log(), changes=sides(target=on(Answer(500), "POST", *range(2, 40)))) as world:
        world.write(NAME, content)
        assert await outcome(world) == (None, {})
        (row,) = world.rejected()
        assert "HTTP 500" in row.reason


async def test_a_log_that_2_11_cannot_take_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    """It would be cut at 1 MiB: it is reported with its size, and what the target takes."""
    async with log_world(tmp_path, one_log(), versions=("2.10.5", "2.11.2")) as world:
        world.write(NAME, LARGE)
        assert await outcome(world) == (None, {})
        assert len(world.target.asked("POST", "task_log")) == 1  # the one that tries whether it can be done at all
        (row,) = world.rejected()
        assert "5,000,000 bytes" in row.reason
        assert "1,047,552" in row.reason


@pytest.mark.parametrize("size", [1, 900_000, 983_040, 983_041, 1_040_000, 1_047_552])
async def test_2_11_takes_what_is_below_its_limit(tmp_path: Path, size: int) -> None:
    """The pieces that it reads are chosen so that its own arithmetic does not fail."""
    async with log_world(tmp_path, one_log()) as world:
        world.write(NAME, NOISE[:size])
        assert await outcome(world) == (NOISE[:size], {"moved": 1, "bytes": size})
        assert [exchange.status for exchange in world.target.asked("POST", "task_log")] == [204, 204]


async def test_2_11_takes_more_where_its_limit_was_raised(tmp_path: Path) -> None:
    """The configuration says so; up to there a log is sent while it is read."""
    async with log_world(tmp_path, one_log()) as world:
        world.target.logs.payload = 8 * 1_048_576
        world.write(NAME, LARGE)
        await world.move(log_bytes=8 * 1_048_576)
        assert world.arrived(NAME) == LARGE


async def test_a_log_beyond_the_raised_limit_is_broken_off_and_cleared_away(tmp_path: Path) -> None:
    """Its size shows only while it is sent: what was stored until then is removed, and its whole size reported."""
    async with log_world(tmp_path, one_log()) as world:
        world.target.logs.payload = 4 * 1_048_576
        world.write(NAME, LARGE)
        await world.move(log_bytes=4 * 1_048_576)
        assert world.arrived(NAME) is None
        (row,) = world.rejected()
        assert "5,000,000 bytes" in row.reason


async def test_breaking_off_is_no_fault_of_the_target(tmp_path: Path) -> None:
    """A source that cuts a log must not make the target look unwell."""
    async with log_world(tmp_path, one_log(), changes=sides(on(Truncate(), "GET", 3))) as world:
        world.write(NAME, LARGE)
        await world.move()
        assert {event.side for event in world.events} == {"source"}


async def test_a_proxy_that_takes_less_is_reported_with_the_size(tmp_path: Path) -> None:
    """A 413 is no reason to try again, and none to remove what it did not touch."""
    async with log_world(tmp_path, one_log(), changes=sides(target=on(Answer(413), "POST", 2))) as world:
        world.target.logs.put(b"before", **NAME.params)
        world.write(NAME, SMALL)
        assert await outcome(world) == (b"before", {})
        (row,) = world.rejected()
        assert "50,000 bytes" in row.reason


async def test_what_arrived_otherwise_is_found_by_reading_back(tmp_path: Path) -> None:
    """A target that stores something else and says that all is well is only found out with ``verify``."""
    async with log_world(tmp_path, one_log()) as world:
        world.write(NAME, SMALL)

        def spoil(exchange: object) -> None:
            del exchange
            for path in world.target.logs.files:
                world.target.logs.files[path] = world.target.logs.files[path][:100]

        world.target.behaviour.on_done = spoil
        await world.move(verify=True)
        (row,) = world.rejected()
        assert "what arrived is not what was sent" in row.reason
        assert world.arrived(NAME) is None


async def test_verified_logs_count_as_moved(tmp_path: Path) -> None:
    """Reading back costs requests, and changes nothing else."""
    async with log_world(tmp_path, one_log(), versions=OLD) as world:
        world.write(NAME, LARGE)
        await world.move(verify=True)
        assert world.arrived(NAME) == LARGE
        assert len(world.target.asked("GET", "task_log")) == 3


async def test_a_target_that_is_busy_is_waited_for(tmp_path: Path) -> None:
    """Told to wait after all of a large log was given away, it is read anew."""
    changes = sides(target=on(Answer(429, retry_after="0"), "POST", 2))
    async with log_world(tmp_path, one_log(), changes=changes) as world:
        world.write(NAME, LARGE)
        assert await outcome(world) == (LARGE, {"moved": 1, "bytes": len(LARGE)})


async def test_a_login_that_ends_meanwhile_is_renewed(tmp_path: Path) -> None:
    """The answer is a redirect to the login page: the log is begun anew, and arrives whole."""
    page = Answer(302, "", "text/html")
    for content in (SMALL, LARGE):
        changes = sides(target=on(page, "POST", 2))
        async with log_world(tmp_path / str(len(content)), one_log(), changes=changes) as world:
            world.write(NAME, content)
            with suppress(AuthError):  # where there is no login, nothing can be renewed
                await world.move()
            assert world.arrived(NAME) in (None, content)
            await world.move()
            assert world.arrived(NAME) == content
