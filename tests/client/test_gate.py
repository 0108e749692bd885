"""The gate before which all requests of a side wait."""

import pytest

from transfer.client.gate import Gate
from transfer.config.settings import Retry

from .serving import StoppedTime

RETRY = Retry(attempts=3, wait_initial=0.5, wait_max=4, retry_after_max=60)


async def test_an_open_gate_does_not_wait() -> None:
    """Nobody waits while nothing failed."""
    time = StoppedTime()
    assert await Gate(RETRY, time.time()).enter() == 1000.0
    assert time.slept == []


async def test_waits_double_up_to_the_most() -> None:
    """Each failure in a row doubles the wait, up to wait_max."""
    time = StoppedTime()
    gate = Gate(RETRY, time.time())
    waits = [gate.failed(await gate.enter(), 1, None) for _ in range(6)]
    assert waits == [0.5, 1, 2, 4, 4, 4]
    assert time.slept == waits[:-1]


async def test_failures_at_the_same_time_are_one_strike() -> None:
    """Requests that were under way together count once, so that more concurrency does not mean less patience."""
    gate = Gate(RETRY, StoppedTime().time())
    started = await gate.enter()
    assert gate.failed(started, 1, None) == 0.5
    assert gate.failed(started - 0.1, 1, None) == 0.5
    assert gate.strikes == 1


async def test_a_request_that_keeps_failing_waits_longer_than_the_side() -> None:
    """The number of the attempt counts too, when others succeed in between."""
    gate = Gate(RETRY, StoppedTime().time())
    gate.failed(0, 1, None)
    gate.answered()
    assert gate.failed(2000, 3, None) == 2


@pytest.mark.parametrize(("told", "wait"), [(12.0, 12.0), (0.0, 0.0), (86_400.0, 60.0), (float("inf"), 60.0)])
async def test_the_side_waits_as_told(told: float, wait: float) -> None:
    """A Retry-After is followed, also a short one, and shortened to retry_after_max."""
    time = StoppedTime()
    gate = Gate(RETRY, time.time())
    assert gate.failed(await gate.enter(), 1, told) == wait
    assert await gate.enter() == 1000.0 + wait


async def test_a_longer_wait_is_not_cut_short() -> None:
    """A failure that asks for less does not open a gate that is closed for longer."""
    time = StoppedTime()
    gate = Gate(RETRY, time.time())
    gate.failed(1000, 1, 30.0)
    gate.failed(1000, 1, 1.0)
    assert await gate.enter() == 1030.0


async def test_waits_are_spread() -> None:
    """Up to a quarter is added at random, so that those who waited together do not start together."""
    time = StoppedTime()
    gate = Gate(RETRY, time.time(jitter=1.0))
    gate.failed(1000, 1, 8.0)
    assert await gate.enter() == 1010.0


async def test_a_side_is_given_up_after_enough_strikes_and_not_before() -> None:
    """Twenty failures in a row are the end, any answer in between a new beginning."""
    gate = Gate(RETRY, StoppedTime().time())
    given_up = []
    for _ in range(20):
        gate.failed(await gate.enter(), 1, None)
        given_up.append(gate.given_up)
    gate.answered()
    assert [*given_up, gate.given_up] == [False] * 19 + [True, False]
