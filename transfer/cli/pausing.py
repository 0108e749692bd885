"""When nothing new is to be begun: outside of the hours, and while the pause file is there."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from transfer.config.hours import spelled
from transfer.config.schedule import Schedule


def utc_now() -> datetime:
    """Return the time of day."""
    return datetime.now(UTC)


class Pausing:
    """Says whether the job is to wait just now."""

    def __init__(self, schedule: Schedule, state_dir: Path, now: Callable[[], datetime]) -> None:
        self._now = now
        self._state_dir = state_dir
        self.take(schedule)

    def take(self, schedule: Schedule) -> None:
        """Go by ``schedule`` from now on."""
        self._file = schedule.pause_path(self._state_dir)
        self._hours = schedule.open_hours
        self._zone = schedule.time_zone
        self._next: datetime | None = None
        """When it opens again; it takes a while to find out."""

    def reason(self) -> str | None:
        """Return for how long and why it is to wait, None if it is not."""
        if os.path.exists(self._file):  # noqa: PTH110  Path.exists raises for a folder that may not be looked into
            return f"while {self._file} exists"
        now = self._now()
        if self._hours.hold(now):
            self._next = None
            return None
        if self._next is None or self._next <= now:
            self._next = self._hours.next(now)
        return f"until {spelled(self._next, now)} {self._zone}: outside of schedule.hours"
