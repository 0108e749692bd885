"""What holds up, ends or changes a run of the program from outside: hours, files, SIGHUP."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest
from structlog.testing import capture_logs

from transfer.checkpoint import Checkpoint, Found
from transfer.cli.control import Control, StopFileError
from transfer.cli.remembering import BODY_AGE, Finding, remembered
from transfer.cli.session import identity
from transfer.config.settings import Settings
from transfer.errors import ConfigError
from transfer.progress import Progress

EVENING = datetime(2026, 3, 2, 20, 30, tzinfo=UTC)


@dataclass
class Clock:
    """A clock that stands until it is moved."""

    now: datetime = EVENING

    def __call__(self) -> datetime:
        """Return the time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """The wall clock: Monday, 20:30 UTC, 21:30 in Berlin."""
    return Clock()


@pytest.fixture
def state(folder: Path) -> Path:
    """The state directory, which exists."""
    (folder / "state").mkdir()
    return folder / "state"


def settings_of(state: Path, **sections: Any) -> Settings:
    """Return settings with some sections, and with four requests at once on both sides."""
    sides = {
        side: {"url": f"http://{side}.example", "auth": {"kind": "none"}, "limits": {"concurrency": 4}}
        for side in ("source", "target")
    }
    return Settings.model_validate({**sides, "state_dir": str(state), **sections})


def control_of(state: Path, clock: Clock, *, reread: Callable[[], Settings] | None = None, **sections: Any) -> Control:
    """Return what obeys the outside."""
    return Control(settings_of(state, **sections), Progress(), reread, clock)


def reason(control: Control) -> str | None:
    """Return why nothing new is begun just now, which is also what progress shows."""
    assert control.progress.snapshot().paused == control.pace.reason
    return control.pace.reason


def slots(control: Control) -> list[int]:
    """Return the requests at once of both sides."""
    return [limit.concurrency for limit in control.limiting.sides.values()]


async def test_outside_of_the_hours_it_waits_and_goes_on_by_itself(state: Path, clock: Clock) -> None:
    """Until when is said by the clocks of the zone; nobody has to do anything."""
    schedule = {"hours": ["22:00-06:00"], "time_zone": "Europe/Berlin"}
    control = control_of(state, clock, schedule=schedule)
    assert reason(control) == "until 22:00 Europe/Berlin: outside of schedule.hours"
    clock.now = EVENING.replace(hour=21, minute=0)
    control.look()
    assert reason(control) is None
    clock.now = EVENING.replace(day=3, hour=5, minute=0)
    control.look()
    assert reason(control) == "until 22:00 Europe/Berlin: outside of schedule.hours"


async def test_a_closing_that_lasts_for_days_names_the_day(state: Path, clock: Clock) -> None:
    """The time alone would be misleading."""
    control = control_of(state, clock, schedule={"hours": ["sat-sun 00:00-24:00"]})
    assert reason(control) == "until sat 00:00 UTC: outside of schedule.hours"


async def test_the_pause_file(state: Path, clock: Clock) -> None:
    """While it exists it is closed, whatever it holds; both ends are logged once."""
    control = control_of(state, clock)
    with capture_logs() as lines:
        for exists in (False, True, True, False, False):
            (state / "pause").touch() if exists else (state / "pause").unlink(missing_ok=True)
            control.look()
            assert (reason(control) == f"while {state / 'pause'} exists") is exists
    assert [line["event"] for line in lines] == [
        "paused: what is under way is written for ten seconds at most",
        "going on",
    ]


async def test_files_may_be_elsewhere(state: Path, clock: Clock) -> None:
    """Then those in the state directory mean nothing."""
    (state / "pause").touch()
    (state / "stop").touch()
    elsewhere = {"pause_file": str(state.parent / "p"), "stop_file": str(state.parent / "s")}
    control = control_of(state, clock, schedule=elsewhere)
    assert (reason(control), control.stop.requested) == (None, False)
    (state.parent / "p").touch()
    (state.parent / "s").touch()
    control.look()
    assert (control.pace.reason is not None, control.stop.requested) == (True, True)


