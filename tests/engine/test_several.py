"""Several batches of one window under way at once."""

import anyio
import pytest

from transfer.engine.several import several
from transfer.errors import AuthError


async def send_nothing() -> None:
    """Do nothing."""


async def test_no_more_are_under_way_than_there_is_room_for() -> None:
    """The next one waits for a place, whoever has them, and is let in when one is over."""
    room, over, under_way = anyio.CapacityLimiter(2), anyio.Event(), 0

    async def send() -> None:
        nonlocal under_way
        under_way += 1
        await over.wait()

    async def send_three() -> None:
        async with several(room) as sending:
            for _ in range(3):
                await sending.place()
                sending.start(send)

    async with anyio.create_task_group() as group:
        group.start_soon(send_three)
        await anyio.wait_all_tasks_blocked()
        assert under_way == 2
        over.set()
    assert (under_way, room.borrowed_tokens) == (3, 0)


async def test_a_failure_waits_for_the_others() -> None:
    """What failed is raised as it is, when everything that was started is over."""
    room, may_end, ended = anyio.CapacityLimiter(3), anyio.Event(), False

    async def fail() -> None:
        may_end.set()
        raise ValueError("refused")

    async def end() -> None:
        nonlocal ended
        await may_end.wait()
        await anyio.lowlevel.checkpoint()
        ended = True

    async def send_both() -> None:
        async with several(room) as sending:
            await sending.place()
            sending.start(end)
            await sending.place()
            sending.start(fail)

    with pytest.raises(ValueError, match="refused"):
        await send_both()
    assert (ended, room.borrowed_tokens) == (True, 0)


async def test_the_gravest_failure_is_told() -> None:
    """A password that is refused is not hidden by a window that moved meanwhile."""
    room = anyio.CapacityLimiter(1)

    async def fail() -> None:
        raise AuthError("target", "insert", "refused")

    async def move() -> None:
        async with several(room) as sending:
            await sending.place()
            sending.start(fail)
            await anyio.wait_all_tasks_blocked()
            raise ValueError("moved")

    with pytest.raises(AuthError):
        await move()


async def test_nothing_is_started_after_a_failure() -> None:
    """Whoever asks for another place after a failure hears of it."""
    room = anyio.CapacityLimiter(1)

    async def fail() -> None:
        raise ValueError("refused")

    async with several(room) as sending:
        await sending.place()
        sending.start(fail)
        with pytest.raises(ValueError, match="refused"):
            await sending.place()
        sending.failures.clear()


async def test_a_place_that_was_not_needed_is_given_back() -> None:
    """A window that moved while it waited for nothing more leaves its place to others."""
    room = anyio.CapacityLimiter(1)

    async def move() -> None:
        async with several(room) as sending:
            await sending.place()
            raise ValueError("moved")

    with pytest.raises(ValueError, match="moved"):
        await move()
    assert room.borrowed_tokens == 0


async def test_a_place_is_taken_once() -> None:
    """Asking again before anything is started does not take another place."""
    room = anyio.CapacityLimiter(1)
    async with several(room) as sending:
        await sending.place()
        await sending.place()
        sending.start(send_nothing)
    assert room.borrowed_tokens == 0
