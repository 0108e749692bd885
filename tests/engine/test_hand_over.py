"""The moment in which a window goes from its reader to a writer."""

from types import SimpleNamespace
from typing import Any

import anyio

from transfer.emulator.rows import run_row
from transfer.engine.choose import Choice
from transfer.engine.lane import InFlight, Lane, Parcel
from transfer.engine.window import LoadedWindow
from transfer.model import Window

from .tables import DAG


class Page:
    """A page that remembers whether it was closed."""

    is_closed = False

    def close(self) -> None:
        """Close it."""
        self.is_closed = True


def parcel_with(page: Any) -> Parcel:
    """Return a window of one run on its way."""
    choice = Choice(to_move=[run_row(DAG, 1)])
    loaded = LoadedWindow(Window(DAG, 1, 0, 0, 1, None), choice, set(), 1, {}, [page])
    return Parcel(loaded, InFlight(), had_history=False)


async def hand_over(page: Page, *, taken: bool) -> None:
    """Cancel a reader that waits for a writer, and let one come in the same moment."""
    sender, receiver = anyio.create_memory_object_stream[Parcel](0)
    lane = Lane(SimpleNamespace(), sender)  # type: ignore[arg-type]  # it reads nothing here
    with sender, receiver, anyio.CancelScope() as scope:
        async with anyio.create_task_group() as group:
            group.start_soon(lane._hand_over, parcel_with(page))
            await anyio.wait_all_tasks_blocked()
            scope.cancel()
            if taken:
                receiver.receive_nowait().taken = True


async def test_a_window_that_was_taken_keeps_its_pages() -> None:
    """A reader that is stopped just when a writer takes its window leaves its pages open."""
    page = Page()
    await hand_over(page, taken=True)
    assert not page.is_closed


async def test_a_window_that_nobody_took_is_closed() -> None:
    """A reader that is stopped while it waits for a writer frees the pages."""
    page = Page()
    await hand_over(page, taken=False)
    assert page.is_closed
