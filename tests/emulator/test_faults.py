"""Faults do what they say, to the requests that they are meant for, and the same every time."""

from functools import partial

import aiohttp
import anyio
import pytest

from transfer.emulator import (
    Answer,
    Behaviour,
    Exchange,
    Faults,
    Open,
    Reset,
    Rule,
    Stall,
    TableHistory,
    Truncate,
    web_page,
)
from transfer.emulator.rows import run_row
from transfer.emulator.server import Hook

from .asking import asking


def _with(*rules: Rule) -> Behaviour:
    """Return the behaviour of an open server with these faults."""
    return Behaviour(door=Open(), faults=Faults(list(rules)))


def test_rules_match_by_method_route_and_number() -> None:
    """A rule acts on the requests that it names, counted among themselves."""
    faults = Faults([Rule(Reset(), method="POST", route="dag_runs", nth={2, 3})])
    picked = [faults.pick(method, "dag_runs") for method in ("POST", "GET", "POST", "POST", "POST")]
    assert picked == [None, None, Reset(), Reset(), None]
    assert faults.pick("POST", "info") is None
    assert faults.injected == [("POST", "dag_runs", Reset())] * 2


def test_a_rule_ends_after_its_times() -> None:
    """A rule acts as often as it may, then the next one has its turn."""
    faults = Faults([Rule(Answer(503), times=2), Rule(Answer(502))])
    statuses = [action.status for _ in range(3) if isinstance(action := faults.pick("GET", "info"), Answer)]
    assert statuses == [503, 503, 502]


def test_chance_is_reproducible() -> None:
    """The same seed picks the same requests, about as many as the probability says."""

    def picked(seed: int) -> list[bool]:
        faults = Faults([Rule(Reset(), probability=0.3)], seed=seed)
        return [faults.pick("GET", "info") is not None for _ in range(1000)]

    assert picked(1) == picked(1) != picked(2)
    assert 250 < sum(picked(1)) < 350


async def test_an_answer_replaces_the_request() -> None:
    """A status with Retry-After is answered, and nothing is stored."""
    table = TableHistory()
    async with asking(table, _with(Rule(Answer(503, retry_after="7"), times=1))) as (emulator, asker):
        status, headers, body = await asker.ask("POST", "/api/starship/dag_runs", body=b"x" * 200_000)
        assert (status, headers["Retry-After"], body[:8]) == (503, "7", b'{"error"')
        assert emulator.requests[0].status == 503
    assert table.run_count("d") == 0


async def test_an_answer_after_the_commit_hides_it() -> None:
    """With ``after`` the rows are stored and the answer says otherwise."""
    table = TableHistory()
    async with asking(table, _with(Rule(Answer(500, after=True)))) as (_, asker):
        assert await asker.insert("dag_runs", dag_runs=[run_row("d", 1)]) == 500
    assert table.run_count("d") == 1


@pytest.mark.parametrize("after", [False, True])
async def test_a_reset_before_or_after_the_commit(*, after: bool) -> None:
    """The client sees the same error either way; only the table knows."""
    table = TableHistory()
    async with asking(table, _with(Rule(Reset(after=after)))) as (emulator, asker):
        with pytest.raises(aiohttp.ClientConnectionError):
            await asker.insert("dag_runs", dag_runs=[run_row("d", 1)])
        assert emulator.requests[0].status is None
    assert table.run_count("d") == int(after)


async def test_a_truncated_answer() -> None:
    """The body ends early although its length was promised."""
    async with asking(TableHistory(), _with(Rule(Truncate(0.5)))) as (_, asker):
        with pytest.raises(aiohttp.ClientPayloadError):
            await asker.info()


async def test_a_web_page_with_status_200() -> None:
    """A page can stand where JSON belongs."""
    async with asking(TableHistory(), _with(Rule(web_page()))) as (_, asker):
        status, headers, _ = await asker.ask("GET", "/api/starship/info")
        assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")


async def test_a_stalled_request_is_carried_out_after_its_client_left() -> None:
    """A client's time-out does not stop the server: the rows are there once it goes on."""
    table, arrived, released = TableHistory(), anyio.Event(), anyio.Event()
    behaviour = _with(Rule(Stall(released)))
    behaviour.on_request = _setting(arrived)
    async with asking(table, behaviour) as (_, asker):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(partial(asker.insert, "dag_runs", dag_runs=[run_row("d", 1)]))
            await arrived.wait()
            await anyio.wait_all_tasks_blocked()
            tasks.cancel_scope.cancel()
        assert table.run_count("d") == 0
        released.set()
        await anyio.wait_all_tasks_blocked()
        assert table.run_count("d") == 1


async def test_a_stall_without_end_ends_with_the_emulator() -> None:
    """Leaving the emulator does not wait for requests that hang for ever."""
    arrived = anyio.Event()
    behaviour = _with(Rule(Stall()))
    behaviour.on_request = _setting(arrived)
    async with asking(TableHistory(), behaviour) as (_, asker), anyio.create_task_group() as tasks:
        tasks.start_soon(asker.info)
        await arrived.wait()
        tasks.cancel_scope.cancel()


def _setting(event: anyio.Event) -> Hook:
    """Return a hook that sets ``event``."""

    async def arrive(_exchange: Exchange) -> None:
        event.set()

    return arrive
