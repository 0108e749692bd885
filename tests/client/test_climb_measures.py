"""What is measured of a server, and how requests of different sizes are made comparable."""

import random

import pytest

from transfer.client.control import Done
from transfer.client.cost import ENOUGH, MOST_ROUTES, Costs
from transfer.client.gains import Gains
from transfer.client.meter import Meter, Round, middle


def done(size: int, seconds: float, route: str = "POST x", start: float = 0.0) -> Done:
    """Return a request that took ``seconds``."""
    return Done(start, start + seconds, route, size)


def test_the_cost_of_a_request_follows_its_size() -> None:
    """A line through what was seen tells what was not."""
    costs = Costs()
    costs.learn([done(size, 0.1 + size * 1e-6) for size in (1_000, 500_000, 50_000, 900_000, 200_000)])
    assert costs.of(done(700_000, 0)) == pytest.approx(0.8, rel=0.01)
    assert costs.of(done(0, 0)) == pytest.approx(0.1, rel=0.02)


def test_a_route_is_known_after_some_requests() -> None:
    """One request may have been an outlier."""
    costs = Costs()
    costs.learn([done(10, 1.0)] * (int(ENOUGH) - 1))
    assert not costs.knows(done(10, 0))
    costs.learn([done(10, 1.0)] * 2)
    assert costs.knows(done(10, 0))
    assert not costs.knows(done(10, 0, "GET x"))


@pytest.mark.parametrize(("times", "more"), [(1.0, 2.0), (3.0, 0.0)], ids=["queue", "slow server"])
def test_the_lines_stay_where_they_are_when_all_becomes_slower(times: float, more: float) -> None:
    """Whether all requests wait in a queue or take three times as long: none becomes dearer than another."""
    chance = random.Random(1)  # noqa: S311 - chance that can be repeated
    costs = Costs()

    def some(times: float, more: float) -> list[Done]:
        sizes = [chance.randrange(1_000, 1_000_000) for _ in range(20)]
        return [done(size, more + times * (0.05 + size * 1e-6) * chance.uniform(0.7, 1.4)) for size in sizes]

    for _ in range(5):
        costs.learn(some(1.0, 0.0))
    before = costs.of(done(500_000, 0))
    for _ in range(100):
        costs.learn(some(times, more))
    assert costs.of(done(500_000, 0)) == pytest.approx(before, rel=0.15)
    assert costs.of(done(900_000, 0)) > 1.5 * costs.of(done(100_000, 0))


def test_a_mix_that_changes_is_not_a_server_that_changes() -> None:
    """Ten large requests cost what they cost among small ones."""
    costs = Costs()
    costs.learn([done(1_000, 0.1), done(1_000_000, 1.1)] * 5)
    for _ in range(20):
        costs.learn([done(1_000, 0.1)] * 10)
    meter = Meter()
    meter.count(0.0, 1)
    meter.restart()
    meter.done = [done(1_000_000, 1.1)] * 10
    meter.count(11.0, -1)
    measured = meter.end_round(costs)
    assert measured is not None
    assert measured.slowness == pytest.approx(1, rel=0.05)


def test_a_cost_is_never_nothing() -> None:
    """Whatever comes in: requests without bytes, without time, larger ones that are faster."""
    costs = Costs()
    costs.learn([done(0, 0.0)] * 5)
    costs.learn([done(10**9, 0.0), done(1, 5.0)] * 5)
    assert costs.of(done(0, 0)) > 0
    assert costs.of(done(10**12, 0)) > 0


def test_routes_are_bounded() -> None:
    """However many paths there are, memory is not filled with them."""
    costs = Costs()
    for number in range(10 * MOST_ROUTES):
        costs.learn([done(1, 1.0, f"GET {number}"), *[done(1, 1.0)] * 5])
    assert len(costs._lines) <= MOST_ROUTES


def test_speed_is_what_is_under_way_by_what_it_takes() -> None:
    """Four at once, each of which takes twice as long as it should, are two at full speed."""
    costs = Costs()
    costs.learn([done(1_000, 1.0)] * 5)
    meter = Meter()
    meter.count(10.0, 4)
    meter.restart()
    meter.done = [done(1_000, 2.0, start=10)] * 4
    meter.count(12.0, -4)
    measured = meter.end_round(costs)
    assert measured is not None
    assert (measured.used, measured.slowness, measured.speed) == pytest.approx((4, 2, 2))


def test_a_round_of_strangers_says_nothing() -> None:
    """Requests of which nothing is known are learnt from, and not judged by."""
    costs, meter = Costs(), Meter()
    costs.learn([done(1_000, 1.0)] * 5)
    meter.done = [done(1_000, 2.0, "GET y")] * 5
    assert meter.end_round(costs) is None
    assert costs.of(done(1_000, 0, "GET y")) == pytest.approx(2.0)


def test_the_first_round_is_the_measure() -> None:
    """With nothing to compare it with, the server is neither slow nor fast; the clock may have begun long ago."""
    meter = Meter()
    meter.restart()
    meter.count(1e6, 2)
    meter.done = [done(1_000, 2.0)] * 5
    meter.count(1e6 + 5, -1)
    measured = meter.end_round(Costs())
    assert measured is not None
    assert (measured.used, measured.slowness, measured.cost) == pytest.approx((2, 1, 2))


def test_a_clock_that_stands_still() -> None:
    """Nothing is divided by nothing."""
    costs, meter = Costs(), Meter()
    costs.learn([done(0, 0.0)] * 5)
    meter.count(1.0, 1)
    meter.restart()
    meter.done = [done(0, 0.0)]
    measured = meter.end_round(costs)
    assert measured is not None
    assert measured.speed > 0


def test_one_bad_round_does_not_count() -> None:
    """Of several rounds the middle is taken."""
    rounds = [Round(4, 1.0), Round(4, 9.0), Round(4, 1.2)]
    assert middle(rounds) == Round(4, 1.2)


def test_looks_at_one_step_add_up() -> None:
    """One lucky look makes less of a step than the same one three times; both directions know the same step."""
    gains = Gains()
    first = gains.seen(4, 5, Round(4, 1.0), Round(5, 1.1))
    for _ in range(2):
        last = gains.seen(5, 4, Round(5, 1.1), Round(4, 1.0))
    assert first < last
    gains.forget()
    assert gains.seen(4, 5, Round(4, 1.0), Round(5, 1.1)) == first


def test_time_in_which_nobody_asks_says_nothing() -> None:
    """A server that is asked for four things at once, now and then, is asked for four at once."""
    meter = Meter()
    for begin in (10.0, 20.0):
        meter.count(begin, 4)
        meter.count(begin + 2, -4)
    meter.done = [done(1_000, 2.0)] * 8
    measured = meter.end_round(Costs())
    assert measured is not None
    assert measured.used == pytest.approx(4)


def test_the_first_round_of_which_anything_is_known_is_the_measure() -> None:
    """A few requests of many kinds at the start, each as no other, do not put off what can be learnt from the next."""
    costs, meter = Costs(), Meter()
    meter.count(0.0, 1)
    meter.done = [done(0, 0.1, f"GET {number}") for number in range(5)]
    assert meter.end_round(costs) is None
    meter.done = [done(1_000, 2.0)] * 5
    meter.count(10.0, -1)
    measured = meter.end_round(costs)
    assert measured is not None
    assert measured.slowness == pytest.approx(1)