async def test_the_stop_file_is_one_soft_stop(state: Path, clock: Clock) -> None:
    """However long it is there, it is not the second request, which would stop at once."""
    control = control_of(state, clock)
    (state / "stop").touch()
    for _ in range(3):
        control.look()
    assert (control.stop.requests, control.stop.everything.cancel_called) == (1, False)


async def test_a_stop_file_that_is_there_keeps_it_from_beginning(state: Path, clock: Clock) -> None:
    """Exit code 4, and what to do about it."""
    (state / "stop").touch()
    with pytest.raises(StopFileError, match=f"not begun: the stop file {state / 'stop'} exists") as caught:
        control_of(state, clock)
    assert (caught.value.exit_code, caught.value.hint) == (4, "remove it, then run again to go on")


async def test_limits_in_the_state_directory(state: Path, clock: Clock) -> None:
    """They hold from the start, when they change, and no more when they are gone; every change is logged."""
    file = state / "limits.toml"
    file.write_text("[source]\nconcurrency = 2\n")
    control = control_of(state, clock)
    assert slots(control) == [2, 4]
    with capture_logs() as lines:
        file.write_text("[source]\nconcurrency = 3\n[target]\nconcurrency = 7\nrows_per_second = 100\n")
        control.look()
        assert slots(control) == [3, 7]
        file.unlink()
        control.look()
        control.look()
    assert slots(control) == [4, 4]
    assert [(line["side"], line["changes"]) for line in lines] == [
        ("source", "concurrency: 2 -> 3"),
        ("target", "concurrency: 4 -> 7; rows_per_second: none -> 100.0"),
        ("source", "concurrency: 3 -> 4"),
        ("target", "concurrency: 7 -> 4; rows_per_second: 100.0 -> none"),
    ]


async def test_a_file_with_a_mistake_changes_nothing(state: Path, clock: Clock) -> None:
    """It is told once, on one line, and the limits before it hold; corrected, it counts."""
    file = state / "limits.toml"
    control = control_of(state, clock)
    with capture_logs() as lines:
        file.write_text("[source]\nconcurrency = 2\n[target]\nconcurrency = 0\n")
        for _ in range(3):
            control.look()
        assert slots(control) == [4, 4]
        file.write_text("[source]\nconcurrency = 2\n")
        control.look()
    assert slots(control) == [2, 4]
    assert [line["event"] for line in lines] == ["limits not changed", "limits changed"]
    expected = f'{file}: target.concurrency: must be a whole number from 1 to 64, or "auto"'
    assert lines[0]["problems"] == expected


async def test_a_file_with_a_mistake_at_the_start(state: Path, clock: Clock) -> None:
    """Nothing begins with other limits than somebody asked for."""
    (state / "limits.toml").write_text("[source]\nconcurrency = 0\n")
    with pytest.raises(ConfigError, match=r"limits\.toml: source\.concurrency"):
        control_of(state, clock)


async def test_the_configuration_is_read_again(state: Path, clock: Clock) -> None:
    """Its limits, under those of the file, and its schedule."""
    (state / "limits.toml").write_text("[target]\nrequests_per_second = 5\n")
    changed = settings_of(state, schedule={"hours": ["22:00-23:00"]})
    endpoint = changed.target.model_copy(update={"limits": changed.target.limits.model_copy(update={"concurrency": 9})})
    changed = changed.model_copy(update={"target": endpoint})
    control = control_of(state, clock, reread=lambda: changed)
    assert (slots(control), reason(control)) == ([4, 4], None)
    control.reload()
    assert slots(control) == [4, 9]
    assert control.limiting.sides["target"].limits.requests_per_second == 5
    assert reason(control) == "until 22:00 UTC: outside of schedule.hours"


