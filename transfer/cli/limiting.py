"""The limits of both sides while a job runs, and how they are changed meanwhile."""

from collections.abc import Mapping
from pathlib import Path
from time import monotonic
from typing import TypeAlias

import structlog

from transfer.cli.output import plain
from transfer.client.limit import SideLimit
from transfer.config.change import FILE, differences, with_changes
from transfer.config.settings import Settings, SideLimits
from transfer.errors import ConfigError
from transfer.model import SIDES, SideName

Mark: TypeAlias = tuple[int, int, int] | None
"""What changes when a file does: its time, size and number; None if there is none."""


class Limiting:
    """Holds the limits of both sides: those of the configuration, and over them those of a file in the state directory.

    ``begin_with`` is how many requests at once an earlier run of the program has found good. Raises ``ConfigError``
    when the file is there and cannot be used.
    """

    def __init__(self, settings: Settings, begin_with: Mapping[SideName, int]) -> None:
        self._file = settings.state_dir / FILE
        self._mark = _mark(self._file)
        self._refused = False
        self._configured = _of(settings)
        self._present = with_changes(self._configured, self._file)
        self.sides = {
            side: SideLimit(side, self._present[side], start=begin_with.get(side), clock=monotonic) for side in SIDES
        }

    @property
    def adaptive(self) -> dict[SideName, int]:
        """Return the requests at once that were found, by side, where they are not given."""
        return {side: self.sides[side].concurrency for side in SIDES if self._present[side].concurrency == "auto"}

    def look(self) -> None:
        """Take over what the file says if it has changed since the last look."""
        mark = _mark(self._file)
        if mark != self._mark:
            self._mark = mark
            self._lay_over()

    def take(self, settings: Settings) -> None:
        """Take over the limits of ``settings``, under those of the file."""
        self._configured = _of(settings)
        self._mark = _mark(self._file)
        self._lay_over()

    def _lay_over(self) -> None:
        try:
            limits = with_changes(self._configured, self._file)
        except ConfigError as error:
            self._refused = True
            _say_refused(error)
            return
        changed = [side for side in SIDES if self._change(side, limits[side])]
        if self._refused and not changed:
            what = "gone" if self._mark is None else "in order again"
            structlog.get_logger().warning(f"limits as they were: the file is {what}", file=plain(str(self._file)))
        self._refused = False

    def _change(self, side: SideName, limits: SideLimits) -> bool:
        changes = list(differences(self._present[side], limits))
        if changes:
            self._present[side] = limits
            self.sides[side].change(limits)
            structlog.get_logger().warning("limits changed", side=side, changes="; ".join(changes))
        return bool(changes)


def _say_refused(error: ConfigError) -> None:
    """Log on one line why a change is not taken over."""
    problems = plain("; ".join(error.problems))
    structlog.get_logger().error("limits not changed", problems=problems, hint=plain(error.hint))


def _of(settings: Settings) -> dict[SideName, SideLimits]:
    return {"source": settings.source.limits, "target": settings.target.limits}


def _mark(path: Path) -> Mark:
    try:
        found = path.stat()
    except OSError:  # there is none, or nobody may look
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
