"""Times of requests become lines, and rows become bodies."""

import asyncio

import pytest

from benchmarks.bodies import batches, without_nulls
from benchmarks.service_times import CLIENTS, fits, point, rate_of, table
from transfer.kinds import TASK_INSTANCES, Row


def test_points_have_a_line_through_medians_and_one_through_the_lowest() -> None:
    """The lowest is what a server takes when nothing else runs."""
    times = fits([point(rows, 0, [0.01 + rows * 1e-4, 0.02 + rows * 1e-4, 0.5]) for rows in (1, 10, 100)])
    assert times["line"] == pytest.approx({"fixed": 0.02, "per_row": 1e-4})
    assert times["line_of_lowest"] == pytest.approx({"fixed": 0.01, "per_row": 1e-4})


def test_the_table_is_in_milliseconds_and_microseconds() -> None:
    """One line per request, then the saturated rates."""
    times = {"task_instances": fits([point(rows, 0, [0.03 + rows * 3e-4]) for rows in (1, 100)])}
    rates = [{"clients": clients, "rows_per_second": 1000.0 * clients} for clients in CLIENTS]
    lines = table({"get": {}, "post": times, "post_without_nulls": times, "saturation": {"post": rates}})
    assert "| post task_instances | 30.0 | 300.0 |" in lines
    assert "| post without nulls task_instances | 30.0 | 300.0 |" in lines
    assert "| post | 1,000 | 2,000 | 4,000 | 8,000 |" in lines


def test_rows_are_cut_in_order() -> None:
    """The last batch has what is left."""
    assert list(batches([{"n": number} for number in range(5)], 2)) == [
        [{"n": 0}, {"n": 1}],
        [{"n": 2}, {"n": 3}],
        [{"n": 4}],
    ]


def test_only_columns_that_may_be_left_out_are() -> None:
    """``hostname`` breaks the target's own pages when it is absent, and ``pid`` is not null everywhere."""
    rows: list[Row] = [{"queue": None, "hostname": None, "pid": 1}, {"queue": None, "hostname": None, "pid": None}]
    assert without_nulls(TASK_INSTANCES, rows) == [{"hostname": None, "pid": 1}, {"hostname": None, "pid": None}]


async def test_so_many_clients_are_at_work_at_once() -> None:
    """Never more, and never fewer while there are requests left."""
    under_way, most = 0, 0

    async def request() -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1

    assert await rate_of([request() for _ in range(9)], 3) > 0
    assert (under_way, most) == (0, 3)