async def test_a_configuration_with_a_mistake_changes_nothing(state: Path, clock: Clock) -> None:
    """The job goes on as it was."""

    def broken() -> Settings:
        raise ConfigError(["source.url: is missing", "target.url: is missing"], hint="correct it")

    control = control_of(state, clock, reread=broken)
    with capture_logs() as lines:
        control.reload()
    assert slots(control) == [4, 4]
    assert [line["problems"] for line in lines] == ["source.url: is missing; target.url: is missing"]


async def test_it_is_looked_at_every_second(state: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """The watcher looks by itself, until it is cancelled."""
    looks: list[int] = []
    sleeps: list[float] = []
    control = control_of(state, clock)
    monkeypatch.setattr(control, "look", lambda: looks.append(len(sleeps)))

    async def sleep(seconds: float) -> None:
        sleeps.append(seconds)
        if len(sleeps) == 4:
            group.cancel_scope.cancel()
        await anyio.lowlevel.checkpoint()

    monkeypatch.setattr("transfer.cli.control.anyio.sleep", sleep)
    async with anyio.create_task_group() as group:
        group.start_soon(control.watch)
    assert (looks, sleeps) == ([1, 2, 3], [1.0] * 4)


async def stored(state: Path, found: Found) -> None:
    """Let an earlier run of the program have found something."""
    async with Checkpoint.open(state, identity(settings_of(state))) as checkpoint:
        await checkpoint.remember(found)


async def test_a_run_begins_where_the_last_one_ended(state: Path, clock: Clock) -> None:
    """With its concurrency where it is found out, and below its ceiling."""
    await stored(state, Found({"source": 3, "target": 5}, 500_000, EVENING))
    auto = {"url": "http://target.example", "auth": {"kind": "none"}}
    control = control_of(state, clock, target=auto)
    assert slots(control) == [4, 5]
    assert control.finding.known() == Found({"target": 5}, 500_000, EVENING)


async def test_a_refused_size_is_tried_again_after_a_day(state: Path) -> None:
    """Somebody may have raised the target's limit; requests at once are found anew anyway."""
    await stored(state, Found({"target": 5}, 500_000, EVENING))
    young, old = EVENING + BODY_AGE - timedelta(seconds=1), EVENING + BODY_AGE
    assert remembered(state, young) == Found({"target": 5}, 500_000, EVENING)
    assert remembered(state, old) == Found({"target": 5})


async def test_without_a_checkpoint_nothing_is_remembered(state: Path) -> None:
    """Nor with one that cannot be read, of which the run itself complains."""
    assert remembered(state, EVENING) == Found()
    (state / "checkpoint.sqlite3").write_bytes(b"no database")
    assert remembered(state, EVENING) == Found()


async def test_a_size_that_was_refused_again_is_as_old_as_that(state: Path, clock: Clock) -> None:
    """The time goes with the value: an unchanged one keeps it, whenever it is stored."""
    control = control_of(state, clock)
    sizes = iter([None, 700_000, 700_000, 500_000])
    finding = Finding(Found(), control.limiting, clock)

    class Sinking:
        """A ceiling that sinks."""

        @property
        def found(self) -> int | None:
            """Return the next size."""
            return next(sizes)

    finding.ceiling = Sinking()  # type: ignore[assignment]  # of its shape
    seen = []
    for _ in range(4):
        known = finding.known()
        seen.append((known.body_bytes, known.body_since))
        clock.now += timedelta(hours=1)
    hours = [EVENING + timedelta(hours=hour) for hour in range(4)]
    assert seen == [(None, None), (700_000, hours[1]), (700_000, hours[1]), (500_000, hours[3])]


class Remembering:
    """A checkpoint that keeps what it is to remember."""

    def __init__(self) -> None:
        self.values: list[Found] = []

    async def remember(self, found: Found) -> None:
        """Keep it."""
        self.values.append(found)


async def test_what_is_found_is_stored_now_and_then(state: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once in a while, and only when it has changed; the rest is up to the end of the run."""
    control = control_of(state, clock, source={"url": "http://source.example", "auth": {"kind": "none"}})
    begins = control.limiting.adaptive["source"]
    found = iter([begins, begins, begins + 1, begins + 1, begins + 2])
    monkeypatch.setattr(type(control.limiting), "adaptive", property(lambda _self: {"source": next(found)}))
    checkpoint = Remembering()

    async def sleep(_seconds: float) -> None:
        if len(checkpoint.values) == 2:
            group.cancel_scope.cancel()
        await anyio.lowlevel.checkpoint()

    monkeypatch.setattr("transfer.cli.remembering.anyio.sleep", sleep)
    async with anyio.create_task_group() as group:
        group.start_soon(control.finding.store_until_cancelled, checkpoint)  # type: ignore[arg-type]  # of its shape
    assert checkpoint.values == [Found({"source": begins + 1}), Found({"source": begins + 2})]


async def test_what_is_found_is_stored_soon_and_then_every_minute(
    state: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that is killed early leaves something, too."""
    control = control_of(state, clock)
    sleeps: list[float] = []

    async def sleep(seconds: float) -> None:
        sleeps.append(seconds)
        if len(sleeps) == 3:
            group.cancel_scope.cancel()
        await anyio.lowlevel.checkpoint()

    monkeypatch.setattr("transfer.cli.remembering.anyio.sleep", sleep)
    async with anyio.create_task_group() as group:
        group.start_soon(control.finding.store_until_cancelled, Remembering())  # type: ignore[arg-type]  # of its shape
    assert sleeps == [10.0, 60.0, 60.0]


async def test_what_is_read_again_is_said(state: Path, clock: Clock) -> None:
    """And that everything else waits for the next run."""
    control = control_of(state, clock, reread=lambda: settings_of(state))
    with capture_logs() as lines:
        control.reload()
    said = "[source.limits], [target.limits] and [schedule]; other changes wait for the next run"
    assert [line["event"] for line in lines] == [f"configuration read again: {said}"]


async def test_a_broken_schedule_is_announced_as_one(state: Path, clock: Clock) -> None:
    """Be it one that cannot be read, or one whose files could never be there; the one before holds."""

    def broken() -> Settings:
        raise ConfigError(["schedule.hours[0]: must be spans"])

    nowhere = settings_of(state, schedule={"pause_file": str(state / "no" / "pause")})
    for reread in (broken, lambda: nowhere):
        control = control_of(state, clock, reread=reread)
        with capture_logs() as lines:
            control.reload()
        assert [line["event"] for line in lines] == ["schedule not changed, nor limits"]
        (state / "pause").touch()
        control.look()
        assert reason(control) == f"while {state / 'pause'} exists"
        (state / "pause").unlink()


async def test_files_that_could_never_be_there_keep_it_from_beginning(state: Path, clock: Clock) -> None:
    """A pause that nobody could ask for is noticed before somebody needs it."""
    with pytest.raises(ConfigError, match="there is no folder"):
        control_of(state, clock, schedule={"stop_file": str(state / "no" / "stop")})


@pytest.mark.parametrize("mended", ["# nothing\n", None])
async def test_a_mistake_that_is_mended_is_said(state: Path, clock: Clock, mended: str | None) -> None:
    """Also where that changes no limit, and once."""
    file = state / "limits.toml"
    control = control_of(state, clock)
    with capture_logs() as lines:
        file.write_text("[source\n")
        control.look()
        file.write_text(mended) if mended else file.unlink()
        control.look()
        file.write_text("# still nothing\n")
        control.look()
    how = "in order again" if mended else "gone"
    assert [line["event"] for line in lines] == ["limits not changed", f"limits as they were: the file is {how}"]


async def test_a_pause_stops_the_clock_of_the_rate(state: Path, clock: Clock) -> None:
    """Progress hears of its beginning and of its end."""
    now = [0.0]
    control = Control(settings_of(state), Progress(lambda: now[0]), None, clock)
    (state / "pause").touch()
    control.look()
    now[0] = 60.0
    (state / "pause").unlink()
    control.look()
    now[0] = 70.0
    assert control.progress.snapshot().worked == 10.0
