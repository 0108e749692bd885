"""How many windows are written at once."""

import anyio
from anyio.abc import TaskGroup, TaskStatus

from transfer.engine.berths import Berth, Berths


async def written(berths: Berths, end: anyio.Event, *, task_status: TaskStatus[Berth]) -> None:
    """Write a window until ``end``."""
    async with berths.one() as berth:
        task_status.started(berth)
        await end.wait()


async def begun(group: TaskGroup, berths: Berths, end: anyio.Event) -> Berth:
    """Begin to write a window and return its berth."""
    berth: Berth = await group.start(lambda *, task_status: written(berths, end, task_status=task_status))
    return berth


async def more(group: TaskGroup, berths: Berths, count: int = 1) -> list[Berth]:
    """Let ``count`` more be written, and return the berths of those that may begin."""
    got: list[Berth] = []

    async def one() -> None:
        async with berths.one() as berth:
            got.append(berth)
            await anyio.sleep_forever()

    for _ in range(count):
        group.start_soon(one)
    await anyio.wait_all_tasks_blocked()
    return got


async def test_full_windows_fill_the_room() -> None:
    """As many as there is room for are written at once, and the next as soon as one of them is."""
    async with anyio.create_task_group() as group:
        berths, end = Berths(2, 9), anyio.Event()
        await begun(group, berths, end)
        got = await more(group, berths, 2)
        assert len(got) == 1
        end.set()
        await anyio.wait_all_tasks_blocked()
        assert len(got) == 2
        group.cancel_scope.cancel()


async def test_small_windows_share_it() -> None:
    """Room that a window turns out not to need is for others; one that is not known yet may need all of its own."""
    async with anyio.create_task_group() as group:
        berths, end = Berths(2, 9), anyio.Event()
        small = [await begun(group, berths, end) for _ in range(2)]
        got = await more(group, berths, 2)
        assert got == []
        for berth in small:
            berths.weigh(berth, 0.25)
        await anyio.wait_all_tasks_blocked()
        assert len(got) == 1
        group.cancel_scope.cancel()


async def test_small_windows_are_no_more_than_can_be_asked_for() -> None:
    """Windows of nothing are counted, too."""
    async with anyio.create_task_group() as group:
        berths, end = Berths(2, 3), anyio.Event()
        for _ in range(3):
            berths.weigh(await begun(group, berths, end), 0.0)
        assert await more(group, berths) == []
        berths.resize(2, 4)
        assert await more(group, berths, 0) == []
        await anyio.wait_all_tasks_blocked()
        assert len(berths._held) == 4
        group.cancel_scope.cancel()


async def test_who_gives_up_waiting_is_not_waited_for() -> None:
    """A writer that is stopped while it waits does not keep those behind it out."""
    async with anyio.create_task_group() as group:
        berths, end = Berths(1, 9), anyio.Event()
        await begun(group, berths, end)
        with anyio.move_on_after(0):
            async with berths.one():
                raise AssertionError
        got = await more(group, berths)
        end.set()
        await anyio.wait_all_tasks_blocked()
        assert len(got) == 1
        group.cancel_scope.cancel()
