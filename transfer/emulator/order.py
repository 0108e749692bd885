"""The order of a page, with PostgreSQL's trouble: rows that tie stand in an order that depends on OFFSET and LIMIT.

``ORDER BY start_date DESC`` alone leaves ties to the top-N heapsort. Measured on a resting database: about one row
is lost (and one repeated) for each page edge that splits a tie, the same ones in every pass over the same pages, and
the task instances of a page may be those of other runs than the runs of the same page. A rotation of each tie by 0, 1
or 2 places, chosen by route, offset and limit, does just that, and needs no list of the rows.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, Final
from zlib import crc32

from transfer.kinds import Row

Tie = Callable[[int], tuple[int, int]]
"""Gives the tie of a position as (first, one past the last) in the settled order."""

LATEST: Final = "~"
"""Sorts behind every date: in PostgreSQL's descending order NULL comes first."""


def by_start(row: Row) -> str:
    """Return the sort key of ``ORDER BY start_date`` for rows with dates in UTC."""
    return row["start_date"] or LATEST


def unstarted_last(row: Row) -> str:
    """Return the same where NULL comes last in the descending order: on MySQL and SQLite."""
    return row["start_date"] or ""


def page_positions(route: str, offset: int, limit: int, *, count: int, tie: Tie) -> list[int]:
    """Return the positions in the settled order of ``count`` rows that stand on the page, in the page's order."""
    turn = crc32(f"{route}:{offset}:{limit}".encode()) % 3
    positions: list[int] = []
    end = min(offset + limit, count)
    place = min(offset, count)
    while place < end:
        first, stop = tie(place)
        size = stop - first
        positions.extend(first + (at - first + turn) % size for at in range(place, min(stop, end)))
        place = stop
    return positions


def ties_of(keys: Sequence[Any]) -> Tie:
    """Return the ties of rows whose sort keys, in the settled order, are ``keys``."""
    starts = [0, *(at for at, (before, key) in enumerate(pairwise(keys), 1) if before != key)]

    def tie(place: int) -> tuple[int, int]:
        number = bisect_right(starts, place)
        return starts[number - 1], starts[number] if number < len(starts) else len(keys)

    return tie
