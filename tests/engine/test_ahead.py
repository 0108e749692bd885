"""Windows that are read before they are wanted."""

from collections.abc import Awaitable, Callable
from contextlib import suppress

import anyio
import pytest

from transfer.engine.ahead import Begun, Places, read_ahead
from transfer.engine.choose import Choice
from transfer.engine.window import LoadedWindow
from transfer.model import Window

from .tables import DAG

Load = Callable[[], Awaitable[LoadedWindow | None]]


class Page:
    """A page that remembers whether it was closed."""

    def __init__(self) -> None:
        self.is_closed = False

    def close(self) -> None:
        """Close it."""
        self.is_closed = True


def window_with(page: Page) -> LoadedWindow:
    """Return a window that holds ``page``."""
    return LoadedWindow(Window(DAG, 1, 0, 0, 1, None), Choice(), set(), 1, {}, [page])  # type: ignore[list-item]  # a page that is only closed


def begun_one() -> Begun:
    """Return a window of which nobody wants to know when it is over."""
    return Begun(lambda _begun: None)


def returning(loaded: LoadedWindow | None, when: anyio.Event | None = None) -> Load:
    """Return what reads ``loaded``, as soon as ``when`` says."""

    async def load() -> LoadedWindow | None:
        if when is not None:
            await when.wait()
        return loaded

    return load


async def test_a_result_waits_until_the_window_is_read() -> None:
    """Whoever asks for a window that is on its way gets it when it has come."""
    may_come, begun = anyio.Event(), begun_one()
    loaded = window_with(Page())
    async with read_ahead() as ahead:
        ahead.begin(begun, returning(loaded, may_come))
        await anyio.wait_all_tasks_blocked()
        may_come.set()
        assert await begun.result() is loaded


async def test_windows_are_read_at_the_same_time() -> None:
    """A window that is on its way does not hold up the next one."""
    may_come, first, second = anyio.Event(), begun_one(), begun_one()
    async with read_ahead() as ahead:
        ahead.begin(first, returning(None, may_come))
        ahead.begin(second, returning(window_with(Page())))
        assert await second.result() is not None
        may_come.set()
        assert await first.result() is None


async def test_a_failure_belongs_to_who_waits_for_the_window() -> None:
    """What reading raises is raised where the window is taken, and stops nothing else."""

    async def fail() -> LoadedWindow | None:
        raise ValueError("no pages")

    bad, good = begun_one(), begun_one()
    async with read_ahead() as ahead:
        ahead.begin(bad, fail)
        ahead.begin(good, returning(window_with(Page())))
        assert await good.result() is not None
        with pytest.raises(ValueError, match="no pages"):
            await bad.result()


async def test_what_the_body_raises_comes_out_as_it_is() -> None:
    """An error of the reader is not wrapped into a group, and ends what is on its way."""

    async def read() -> None:
        async with read_ahead() as ahead:
            ahead.begin(begun_one(), returning(None, anyio.Event()))
            raise ValueError("moved")

    with pytest.raises(ValueError, match="moved"):
        await read()


@pytest.mark.parametrize("is_read", [True, False])
async def test_a_discarded_window_frees_its_pages(*, is_read: bool) -> None:
    """Pages of a window that nobody wants any more are closed, also if they come in that moment."""
    page, begun, may_come = Page(), begun_one(), anyio.Event()

    async def stubborn() -> LoadedWindow:
        with anyio.CancelScope(shield=True):
            await may_come.wait()
        return window_with(page)

    async with read_ahead() as ahead:
        ahead.begin(begun, stubborn)
        await anyio.wait_all_tasks_blocked()
        if is_read:
            may_come.set()
            await anyio.wait_all_tasks_blocked()
        begun.discard()
        may_come.set()
        await anyio.wait_all_tasks_blocked()
        assert page.is_closed


async def test_reading_goes_on_when_nobody_wants_the_window() -> None:
    """A request that the server works on is not given up: its place is free when the answer is there, not before."""
    over: list[Begun] = []
    begun, may_come, page = Begun(over.append), anyio.Event(), Page()
    async with read_ahead() as ahead:
        ahead.begin(begun, returning(window_with(page), may_come))
        await anyio.wait_all_tasks_blocked()
        begun.discard()
        assert (over, begun.is_wanted) == ([], False)
        may_come.set()
        await anyio.wait_all_tasks_blocked()
        assert (over, page.is_closed) == ([begun], True)


async def test_a_window_is_over_when_its_reading_is_stopped() -> None:
    """The place of a window that nobody wants is free when the pass ends, whatever it was waiting for."""
    over: list[Begun] = []
    begun = Begun(over.append)
    async with read_ahead() as ahead:
        ahead.begin(begun, returning(None, anyio.Event()))
        await anyio.wait_all_tasks_blocked()
        begun.discard()
    assert over == [begun]


async def test_a_window_that_was_taken_is_not_freed() -> None:
    """Discarding after the result leaves the pages to who has them."""
    page, begun = Page(), begun_one()
    async with read_ahead() as ahead:
        ahead.begin(begun, returning(window_with(page)))
        await begun.result()
        begun.discard()
    assert not page.is_closed


async def test_places_are_given_in_turn() -> None:
    """Nobody takes a place at once while another one waits for it."""
    places, first, second, third = Places(1, 1), object(), object(), object()
    await places.take(first)
    async with anyio.create_task_group() as group:
        group.start_soon(places.take, second)
        await anyio.wait_all_tasks_blocked()
        places.leave(first)
        assert not places.take_at_once(third)
    places.leave(second)
    assert places.take_at_once(third)


async def test_nothing_more_is_read_while_enough_is_ready() -> None:
    """Windows that no writer takes keep others from being begun, until one is taken."""
    places, first, second, third = Places(4, 1), object(), object(), object()
    assert places.take_at_once(first)
    assert places.take_at_once(second)
    places.ready(first)
    assert not places.take_at_once(third)
    places.leave(first)
    assert places.take_at_once(third)


async def test_who_gives_up_waiting_does_not_keep_the_next_one_waiting() -> None:
    """A reader that is stopped while it waits for a place lets the one behind it have it."""
    places, holder, scope = Places(1, 1), object(), anyio.CancelScope()
    await places.take(holder)

    async def give_up() -> None:
        with scope:
            await places.take(object())

    async with anyio.create_task_group() as group:
        group.start_soon(give_up)
        await anyio.wait_all_tasks_blocked()
        group.start_soon(places.take, object())
        await anyio.wait_all_tasks_blocked()
        scope.cancel()
        places.leave(holder)


async def test_more_places_wake_who_waits() -> None:
    """A side that takes more lets more windows be read."""
    places = Places(1, 1)
    assert places.take_at_once(object())
    async with anyio.create_task_group() as group:
        group.start_soon(places.take, object())
        await anyio.wait_all_tasks_blocked()
        places.resize(2, 1)


async def test_being_stopped_ends_what_is_on_its_way() -> None:
    """A reader that is cancelled leaves nothing behind."""
    begun = begun_one()
    with anyio.CancelScope() as scope, suppress(AssertionError):
        async with read_ahead() as ahead:
            ahead.begin(begun, returning(None, anyio.Event()))
            await anyio.wait_all_tasks_blocked()
            scope.cancel()
            await begun.result()
            raise AssertionError("unreachable")
    assert scope.cancelled_caught
