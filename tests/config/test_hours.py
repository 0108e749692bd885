"""Spans of the week: what they mean, when they begin, and the nights in which clocks are changed."""

import zoneinfo
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transfer.config import hours as module
from transfer.config.hours import Hours, span_of, spelled, zone_of

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
moments = st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  hypothesis adds the zone
BERLIN = "Europe/Berlin"


def hours(*spans: str, zone: str = "UTC") -> Hours:
    """Return the hours that are written so."""
    return Hours(tuple(map(span_of, spans)), zone_of(zone))


def at(text: str, zone: str = "UTC") -> datetime:
    """Return a moment of the week that begins on Monday the 2nd of March 2026, such as "mon 22:00"."""
    day, time = text.split()
    hour, minute = map(int, time.split(":"))
    date = MONDAY + timedelta(days=module.DAYS.index(day))
    return date.replace(hour=hour, minute=minute, tzinfo=zone_of(zone))


@pytest.mark.parametrize(
    ("spans", "moment", "within"),
    [
        ("22:00-06:00", "mon 21:59", False),
        ("22:00-06:00", "mon 22:00", True),
        ("22:00-06:00", "mon 05:59", True),
        ("22:00-06:00", "mon 06:00", False),
        ("9:00-17:00", "mon 09:00", True),
        ("9:00-17:00", "mon 17:00", False),
        ("22:00-24:00", "mon 23:59", True),
        ("22:00-24:00", "tue 00:00", False),
        ("sat-sun 00:00-24:00", "fri 23:59", False),
        ("sat-sun 00:00-24:00", "sun 23:59", True),
        ("sat-sun 00:00-24:00", "mon 00:00", False),
        ("fri 22:00-06:00", "sat 05:00", True),
        ("fri 22:00-06:00", "fri 05:00", False),
        ("sun 22:00-06:00", "mon 05:00", True),
        ("fri-mon 12:00-13:00", "mon 12:30", True),
        ("fri-mon 12:00-13:00", "thu 12:30", False),
        ("MON,wed 12:00 - 13:00", "wed 12:30", True),
        ("mon,wed 12:00-13:00", "tue 12:30", False),
    ],
)
def test_a_span_holds_what_it_says(spans: str, moment: str, *, within: bool) -> None:
    """The first minute is part of it, the last is not; past midnight it belongs to the day on which it began."""
    assert hours(spans).hold(at(moment)) is within


def test_any_span_is_enough() -> None:
    """Several spans add up."""
    both = hours("22:00-06:00", "sat-sun 00:00-24:00")
    assert [both.hold(at(moment)) for moment in ("mon 23:00", "mon 12:00", "sat 12:00")] == [True, False, True]


def test_without_spans_it_is_always_open() -> None:
    """No hours mean no bounds."""
    assert hours().hold(at("mon 12:00"))


def test_clocks_of_the_zone_count() -> None:
    """22:00 in Berlin is 21:00 UTC in winter."""
    night = hours("22:00-06:00", zone=BERLIN)
    assert [night.hold(at("mon 20:59")), night.hold(at("mon 21:00"))] == [False, True]
    assert night.next(at("mon 12:00")) == at("mon 21:00")


@pytest.mark.parametrize(
    ("spans", "now", "then"),
    [
        ("22:00-06:00", "mon 12:30", "mon 22:00"),
        ("sat 10:00-11:00", "sat 11:00", None),
        ("tue 0:00-1:00", "mon 23:59", "tue 00:00"),
    ],
)
def test_the_next_opening(spans: str, now: str, then: str | None) -> None:
    """It is the first minute that is open again, be it a week later."""
    expected = at(now) - timedelta(hours=1) + timedelta(days=7) if then is None else at(then)
    assert hours(spans).next(at(now)) == expected


def test_in_spring_an_hour_is_left_out() -> None:
    """On the 29th of March clocks go from 2:00 to 3:00: a span that begins in between begins at 3:00."""
    night = hours("02:30-04:00", zone=BERLIN)
    opening = night.next(datetime(2026, 3, 29, 0, 0, tzinfo=UTC))
    assert opening == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)
    assert f"{opening:%H:%M}" == "03:00"


