"""When a job may work, and the files that hold it up."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict

from transfer.config.hours import Hours, span_of, zone_of
from transfer.config.place import Place
from transfer.errors import ConfigError

PAUSE: Final = "pause"
STOP: Final = "stop"
"""Names of the two files in the state directory."""


def _span(text: str) -> str:
    span_of(text)
    return text


def _zone(name: str) -> str:
    zone_of(name)
    return name


class Schedule(BaseModel):
    """Hours in which the job may begin something new, and where its pause and stop files are."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    hours: tuple[Annotated[str, AfterValidator(_span)], ...] = ()
    """Spans of the day, maybe of some days of the week; empty for always."""
    time_zone: Annotated[str, AfterValidator(_zone)] = "UTC"
    """The IANA name of the zone whose clocks ``hours`` are read from."""
    pause_file: Place | None = None
    """While it exists nothing new is begun; None for ``pause`` in the state directory."""
    stop_file: Place | None = None
    """When it exists the job stops softly; None for ``stop`` in the state directory."""

    @property
    def open_hours(self) -> Hours:
        """Return the hours, ready to be asked."""
        return Hours(tuple(map(span_of, self.hours)), zone_of(self.time_zone))

    def pause_path(self, state_dir: Path) -> Path:
        """Return where the pause file is."""
        return self.pause_file or state_dir / PAUSE

    def stop_path(self, state_dir: Path) -> Path:
        """Return where the stop file is."""
        return self.stop_file or state_dir / STOP


def check_files(schedule: Schedule, state_dir: Path) -> None:
    """Raise ``ConfigError`` if the pause or the stop file could never be there, or one would mean both."""
    problems = list(_wrong_files(schedule, state_dir))
    if problems:
        raise ConfigError(problems, hint="name a file in a folder that exists, another one for each of both")


def _wrong_files(schedule: Schedule, state_dir: Path) -> Iterator[str]:
    for name, path in (("pause_file", schedule.pause_file), ("stop_file", schedule.stop_file)):
        # The state directory may be made later, by the job itself.
        if path is not None and path.parent != state_dir and not os.path.isdir(path.parent):  # noqa: PTH112  Path.is_dir raises for a folder nobody may look into
            yield f"schedule.{name}: there is no folder {path.parent}"
    pause, stop = schedule.pause_path(state_dir), schedule.stop_path(state_dir)
    if os.path.realpath(pause) == os.path.realpath(stop):
        yield f"schedule.stop_file: is the pause file, too: {pause}"
