"""Medians, spreads and lines through points."""

import pytest

from benchmarks.line import Line
from benchmarks.spread import Spread, number


def test_a_spread_is_median_lowest_and_highest() -> None:
    """The order of the runs does not matter."""
    assert Spread.of([3.0, 1.0, 2.0]) == Spread(2.0, 1.0, 3.0, 3)


def test_no_runs_have_no_spread() -> None:
    """A median of nothing is a mistake of the caller, not 0."""
    with pytest.raises(ValueError, match="no runs"):
        Spread.of([])


@pytest.mark.parametrize(
    ("value", "text"), [(12345.6, "12,346"), (123.4, "123"), (12.34, "12.3"), (1.234, "1.23"), (0, "0.00")]
)
def test_numbers_have_about_three_digits(value: float, text: str) -> None:
    """More digits would claim a precision that a benchmark does not have."""
    assert number(value) == text


def test_a_line_finds_fixed_cost_and_cost_per_row() -> None:
    """Exact points give back the exact line."""
    line = Line.through([(rows, 0.03 + 0.0005 * rows) for rows in (1, 10, 100, 1000)])
    assert line.fixed == pytest.approx(0.03)
    assert line.per_row == pytest.approx(0.0005)
    assert line.at(200) == pytest.approx(0.13)


def test_a_slow_large_request_does_not_hide_the_fixed_cost() -> None:
    """A tenth more on the largest request moves the fixed cost by less than a tenth of itself."""
    points = [(rows, 0.03 + 0.0005 * rows) for rows in (1, 10, 100)] + [(1000, 1.1 * 0.53)]
    assert Line.through(points).fixed == pytest.approx(0.03, rel=0.1)


def test_a_line_needs_two_places() -> None:
    """Points at one place say nothing about the cost per row."""
    with pytest.raises(ValueError, match="two different"):
        Line.through([(10, 1.0), (10, 2.0)])
