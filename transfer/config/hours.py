"""Spans of the week in a time zone: when work may go on, and when it may again.

Everything is compared as the clocks of the zone show it, so "22:00-06:00" means what people mean by it, also in the
nights in which clocks are changed: an hour that is left out is not there, one that comes twice counts twice.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_WHOLE_DAY: Final = 24 * 60
_MINUTE: Final = timedelta(minutes=1)
_HORIZON: Final = 15 * _WHOLE_DAY
"""Minutes within which every span comes, also one that clocks leave out once."""

_SPAN: Final = re.compile(r"(?:([a-z,-]+)\s+)?(\d\d?):(\d\d)\s*-\s*(\d\d?):(\d\d)")
_EXAMPLES: Final = '"22:00-06:00" or "sat-sun 00:00-24:00"'


@dataclass(frozen=True, slots=True)
class Span:
    """A part of some days; ``first`` and ``last`` in minutes since midnight, the last one not part of it.

    It belongs to the day on which it begins; where ``last`` is not after ``first`` it ends on the next one.
    """

    days: frozenset[int]
    first: int
    last: int

    def holds(self, day: int, minute: int) -> bool:
        """Tell whether a minute of a day (0 is Monday) is part of it."""
        if self.first < self.last:
            return day in self.days and self.first <= minute < self.last
        return (day in self.days and minute >= self.first) or ((day - 1) % 7 in self.days and minute < self.last)


@dataclass(frozen=True, slots=True)
class Hours:
    """When work may go on: in any of ``spans``, by the clocks of ``zone``; always where there are none."""

    spans: tuple[Span, ...]
    zone: tzinfo

    def hold(self, moment: datetime) -> bool:
        """Tell whether ``moment`` (aware) is within them."""
        here = moment.astimezone(self.zone)
        return not self.spans or any(span.holds(here.weekday(), here.hour * 60 + here.minute) for span in self.spans)

    def next(self, moment: datetime) -> datetime:
        """Return the first minute after ``moment`` that is within them, in the zone."""
        # In UTC, where every minute is there once; a few milliseconds of work, once per closing.
        start = moment.astimezone(UTC).replace(second=0, microsecond=0)
        minutes = (start + number * _MINUTE for number in range(1, _HORIZON + 1))
        return next(filter(self.hold, minutes), start + _HORIZON * _MINUTE).astimezone(self.zone)


def span_of(text: str) -> Span:
    """Return what ``text`` means; raises ``ValueError`` that says what would be right."""
    found = _SPAN.fullmatch(text.strip().lower())
    if found is None:
        raise ValueError(f"must be spans such as {_EXAMPLES}")
    days, *numbers = found.groups()
    hour, minute, last_hour, last_minute = map(int, numbers)
    first, last = hour * 60 + minute, last_hour * 60 + last_minute
    if max(minute, last_minute) > 59 or max(first, last) > _WHOLE_DAY:  # noqa: PLR2004  clocks
        raise ValueError("must have times from 00:00 to 24:00")
    if first == _WHOLE_DAY:
        raise ValueError("must not begin at 24:00: write 00:00, which begins the day, for midnight")
    if first == last:
        raise ValueError("must not begin when it ends; the whole day is 00:00-24:00")
    return Span(_days(days) if days else frozenset(range(7)), first, last)


def zone_of(name: str) -> tzinfo:
    """Return the time zone of an IANA name; raises ``ValueError`` for one that is not known on this machine."""
    if name == "UTC":  # known without any data
        return UTC
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, LookupError):  # a folder of zones, no name at all, none of this name
        pass
    if not available_timezones():
        raise ValueError("this machine has no time zone data: use UTC, or install tzdata (a system or Python package)")
    raise ValueError('must be the name of a time zone, such as "Europe/Berlin"')


def spelled(moment: datetime, now: datetime) -> str:
    """Return when ``moment`` is, as short as can be understood at ``now``: "22:00", or with the day "sat 00:00"."""
    far = moment - now >= timedelta(days=1)
    return f"{DAYS[moment.weekday()]} {moment:%H:%M}" if far else f"{moment:%H:%M}"


def _days(text: str) -> frozenset[int]:
    return frozenset().union(*(_range(part.split("-")) for part in text.split(",")))


def _range(names: Sequence[str]) -> frozenset[int]:
    if len(names) > 2 or not set(names) <= set(DAYS):  # noqa: PLR2004  a first and a last one
        raise ValueError(f"must have days such as sat-sun or mon,wed; days are {', '.join(DAYS)}")
    first, last = DAYS.index(names[0]), DAYS.index(names[-1])
    return frozenset((first + step) % 7 for step in range((last - first) % 7 + 1))
