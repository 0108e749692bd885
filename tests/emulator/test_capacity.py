"""A server with workers does only so much at once, and takes as long for it as it is told."""

from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest

from transfer.emulator import (
    MEASURED,
    Answer,
    Behaviour,
    Cost,
    Exchange,
    Faults,
    Open,
    Rule,
    ServiceTimes,
    TableHistory,
)
from transfer.emulator.rows import run_row
from transfer.kinds import KINDS

from .asking import asking

INFO = ServiceTimes({"GET": Cost(2.0)})


class Hourglass:
    """A clock that only moves when everybody sleeps; sleepers wake in the order of their times."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []
        self._due: list[tuple[float, anyio.Event]] = []

    def clock(self) -> float:
        """Return the time."""
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Sleep until ``turn`` has moved the clock far enough."""
        self.slept.append(seconds)
        event = anyio.Event()
        self._due.append((self.now + seconds, event))
        await event.wait()

    @property
    def sleeping(self) -> int:
        """Return how many are asleep."""
        return len(self._due)

    def turn(self) -> None:
        """Move the clock to the first sleeper, and wake whoever is due then."""
        self.now = min(at for at, _ in self._due)
        for at, event in list(self._due):
            if at <= self.now:
                self._due.remove((at, event))
                event.set()


async def until(done: Callable[[], bool]) -> None:
    """Let everybody go on until something holds; the requests come over real sockets."""
    while not done():
        await anyio.lowlevel.checkpoint()


def behaviour(glass: Hourglass, **changes: Any) -> Behaviour:
    """Return a server without a door in that time."""
    return Behaviour(door=Open(), clock=glass.clock, sleep=glass.sleep, **changes)


async def test_requests_queue_for_workers() -> None:
    """Two workers carry out two requests at once, the third when one of them is free, in the order of arrival."""
    glass = Hourglass()
    async with asking(TableHistory(), behaviour(glass, workers=2, service=INFO)) as (emulator, asker):
        async with anyio.create_task_group() as group:
            for number in range(3):
                group.start_soon(asker.info)
                await until(lambda: len(emulator.requests) == number + 1)  # noqa: B023  awaited at once
            await until(lambda: glass.sleeping == 2)
            assert [seen.begun for seen in emulator.requests] == [0.0, 0.0, None]
            glass.turn()
            await until(lambda: emulator.requests[2].begun is not None)
            glass.turn()
        assert [(seen.arrived, seen.begun, seen.done) for seen in emulator.requests] == [
            (0.0, 0.0, 2.0),
            (0.0, 0.0, 2.0),
            (0.0, 2.0, 4.0),
        ]


async def test_without_workers_nothing_queues() -> None:
    """A server whose workers nobody counts carries everything out at once."""
    glass = Hourglass()
    async with asking(TableHistory(), behaviour(glass, service=INFO)) as (emulator, asker):
        async with anyio.create_task_group() as group:
            for _ in range(5):
                group.start_soon(asker.info)
            await until(lambda: glass.sleeping == 5)
            glass.turn()
        assert {seen.done for seen in emulator.requests} == {2.0}


async def _slept(asks: Callable[[Any], Awaitable[object]], **changes: Any) -> list[float]:
    """Return what a server slept for what ``asks`` asks of it."""
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    changes = {"door": Open(), "clock": lambda: 0.0, "sleep": sleep, **changes}
    async with asking(TableHistory(), Behaviour(**changes)) as (_, asker):
        await asks(asker)
    return slept


async def test_rows_take_time() -> None:
    """A write takes the fixed time of its route and more for each row, also when it is refused."""
    service = ServiceTimes(by_route={("POST", "dag_runs"): Cost(1.0, 0.25)})

    async def insert_twice(asker: Any) -> None:
        for wanted in (200, 409):
            assert await asker.insert("dag_runs", dag_runs=[run_row("d", 1), run_row("d", 2)]) == wanted

    assert await _slept(insert_twice, service=service) == [1.5, 1.5]


async def test_rows_that_are_served_take_time() -> None:
    """A page takes more for each row that is on it, and the log says how many these were."""
    table = TableHistory()
    table.insert(KINDS[0], [run_row("d", number) for number in range(3)])
    done: list[Exchange] = []
    changes = Behaviour(door=Open(), service=ServiceTimes({"GET": Cost(0.0, 1e-6)}), on_done=done.append)
    async with asking(table, changes) as (_, asker):
        await asker.ask("GET", "/api/starship/dag_runs?dag_id=d&limit=2")
        await asker.info()
    assert [seen.rows for seen in done] == [2, 0]


async def test_slowness_stretches_the_service() -> None:
    """A server that becomes slower takes longer for the same."""
    assert await _slept(lambda asker: asker.info(), service=INFO, slowness=2.5) == [5.0]


async def test_the_work_itself_counts() -> None:
    """What the answer really took is part of the service time, not on top of it."""
    ticks = iter([0.0, 10.0, 11.5, 12.0])
    assert await _slept(lambda asker: asker.info(), service=INFO, clock=lambda: next(ticks)) == [0.5]


async def test_a_fault_takes_no_worker() -> None:
    """Who is turned away by what stands before the server does not wait for a worker."""
    faults = Faults([Rule(Answer(429), nth={2})])
    glass = Hourglass()
    server = behaviour(glass, workers=1, service=INFO, faults=faults)
    async with asking(TableHistory(), server) as (_, asker), anyio.create_task_group() as group:
        group.start_soon(asker.info)
        await until(lambda: glass.sleeping == 1)
        assert await asker.info() == 429
        glass.turn()


@pytest.mark.parametrize(("keep_alive", "trips"), [(False, 8), (True, 6)])
async def test_a_new_connection_costs_one_more_way_there_and_back(*, keep_alive: bool, trips: int) -> None:
    """With handshakes, every new connection travels four times, a kept one twice."""

    async def ask_twice(asker: Any) -> None:
        await asker.info()
        await asker.info()

    slept = await _slept(ask_twice, latency=0.05, handshake=True, keep_alive=keep_alive)
    assert slept == [0.05] * trips


def test_routes_are_looked_up_before_methods() -> None:
    """A cost of a route wins over that of its method, and what is in neither table is free."""
    service = ServiceTimes({"GET": Cost(1.0)}, {("GET", "dag_runs"): Cost(2.0, 1.0)})
    asked = [("GET", "info"), ("GET", "dag_runs"), ("DELETE", "pools")]
    assert [service.seconds(method, route, 3) for method, route in asked] == [1.0, 5.0, 0.0]
    assert service.times(2).seconds("GET", "dag_runs", 3) == 10.0
    assert service.times(2).seconds("GET", "info", 3) == 2.0


def test_what_was_measured_knows_every_kind() -> None:
    """There is a cost for reading and one for writing of each kind."""
    assert MEASURED.by_route.keys() == {(method, kind.route) for method in ("GET", "POST") for kind in KINDS}
