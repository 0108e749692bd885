"""The order in which Starship serves runs: start_date descending, and where nulls stand in it.

Nothing else orders the rows, so equal dates come in any order, differently for every (offset, limit). PostgreSQL puts
nulls first, MySQL and SQLite last; which one a side does is learnt from its pages.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TypeAlias

from transfer.errors import UnexpectedAnswerError
from transfer.kinds import Row

Place: TypeAlias = tuple[int, int]
"""Where a run stands: places ascend in reading order, equal for runs that tie."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_BEFORE_DATES, DATED, _AFTER_DATES = -1, 0, 1
"""The first part of a place: runs without a start date stand before or behind all others."""


class StartOrder:
    """Turns start dates of one side into places."""

    def __init__(self, side: str) -> None:
        self.side = side
        self._nulls = _BEFORE_DATES

    @property
    def nulls_first(self) -> bool:
        """Tell whether runs that never started come first, as far as is known."""
        return self._nulls == _BEFORE_DATES

    def place(self, start_date: str | None) -> Place:
        """Return the place of a run that started at ``start_date`` (text as served); None for one that never did.

        Raises ``UnexpectedAnswerError`` for a text that is no date.
        """
        if start_date is None:
            return self._nulls, 0
        return DATED, -((parse_date(start_date, self.side) - _EPOCH) // _MICROSECOND)

    def current(self, place: Place) -> Place:
        """Return ``place`` as it is now: where runs that never started stand may have been learnt since."""
        rank, moment = place
        return place if rank == DATED else (self._nulls, moment)

    def places(self, rows: Sequence[Row]) -> list[Place]:
        """Return the places of the rows of one page.

        Raises ``UnexpectedAnswerError`` when the page is in no order that a server is known to use.
        """
        starts = [row["start_date"] for row in rows]
        if self.nulls_first and _null_after_date(starts):
            self._nulls = _AFTER_DATES
        places = [self.place(start) for start in starts]
        if any(earlier > later for earlier, later in pairwise(places)):
            raise UnexpectedAnswerError(
                self.side,
                "GET dag_runs",
                "the runs are not ordered by start_date, newest first",
                hint="only Starship's own order can be read safely; is something rewriting the answers?",
            )
        return places


def parse_date(text: str, side: str) -> datetime:
    """Return the aware time of a date as Starship writes it ("2026-11-20 07:18:03.728322+00:00"); naive means UTC.

    Raises ``UnexpectedAnswerError`` for anything else.
    """
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError) as error:
        raise UnexpectedAnswerError(side, "GET dag_runs", "a date that cannot be read") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _null_after_date(starts: Sequence[str | None]) -> bool:
    return any(earlier is not None and later is None for earlier, later in pairwise(starts))