def test_a_span_within_the_hour_that_is_left_out_comes_the_next_time() -> None:
    """What the clocks do not show does not happen."""
    before = datetime(2026, 3, 29, 0, 0, tzinfo=UTC)
    assert hours("02:15-02:45", zone=BERLIN).next(before) == datetime(2026, 3, 30, 0, 15, tzinfo=UTC)
    assert hours("sun 02:15-02:45", zone=BERLIN).next(before) == datetime(2026, 4, 5, 0, 15, tzinfo=UTC)


def test_in_autumn_an_hour_comes_twice() -> None:
    """On the 25th of October clocks go from 3:00 back to 2:00: the night is an hour longer, without a gap."""
    night = hours("22:00-06:00", zone=BERLIN)
    start = datetime(2026, 10, 24, 20, 0, tzinfo=UTC)
    open_minutes = [minute for minute in range(24 * 60) if night.hold(start + timedelta(minutes=minute))]
    assert open_minutes == list(range(9 * 60))


@given(
    moment=moments, zone=st.sampled_from(["UTC", BERLIN, "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"])
)
def test_an_opening_is_open_and_nothing_before_it_is(moment: datetime, zone: str) -> None:
    """Whatever the clocks do, the minutes up to the next opening are closed, and it is itself open."""
    night = hours("mon-fri 23:10-01:05", zone=zone)
    opening = night.next(moment)
    assert night.hold(opening)
    before = moment.replace(second=0, microsecond=0) + timedelta(minutes=1)
    steps = range(int((opening - before) / timedelta(minutes=1)))
    assert not any(night.hold(before + timedelta(minutes=step)) for step in steps[:: max(1, len(steps) // 50)])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "22-6",
        "22:00",
        "22:00-25:00",
        "24:00-25:00",
        "22:60-23:00",
        "22:00-24:01",
        "xxx 22:00-23:00",
        "mon-tue-wed 1:00-2:00",
    ],
)
def test_what_is_no_span(text: str) -> None:
    """It is refused with an example or the bounds."""
    with pytest.raises(ValueError, match=r"22:00-06:00|from 00:00 to 24:00|sat-sun"):
        span_of(text)


@pytest.mark.parametrize("text", ["22:00-22:00", "00:00-00:00"])
def test_a_span_without_a_length(text: str) -> None:
    """Nobody knows whether nothing or the whole day is meant."""
    with pytest.raises(ValueError, match="the whole day is 00:00-24:00"):
        span_of(text)


@pytest.mark.parametrize("name", ["Europe/Berlim", "America", "", "../etc/passwd", "a\0b", "/etc/passwd"])
def test_an_unknown_zone(name: str) -> None:
    """A name that is none, a folder of zones and a path are refused alike."""
    with pytest.raises(ValueError, match="such as"):
        zone_of(name)


def test_a_machine_without_time_zones(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no zone is known at all it says what to install; UTC is always known."""

    def missing(name: str) -> None:
        raise zoneinfo.ZoneInfoNotFoundError(name)

    monkeypatch.setattr(module, "ZoneInfo", missing)
    monkeypatch.setattr(module, "available_timezones", set)
    with pytest.raises(ValueError, match="install tzdata"):
        zone_of(BERLIN)
    assert zone_of("UTC") is UTC


def test_when_it_opens_is_said_in_short() -> None:
    """The time alone within a day, with the weekday beyond."""
    assert spelled(at("tue 06:00"), at("mon 22:00")) == "06:00"
    assert spelled(at("sat 00:00"), at("mon 22:00")) == "sat 00:00"


def test_a_span_that_begins_at_the_end_of_the_day() -> None:
    """24:00 may end a span, not begin one: the message says how midnight is written there."""
    with pytest.raises(ValueError, match="must not begin at 24:00: write 00:00"):
        span_of("24:00-06:00")
