"""The section about when to work."""

from pathlib import Path

import pytest

from transfer.config.load import load_settings
from transfer.config.schedule import Schedule, check_files
from transfer.config.settings import Settings
from transfer.errors import ConfigError

SIDES = """\
[source]
url = "http://localhost:8080"
auth = { kind = "none" }
[target]
url = "http://localhost:8081"
auth = { kind = "none" }
"""


def loaded(tmp_path: Path, schedule: str = "", environ: dict[str, str] | None = None) -> Settings:
    """Return the settings with one more section."""
    path = tmp_path / "transfer.toml"
    path.write_text(f"{SIDES}\n[schedule]\n{schedule}\n")
    return load_settings(path, environ or {}, {})


def test_files_are_in_the_state_directory_unless_named(tmp_path: Path) -> None:
    """Both may be anywhere."""
    schedule = loaded(tmp_path).schedule
    assert (schedule.pause_path(Path("s")), schedule.stop_path(Path("s"))) == (Path("s/pause"), Path("s/stop"))
    schedule = loaded(tmp_path, 'pause_file = "/run/p"\nstop_file = "/run/s"').schedule
    assert (schedule.pause_path(Path("s")), schedule.stop_path(Path("s"))) == (Path("/run/p"), Path("/run/s"))


def test_hours_may_come_from_the_environment(tmp_path: Path) -> None:
    """As a list, like every other one."""
    variables = {"TRANSFER_SCHEDULE__HOURS": '["22:00-06:00"]', "TRANSFER_SCHEDULE__TIME_ZONE": "Europe/Berlin"}
    schedule = loaded(tmp_path, "", variables).schedule
    assert (schedule.hours, schedule.time_zone) == (("22:00-06:00",), "Europe/Berlin")


@pytest.mark.parametrize(
    ("schedule", "problem"),
    [
        ('hours = "22:00-06:00"', 'schedule.hours: must be a list, such as ["a", "b"]'),
        ('hours = ["1:00-2:00", "10pm"]', "schedule.hours[1]: must be spans such as"),
        ('time_zone = "Berlin"', 'schedule.time_zone: must be the name of a time zone, such as "Europe/Berlin"'),
        ('hour = ["1:00-2:00"]', "schedule.hour: unknown key; did you mean hours?"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, schedule: str, problem: str) -> None:
    """With the key, and what would be right."""
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, schedule)
    assert [line[: len(problem)] for line in caught.value.problems] == [problem]


def test_files_that_could_never_be_there(tmp_path: Path) -> None:
    """Both are named, with the folder that lacks; the state directory may still be made."""
    state = tmp_path / "state"
    check_files(Schedule(), state)
    check_files(Schedule(pause_file=state / "p", stop_file=tmp_path / "s"), state)
    with pytest.raises(ConfigError) as caught:
        check_files(Schedule(pause_file=tmp_path / "no" / "p", stop_file=tmp_path / "nor" / "s"), state)
    assert caught.value.problems == [
        f"schedule.pause_file: there is no folder {tmp_path / 'no'}",
        f"schedule.stop_file: there is no folder {tmp_path / 'nor'}",
    ]


def test_one_file_for_both(tmp_path: Path) -> None:
    """Nobody would know whether it pauses or stops; also where one is the usual name, or spelled in another way."""
    state = tmp_path / "state"
    for schedule in (
        Schedule(pause_file=tmp_path / "f", stop_file=tmp_path / "x" / ".." / "f"),
        Schedule(stop_file=state / "pause"),
    ):
        (tmp_path / "x").mkdir(exist_ok=True)
        with pytest.raises(ConfigError, match=r"schedule\.stop_file: is the pause file, too"):
            check_files(schedule, state)
