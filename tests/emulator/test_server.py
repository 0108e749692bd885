"""What an emulator offers to tests beyond being a server."""

import json
import os
import signal

import anyio
import pytest

from transfer.emulator import Behaviour, Emulator, Exchange, Open, Shape, SyntheticHistory, TableHistory, serve
from transfer.emulator.rows import run_row
from transfer.kinds import DAG_RUNS

from .asking import asking


async def test_requests_are_logged() -> None:
    """Every request is remembered with its parameters, headers and status, and counted."""
    async with asking(TableHistory()) as (emulator, asker):
        await asker.ask("GET", "/api/starship/dag_runs?dag_id=d&limit=5", headers={"Idempotency-Key": "k"})
        await asker.insert("dag_runs", dag_runs=[run_row("d", 1)])
        await asker.info()
    read = emulator.asked("GET", "dag_runs")[0]
    assert (dict(read.params), read.headers["Idempotency-Key"], read.status) == (
        {"dag_id": "d", "limit": "5"},
        "k",
        200,
    )
    assert emulator.counts == {("GET", "dag_runs"): 1, ("POST", "dag_runs"): 1, ("GET", "info"): 1}
    assert [exchange.route for exchange in emulator.requests] == ["dag_runs", "dag_runs", "info"]


async def test_a_hook_changes_the_history_between_pages() -> None:
    """A new run that starts while pages are read pushes one run onto the next page again."""
    table = TableHistory()
    table.add(DAG_RUNS, *(run_row("d", number) for number in range(4)))

    async def start_a_run(exchange: Exchange) -> None:
        if exchange.params.get("offset") == "2":
            table.add(DAG_RUNS, run_row("d", 9))

    async with asking(table, Behaviour(door=Open(), on_request=start_a_run)) as (_, asker):
        pages = [
            json.loads((await asker.ask("GET", f"/api/starship/dag_runs?dag_id=d&limit=2&offset={at}"))[2])
            for at in (0, 2)
        ]
    first, second = ([row["run_id"] for row in page["dag_runs"]] for page in pages)
    assert first[1] == second[0]


async def test_a_hook_blocks_a_request() -> None:
    """A request waits for as long as its hook does."""
    arrived, released, answered = anyio.Event(), anyio.Event(), anyio.Event()

    async def hold(_exchange: Exchange) -> None:
        arrived.set()
        await released.wait()

    async with asking(TableHistory(), Behaviour(door=Open(), on_request=hold)) as (emulator, asker):

        async def ask() -> None:
            await asker.info()
            answered.set()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask)
            await arrived.wait()
            assert emulator.requests[0].status is None
            assert not answered.is_set()
            released.set()
    assert answered.is_set()


async def test_latency_is_waited_out_each_way() -> None:
    """A latency is slept twice, before and after the request is carried out."""
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async with asking(TableHistory(), Behaviour(door=Open(), latency=0.05, sleep=sleep)) as (_, asker):
        await asker.info()
    assert slept == [0.05, 0.05]


async def test_connections_can_be_kept() -> None:
    """A server behind a proxy keeps its connections."""
    async with asking(TableHistory(), Behaviour(door=Open(), keep_alive=True)) as (_, asker):
        _, headers, _ = await asker.ask("GET", "/api/starship/info")
    assert "Connection" not in dict(headers)


@pytest.mark.parametrize("exact", [True, False])
async def test_compact_json_says_the_same(*, exact: bool) -> None:
    """Fast JSON differs in spaces only."""
    history = SyntheticHistory(Shape(runs=5, unicode=True))
    async with asking(history, Behaviour(door=Open(), exact=exact)) as (_, asker):
        _, _, body = await asker.ask("GET", "/api/starship/dag_runs?dag_id=dag_0000")
    wanted = {"dag_run_count": 5, "dag_runs": list(history.runs("dag_0000"))}
    assert json.loads(body) == wanted
    assert (body == json.dumps(wanted, sort_keys=True).encode()) is exact


async def test_a_synthetic_source_cannot_be_written() -> None:
    """A POST to a read-only history is an SQL error."""
    async with asking(SyntheticHistory(Shape())) as (_, asker):
        assert await asker.insert("dag_runs", dag_runs=[run_row("d", 1)]) == 400


async def test_serving_until_a_signal() -> None:
    """``serve`` answers on every URL that it reports, and returns on SIGTERM."""
    urls: list[str] = []

    def ready(found: list[str]) -> None:
        urls.extend(found)
        os.kill(os.getpid(), signal.SIGTERM)

    emulators = [Emulator(TableHistory()), Emulator(SyntheticHistory(Shape()))]
    await serve(emulators, ready)
    assert urls == [emulator.url for emulator in emulators]
    assert len(set(urls)) == 2
