"""Rates of requests, rows and bytes, with a clock that only sleeping moves."""

from dataclasses import dataclass, field
from typing import NoReturn

import anyio
import anyio.lowlevel
import pytest

from transfer.client.base import Answer, Request
from transfer.client.body import SpooledBody
from transfer.client.rate import NAP, Debt, Rates, RequestRate, Toll
from transfer.config.settings import SideLimits

from .serving import StoppedTime

GET = Request("GET", "/x", "runs")


@dataclass
class Clock:
    """Time for debts."""

    time: StoppedTime = field(default_factory=StoppedTime)

    def debt(self, rate: float | None) -> Debt:
        """Return a debt on this clock."""
        return Debt(rate, clock=self.time.clock, sleep=self.time.sleep)

    def rates(self, limits: SideLimits) -> Rates:
        """Return all rates on this clock."""
        return Rates(limits, clock=self.time.clock, sleep=self.time.sleep)

    @property
    def passed(self) -> float:
        """Return the seconds since the beginning."""
        return self.time.now - 1000.0


@pytest.fixture
def clock() -> Clock:
    """Return a clock at its beginning."""
    return Clock()


def answer(content: bytes) -> Answer:
    """Return an answer with a body."""
    body = SpooledBody(1_000_000)
    body.write(content)
    return Answer(200, {}, body)


async def test_a_known_cost_delays_the_next(clock: Clock) -> None:
    """What is paid for beforehand spreads evenly, from the second one on: no burst in the first second."""
    debt = clock.debt(100)
    starts = []
    for _ in range(5):
        await debt.pay(50)
        starts.append(clock.passed)
    assert starts == pytest.approx([0, 0.5, 1.0, 1.5, 2.0])


async def test_a_cost_known_afterwards_delays_the_next(clock: Clock) -> None:
    """A debt that an answer makes is paid off before anything else goes."""
    debt = clock.debt(100)
    await debt.pay(0)
    debt.charge(300)
    await debt.pay(0)
    assert clock.passed == pytest.approx(3)


async def test_idle_time_is_not_saved_up(clock: Clock) -> None:
    """After a pause there is no burst, either."""
    debt = clock.debt(10)
    await debt.pay(10)
    clock.time.now += 100
    before = clock.passed
    for _ in range(3):
        await debt.pay(10)
    assert clock.passed - before == pytest.approx(2)


async def test_those_who_wait_share_one_rate(clock: Clock) -> None:
    """Many at once are no faster than one after the other, and go in the order in which they came."""
    debt, order = clock.debt(10), list[int]()

    async def pay(number: int) -> None:
        await debt.pay(10)
        order.append(number)

    async with anyio.create_task_group() as group:
        for number in range(5):
            group.start_soon(pay, number)
    assert clock.passed == pytest.approx(4)
    assert order == [0, 1, 2, 3, 4]


async def test_no_rate_is_no_wait(clock: Clock) -> None:
    """Without a rate nothing is owed, whatever it cost."""
    debt = clock.debt(None)
    debt.charge(1e12)
    await debt.pay(1e12)
    assert clock.time.slept == []


async def test_another_rate_holds_for_those_who_wait(clock: Clock) -> None:
    """A debt of a quarter of an hour is gone within a nap when the rate becomes a thousand times higher."""
    debt = clock.debt(1)
    await debt.pay(1_000)
    real_sleep = clock.time.sleep

    async def sleep_and_change(seconds: float) -> None:
        await real_sleep(seconds)
        debt.change(1_000)

    debt._sleep = sleep_and_change
    await debt.pay(0)
    assert clock.passed <= NAP + 1


async def test_a_rate_that_is_lifted_forgives(clock: Clock) -> None:
    """What was owed under a rate is not owed without one, nor under a later one."""
    debt = clock.debt(1)
    debt.charge(1_000)
    debt.change(None)
    debt.change(1)
    await debt.pay(1)
    assert clock.time.slept == []


async def test_an_answer_like_the_last_is_expected(clock: Clock) -> None:
    """Requests that go out together are charged with what the last one of their route has brought."""
    debt = clock.debt(100)
    toll = Toll(debt)
    async with toll.passing("GET x", 0) as answered:
        answered(200)
    async with toll.passing("GET x", 0), toll.passing("GET x", 0):
        assert clock.passed == pytest.approx(4)


async def test_what_was_expected_and_did_not_come_is_given_back(clock: Clock) -> None:
    """A request without an answer costs what it brought there, no more."""
    debt = clock.debt(100)
    toll = Toll(debt)
    async with toll.passing("GET x", 0) as answered:
        answered(200)
    async with toll.passing("GET x", 0):
        pass
    await debt.pay(0)
    assert clock.passed == pytest.approx(2)


async def send(rates: Rates, request: Request, content: bytes) -> None:
    """Pass with a request that is answered with ``content``."""
    async with rates.passing(request, "route") as paid:
        got = answer(content)
        await paid(got)
        got.body.close()


async def test_bytes_count_in_both_directions(clock: Clock) -> None:
    """The body of the request and that of the answer, echo or not."""
    rates = clock.rates(SideLimits(bytes_per_second=100))
    post = Request("POST", "/x", "insert", body=b"x" * 100)
    await send(rates, post, b"y" * 300)
    await send(rates, post, b"y" * 300)
    assert clock.passed == pytest.approx(4)


async def test_rows_that_are_sent_count(clock: Clock) -> None:
    """A batch counts with the rows that it says it has; their echo does not count again."""
    rates = clock.rates(SideLimits(rows_per_second=100))
    post = Request("POST", "/x", "insert", body=b"x", rows=200)
    for _ in range(3):
        await send(rates, post, b'[{"run_id":1}]')
    assert clock.passed == pytest.approx(4)


async def test_rows_that_are_read_count(clock: Clock) -> None:
    """A page counts with its rows."""
    rates = clock.rates(SideLimits(rows_per_second=10))
    await send(rates, GET, b'{"a":[' + b'{"run_id":"r"},' * 20 + b"]}")
    await send(rates, GET, b"[]")
    assert clock.passed == pytest.approx(2)


async def test_rows_are_not_looked_for_without_a_rate(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody pays for counting who did not ask for it."""

    def chunks(_body: SpooledBody, _size: int) -> NoReturn:
        pytest.fail("looked through")

    monkeypatch.setattr(SpooledBody, "chunks", chunks)
    await send(clock.rates(SideLimits(bytes_per_second=1_000)), GET, b"[1]")


async def test_requests_that_wait_take_their_place_under_a_new_pace() -> None:
    """Whoever waits for a quarter of an hour goes on when the pace is lifted or becomes a fast one."""
    pace, gone = RequestRate(0.001), list[int]()
    await pace.wait()

    async def wait(number: int) -> None:
        await pace.wait()
        gone.append(number)

    async with anyio.create_task_group() as group:
        for number in range(3):
            group.start_soon(wait, number)
        await anyio.wait_all_tasks_blocked()
        assert gone == []
        pace.change(0.002)
        await anyio.wait_all_tasks_blocked()
        assert len(gone) <= 1
        pace.change(None)
    assert sorted(gone) == [0, 1, 2]


async def test_a_wait_for_the_pace_can_be_cancelled() -> None:
    """A change of the pace is one thing, the end of the job another."""
    pace = RequestRate(0.001)
    await pace.wait()
    async with anyio.create_task_group() as group:
        group.start_soon(pace.wait)
        await anyio.wait_all_tasks_blocked()
        group.cancel_scope.cancel()
    assert pace._waiting == set()
