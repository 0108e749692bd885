"""What holds up, ends or changes a run of the program from outside: hours, files, SIGHUP.

Signals are heard in ``signals``; everything else is looked at once in a second.
"""

import os
from collections.abc import Callable
from datetime import datetime
from typing import Final, TypeAlias

import anyio
import structlog

from transfer.cli.draining import Draining
from transfer.cli.limiting import Limiting
from transfer.cli.output import plain
from transfer.cli.pausing import Pausing, utc_now
from transfer.cli.remembering import Finding, remembered
from transfer.config.schedule import check_files
from transfer.config.settings import Settings
from transfer.engine.pace import Pace
from transfer.engine.stop import Stop
from transfer.errors import ConfigError, ExitCode, TransferError
from transfer.progress import Progress

LOOK_SECONDS: Final = 1.0
"""Between looks at the files and the clock."""

READ_AGAIN: Final = (
    "configuration read again: [source.limits], [target.limits] and [schedule]; other changes wait for the next run"
)

Reread: TypeAlias = Callable[[], Settings]
"""Reads the configuration again; raises ``ConfigError``."""


class StopFileError(TransferError):
    """Raised when the stop file is there before anything has begun."""

    exit_code = ExitCode.STOPPED


class Control:
    """Everything from outside that one run of the program obeys.

    Raises ``StopFileError`` if it is not to begin at all, ``ConfigError`` if the file with limits cannot be used or
    the pause or stop file could never be there.
    """

    def __init__(
        self,
        settings: Settings,
        progress: Progress,
        reread: Reread | None = None,
        now: Callable[[], datetime] | None = None,
    ) -> None:
        now = now or utc_now
        check_files(settings.schedule, settings.state_dir)
        self.stop = Stop()
        self.pace = Pace()
        self.progress = progress
        self._reread = reread
        self._stop_file = settings.schedule.stop_path(settings.state_dir)
        if self._is_to_stop():
            raise StopFileError(
                f"not begun: the stop file {self._stop_file} exists", hint="remove it, then run again to go on"
            )
        before = remembered(settings.state_dir, now())
        self.limiting = Limiting(settings, before.concurrency)
        self.finding = Finding(before, self.limiting, now)
        self._state_dir = settings.state_dir
        self._pausing = Pausing(settings.schedule, settings.state_dir, now)
        self._draining = Draining(self.limiting.sides.values(), now)
        progress.limits = self.limiting.sides
        self.look()

    async def watch(self) -> None:
        """Look every second, until cancelled."""
        while True:
            await anyio.sleep(LOOK_SECONDS)
            self.look()

    def look(self) -> None:
        """Do what the clock and the files say."""
        if not self.stop.requested and self._is_to_stop():
            said = "stopping: what is under way is still written; a signal stops now"
            structlog.get_logger().warning(said, file=plain(str(self._stop_file)))
            self.stop.request()
        self._pause(self._pausing.reason())
        self._draining.look(is_paused=self.pace.reason is not None)
        self.limiting.look()

    def reload(self) -> None:
        """Read the limits and the schedule again; what cannot be used changes nothing."""
        if self._reread is None:
            return
        try:
            settings = self._reread()
            check_files(settings.schedule, self._state_dir)
        except ConfigError as error:
            _say_refused(error)
            return
        structlog.get_logger().warning(READ_AGAIN)
        self.limiting.take(settings)
        self._pausing.take(settings.schedule)
        self._stop_file = settings.schedule.stop_path(self._state_dir)
        self.look()

    def _pause(self, reason: str | None) -> None:
        if reason == self.pace.reason:
            return
        log = structlog.get_logger()
        if reason is None:
            log.warning("going on")
            self.pace.release()
        else:
            log.warning("paused: what is under way is written for ten seconds at most", reason=plain(reason))
            self.pace.close(reason)
        self.progress.pause(reason)

    def _is_to_stop(self) -> bool:
        return os.path.exists(self._stop_file)  # noqa: PTH110  Path.exists raises for a folder nobody may look into


def _say_refused(error: ConfigError) -> None:
    """Log on one line why nothing of the configuration is taken over, and which part is wrong if it is the schedule."""
    only_schedule = all(problem.startswith("schedule") for problem in error.problems)
    said = "schedule not changed, nor limits" if only_schedule else "limits not changed, nor the schedule"
    structlog.get_logger().error(said, problems=plain("; ".join(error.problems)), hint=plain(error.hint))
