"""The Retry-After header."""

import pytest

from transfer.client.retry_after import retry_after

DATE = "Fri, 20 Nov 2026 08:00:30 GMT"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("12", 12.0), (" 0 ", 0.0), ("9" * 400, float("inf")), ("-1", None), ("1.5", None), ("soon", None), ("", None)],
)
def test_seconds(value: str, seconds: float | None) -> None:
    """Whole seconds are taken, anything that is neither a number nor a date is ignored."""
    assert retry_after({"Retry-After": value}) == seconds


@pytest.mark.parametrize(
    ("now", "seconds"), [("Fri, 20 Nov 2026 08:00:00 GMT", 30.0), ("Fri, 20 Nov 2026 09:00:00 GMT", 0.0)]
)
def test_a_date_is_measured_by_the_servers_clock(now: str, seconds: float) -> None:
    """A date counts from the answer's own Date; in the past it means now."""
    assert retry_after({"Retry-After": DATE, "Date": now}, lambda: 0.0) == seconds


def test_a_date_without_a_server_clock_is_measured_by_ours() -> None:
    """Without a Date header our own clock is used."""
    assert retry_after({"Retry-After": DATE}, lambda: 1_795_161_600.0) == 30.0


def test_no_header() -> None:
    """A server that does not say how long to wait gives None."""
    assert retry_after({}) is None
