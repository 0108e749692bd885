"""Start dates and places."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transfer.engine.order import StartOrder, parse_date
from transfer.errors import UnexpectedAnswerError

from .paging import run

MOMENTS = st.datetimes(datetime(1971, 1, 1), datetime(2200, 1, 1))  # noqa: DTZ001 - hypothesis wants naive bounds


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-20 07:18:03.728322+00:00", datetime(2026, 11, 20, 7, 18, 3, 728322, UTC)),
        ("2026-11-20 07:18:03+00:00", datetime(2026, 11, 20, 7, 18, 3, 0, UTC)),
        ("2026-11-20T07:18:03+00:00", datetime(2026, 11, 20, 7, 18, 3, 0, UTC)),
        ("2026-11-20 09:18:03+02:00", datetime(2026, 11, 20, 7, 18, 3, 0, UTC)),
        ("2026-11-20 07:18:03", datetime(2026, 11, 20, 7, 18, 3, 0, UTC)),
    ],
)
def test_dates_are_read(text: str, moment: datetime) -> None:
    """Dates come with or without microseconds and offsets; naive ones are UTC."""
    assert parse_date(text, "source") == moment


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01 00:00:00", None, 5])
def test_what_is_no_date_is_an_error_of_the_side(text: object) -> None:
    """Something else than a date is named as such, and its side."""
    with pytest.raises(UnexpectedAnswerError, match="target: GET dag_runs: a date that cannot be read"):
        parse_date(text, "target")  # type: ignore[arg-type]  # what a server may send


@given(first=MOMENTS, second=MOMENTS)
def test_places_descend_with_dates(first: datetime, second: datetime) -> None:
    """A later start has an earlier place; equal microseconds tie."""
    order = StartOrder("source")
    places = order.place(f"{first}+00:00"), order.place(f"{second}+00:00")
    assert (places[0] < places[1], places[0] == places[1]) == (first > second, first == second)


def test_the_same_moment_in_two_zones_ties() -> None:
    """Places compare moments, not texts."""
    order = StartOrder("source")
    assert order.place("2026-01-01 02:00:00+02:00") == order.place("2026-01-01 00:00:00.000000+00:00")


def test_nulls_come_first_until_a_page_shows_otherwise() -> None:
    """PostgreSQL's order is assumed, and another one is learnt from a null behind a date."""
    order = StartOrder("source")
    assert order.places([run("a", None), run("b", 5)]) == sorted(order.places([run("a", None), run("b", 5)]))
    assert order.nulls_first
    assert order.places([run("b", 5), run("a", None)])[0] < order.place(None)
    assert not order.nulls_first


@pytest.mark.parametrize("starts", [[1, 2], [2, None, 1], [None, 2, None]])
def test_a_page_in_no_known_order_is_refused(starts: list[int | None]) -> None:
    """A page that is not ordered by start date cannot be read safely."""
    with pytest.raises(UnexpectedAnswerError, match="not ordered by start_date"):
        StartOrder("source").places([run(str(number), start) for number, start in enumerate(starts)])
