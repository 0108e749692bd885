"""The limits of a side as everybody shares them, and their change while requests are under way."""

from itertools import count

import anyio
import anyio.lowlevel
import pytest

from transfer.client.base import Answer, Request
from transfer.client.body import SpooledBody
from transfer.client.gate import Gate
from transfer.client.limit import REMEMBERED, LimitSender, SideLimit, route_of
from transfer.client.retry import RetrySender
from transfer.client.stack import open_side
from transfer.config.settings import Limits, Retry, SideLimits
from transfer.errors import SideError, ThrottledError

from .serving import INFO, StoppedTime, answers, endpoint, serving

GET = Request("GET", "/api/starship/info", "info")


class Held:
    """A sender that answers when it is told."""

    def __init__(self) -> None:
        self.now = 0
        self.go = anyio.Event()

    async def send(self, _request: Request) -> Answer:
        """Wait for ``go``."""
        self.now += 1
        await self.go.wait()
        self.now -= 1
        return Answer(200, {}, SpooledBody(1))


class EveryOther:
    """A sender that takes some time and answers 429 to every other request once it is troubled."""

    def __init__(self, time: StoppedTime) -> None:
        self._time = time
        self._number = count()
        self.is_troubled = False

    async def send(self, _request: Request) -> Answer:
        """Answer, or not."""
        await self._time.sleep(0.01)
        if self.is_troubled and next(self._number) % 2:
            raise ThrottledError("source", "info", "slow down", status=429)
        return Answer(200, {}, SpooledBody(1))


async def send(sender: LimitSender | RetrySender) -> None:
    """Send and drop the answer."""
    (await sender.send(GET)).body.close()


async def test_a_higher_number_lets_those_go_who_wait() -> None:
    """A change while requests wait for a slot holds at once."""
    inner, limit = Held(), SideLimit("source", SideLimits(concurrency=2))
    sender = LimitSender(inner, limit)
    async with anyio.create_task_group() as group:
        for _ in range(10):
            group.start_soon(send, sender)
        await anyio.wait_all_tasks_blocked()
        assert inner.now == 2
        limit.change(SideLimits(concurrency=7))
        await anyio.wait_all_tasks_blocked()
        assert inner.now == 7
        inner.go.set()


async def test_a_lower_number_holds_for_the_next() -> None:
    """What is under way is left alone; nothing goes out until there is room again."""
    inner, limit = Held(), SideLimit("source", SideLimits(concurrency=5))
    sender = LimitSender(inner, limit)
    async with anyio.create_task_group() as group:
        for _ in range(5):
            group.start_soon(send, sender)
        await anyio.wait_all_tasks_blocked()
        limit.change(SideLimits(concurrency=1))
        first, inner.go = inner.go, anyio.Event()
        for _ in range(3):
            group.start_soon(send, sender)
        await anyio.wait_all_tasks_blocked()
        assert inner.now == 5
        first.set()
        await anyio.wait_all_tasks_blocked()
        assert inner.now == 1
        inner.go.set()


async def test_changes_are_told() -> None:
    """Whoever asked hears of other limits, and of another number that was found."""
    limit, told = SideLimit("target", SideLimits(concurrency=8)), list[tuple[int, int]]()
    limit.on_change(lambda: told.append((limit.concurrency, limit.highest)))
    limit.change(SideLimits(concurrency=4))
    start = limit.began()
    limit.failed(start, ThrottledError("target", "x", "no", status=429))
    assert told == [(4, 4), (2, 4)]
    assert [number for _, number in limit.history] == [8, 4, 2]


async def test_a_change_between_fixed_and_found() -> None:
    """What was fixed is where finding out begins; what was found does not matter to what is fixed."""
    limit = SideLimit("target", SideLimits(concurrency=6))
    limit.change(SideLimits(max_concurrency=20))
    assert (limit.concurrency, limit.highest) == (6, 20)
    limit.change(SideLimits(concurrency=9))
    assert (limit.concurrency, limit.highest) == (9, 9)


async def test_another_rate_leaves_what_was_found() -> None:
    """Limits that differ in something else do not begin the search anew."""
    limit = SideLimit("target", SideLimits(concurrency=8))
    limit.failed(limit.began(), ThrottledError("target", "x", "no", status=429))
    limit.change(SideLimits(concurrency=8, rows_per_second=5))
    assert limit.concurrency == 4


