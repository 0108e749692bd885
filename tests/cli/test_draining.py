"""What a pause means for what is under way."""

from datetime import UTC, datetime, timedelta

from transfer.cli.draining import DRAIN, Draining
from transfer.client.limit import SideLimit
from transfer.config.settings import SideLimits


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        """Return the time."""
        return self.now


class Watched(SideLimit):
    """A side that remembers whether it is on hold."""

    def __init__(self) -> None:
        super().__init__("target", SideLimits())
        self.is_held = False

    def hold(self) -> None:
        """Note it."""
        self.is_held = True

    def release(self) -> None:
        """Note it."""
        self.is_held = False


def test_a_pause_that_lasts_puts_the_sides_on_hold() -> None:
    """What is under way is written for a while, then nothing goes out until the pause is over."""
    clock, side = Clock(), Watched()
    draining = Draining([side], clock)
    held = []
    for seconds, is_paused in ((0, True), (9, True), (10, True), (3_600, True), (3_601, False)):
        clock.now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
        draining.look(is_paused=is_paused)
        held.append(side.is_held)
    assert held == [False, False, True, True, False]


def test_every_pause_has_its_own_while() -> None:
    """A pause that ended in time takes nothing from the next one."""
    clock, side = Clock(), Watched()
    draining = Draining([side], clock)
    draining.look(is_paused=True)
    clock.now += DRAIN - timedelta(seconds=1)
    draining.look(is_paused=False)
    draining.look(is_paused=True)
    clock.now += timedelta(seconds=2)
    draining.look(is_paused=True)
    assert not side.is_held
