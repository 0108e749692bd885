"""Slots and pace of a side."""

import anyio
import anyio.lowlevel
import pytest

from transfer.client.base import Answer, Request
from transfer.client.body import SpooledBody
from transfer.client.limit import RECOVERY, LimitSender
from transfer.config.settings import SideLimits
from transfer.errors import LostAnswerError, SideError, ThrottledError, TransientError

GET = Request("GET", "/x", "info")


class Counting:
    """A sender that counts how many requests are under way, and fails when told."""

    def __init__(self) -> None:
        self.now = 0
        self.most = 0
        self.error: SideError | None = None

    async def send(self, _request: Request) -> Answer:
        """Take a few turns of the loop."""
        self.now += 1
        self.most = max(self.most, self.now)
        await anyio.wait_all_tasks_blocked() if self.error is None and self.most < 2 else None
        await anyio.lowlevel.checkpoint()
        self.now -= 1
        if self.error is not None:
            raise self.error
        return Answer(200, {}, SpooledBody(1))


async def send(sender: LimitSender) -> None:
    """Send and drop the answer."""
    (await sender.send(GET)).body.close()


async def test_no_more_than_allowed_at_once() -> None:
    """Of many requests as many as there are slots are under way."""
    inner = Counting()
    sender = LimitSender(inner, SideLimits(concurrency=3))
    async with anyio.create_task_group() as group:
        for _ in range(10):
            group.start_soon(send, sender)
    assert inner.most == 3


@pytest.mark.parametrize(("kind", "status"), [(ThrottledError, 429), (ThrottledError, 503), (LostAnswerError, 503)])
async def test_an_overloaded_side_gets_fewer_at_once(kind: type[SideError], status: int) -> None:
    """Overload halves the slots down to one; answers in a row give them back one by one."""
    inner = Counting()
    sender = LimitSender(inner, SideLimits(concurrency=5))
    inner.error = kind("target", "info", "no", status=status)
    for slots in (2, 1, 1):
        with pytest.raises(kind):
            await send(sender)
        assert sender.slots == slots
    inner.error = None
    for _ in range(5 * RECOVERY):
        await send(sender)
    assert sender.slots == 5


async def test_recovery_starts_anew_after_overload() -> None:
    """Answers before an overload do not count for the recovery from it."""
    inner = Counting()
    sender = LimitSender(inner, SideLimits(concurrency=4))
    for _ in range(RECOVERY - 1):
        await send(sender)
    inner.error = ThrottledError("target", "info", "no", status=429)
    with pytest.raises(ThrottledError):
        await send(sender)
    inner.error = None
    await send(sender)
    assert sender.slots == 2


async def test_other_failures_do_not_slow_down() -> None:
    """A broken connection says nothing about the load."""
    inner = Counting()
    inner.error = TransientError("target", "info", "no")
    sender = LimitSender(inner, SideLimits(concurrency=4))
    with pytest.raises(TransientError):
        await send(sender)
    assert sender.slots == 4


async def test_the_pace_has_no_burst() -> None:
    """With a rate, requests come one per interval, from the second one on."""
    sender = LimitSender(Counting(), SideLimits(requests_per_second=500))
    start = anyio.current_time()
    for _ in range(6):
        await send(sender)
    assert anyio.current_time() - start >= 5 / 500 * 0.9