@pytest.mark.parametrize(("side", "highest"), [("source", 12), ("target", 32)])
def test_the_source_is_asked_more_gently(side: str, highest: int) -> None:
    """By default each side has its own ceiling; it begins with a few."""
    limit = SideLimit("source" if side == "source" else "target", SideLimits())
    assert limit.highest == highest
    assert limit.concurrency == 2


def test_what_was_found_is_where_it_begins() -> None:
    """An earlier run's number counts, within the bounds; a fixed number does not care."""
    assert SideLimit("target", SideLimits(), start=12).concurrency == 12
    assert SideLimit("source", SideLimits(), start=20).concurrency == 12
    assert SideLimit("source", SideLimits(concurrency=3), start=12).concurrency == 3


def test_the_history_is_bounded() -> None:
    """It remembers the beginning and the last changes best, in order."""
    seconds = count()
    limit = SideLimit("target", SideLimits(concurrency=1), clock=lambda: float(next(seconds)))
    for number in range(5 * REMEMBERED):
        limit.change(SideLimits(concurrency=2 + number % 2))
    times = [time for time, _ in limit.history]
    assert len(limit.history) <= REMEMBERED
    assert limit.history[0] == (0.0, 1)
    assert times == sorted(times)
    assert limit.history[-1][1] == limit.concurrency


async def test_a_side_that_refuses_every_other_request_is_spared() -> None:
    """429 half of the time: one at once, far fewer per second, and the job goes on."""
    time = StoppedTime()
    inner, limit = EveryOther(time), SideLimit("source", SideLimits(), clock=time.clock)
    sender = RetrySender(LimitSender(inner, limit), "source", Gate(Retry(), time.time()))

    async def lane() -> None:
        for _ in range(50):
            await send(sender)

    async def seconds() -> float:
        before = time.now
        async with anyio.create_task_group() as group:
            for _ in range(8):
                group.start_soon(lane)
        return time.now - before

    healthy = await seconds()
    inner.is_troubled = True
    assert await seconds() > 5 * healthy
    assert limit.concurrency == 1


@pytest.mark.parametrize("error", [None, ThrottledError("source", "info", "no", status=500)])
async def test_a_request_that_ends_early_is_not_under_way_any_more(error: SideError | None) -> None:
    """Errors and cancellations give their slot back."""

    class Failing:
        async def send(self, _request: Request) -> Answer:
            if error is not None:
                raise error
            await anyio.sleep_forever()
            raise AssertionError("unreachable")  # pragma: no cover

    limit = SideLimit("source", SideLimits(max_concurrency=1))
    sender = LimitSender(Failing(), limit)
    for _ in range(3):
        with anyio.move_on_after(0 if error is None else 5):
            if error is None:
                await sender.send(GET)
            with pytest.raises(SideError):
                await sender.send(GET)
    assert limit.slots.borrowed_tokens == 0


async def test_a_side_obeys_the_limit_it_is_opened_with() -> None:
    """What the endpoint says does not count beside a limit that others can see."""
    limit = SideLimit("source", SideLimits(concurrency=1))
    async with (
        serving(answers(INFO)) as (url, _),
        open_side("source", endpoint(url, limits={"concurrency": 9}), Retry(), Limits(), limit=limit) as source,
    ):
        async with limit.slots:
            with anyio.move_on_after(0) as scope:
                await source.info()
        assert scope.cancelled_caught
        assert (await source.info()).airflow_version == "2.11.2"


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/api/starship/task_instances", "GET /api/starship/task_instances"),
        ("/api/v1/dags/a/dagRuns/b", "GET /api/v1/dags"),
    ],
)
def test_routes_have_no_ids(path: str, route: str) -> None:
    """Requests for different rows are of one kind."""
    assert route_of(Request("GET", path, "x")) == route


async def test_a_side_on_hold_is_left_alone() -> None:
    """While a side is on hold no request goes out, and those that wait go out when it is over."""
    limit, inner = SideLimit("target", SideLimits(concurrency=3)), Held()
    sender = LimitSender(inner, limit)
    limit.hold()
    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(send, sender)
        await anyio.wait_all_tasks_blocked()
        assert inner.now == 0
        limit.release()
        await anyio.wait_all_tasks_blocked()
        assert inner.now == 3
        inner.go.set()


def test_what_was_found_is_found_again_after_a_fixed_number() -> None:
    """A number that is given for a while does not make it forget what it had found."""
    limit = SideLimit("target", SideLimits(), start=9)
    limit.change(SideLimits(concurrency=1))
    assert limit.concurrency == 1
    limit.change(SideLimits())
    assert limit.concurrency == 9
