"""The gate before each window."""

import anyio

from transfer.engine.pace import Pace


async def test_it_is_open_by_itself() -> None:
    """Nobody waits who was not told to."""
    with anyio.fail_after(0):
        await Pace().open()


async def test_a_closed_gate_lets_nobody_pass_until_it_is_released() -> None:
    """All who wait pass then; closing it twice or with another reason changes nothing for them."""
    pace, passed = Pace(), []
    pace.close("a")

    async def pass_by(number: int) -> None:
        await pace.open()
        passed.append(number)

    async with anyio.create_task_group() as group:
        for number in range(3):
            group.start_soon(pass_by, number)
        await anyio.wait_all_tasks_blocked()
        pace.close("b")
        await anyio.wait_all_tasks_blocked()
        assert (passed, pace.reason) == ([], "b")
        pace.release()
        await anyio.wait_all_tasks_blocked()
        assert (sorted(passed), pace.reason) == ([0, 1, 2], None)


async def test_a_gate_that_closes_again_at_once_holds_who_comes_late() -> None:
    """Whoever wakes up to a closed gate goes on waiting."""
    pace, passed = Pace(), anyio.Event()
    pace.close("a")

    async def pass_by() -> None:
        await pace.open()
        passed.set()

    async with anyio.create_task_group() as group:
        group.start_soon(pass_by)
        await anyio.wait_all_tasks_blocked()
        pace.release()
        pace.close("b")
        await anyio.wait_all_tasks_blocked()
        assert not passed.is_set()
        pace.release()
        await passed.wait()
