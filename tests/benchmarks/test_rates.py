"""What is said of a server's use follows from its log by arithmetic."""

import pytest

from benchmarks import rates
from benchmarks.servers import Report, Seen
from transfer.emulator import Cost, ServiceTimes


def post(begun: float, done: float, rows: int = 100, *, waited: float = 0.0) -> Seen:
    """Return a write that was carried out."""
    return Seen("POST", "task_instances", rows, begun - waited, begun, done, 200)


EVEN = [post(second, second + 1) for second in range(10)]
"""One worker that always works: ten requests of a second and a hundred rows each."""


def test_a_worker_that_always_works_is_busy() -> None:
    """Ten seconds of work in ten seconds are all of the time of one worker, and half of that of two."""
    used = rates.use(EVEN, EVEN, 1)
    assert (used.rows, used.posts, used.seconds, used.rate, used.busy) == (1_000, 10, 10.0, 100.0, 1.0)
    assert rates.use(EVEN, EVEN, 2).busy == 0.5
    assert rates.use(EVEN, EVEN, None).busy is None


def test_the_first_tenth_is_left_out_of_the_rate_that_was_found() -> None:
    """A slow beginning counts in the whole rate only."""
    slow = [post(0, 20), *(post(20 + number, 21 + number) for number in range(9))]
    used = rates.use(slow, slow, 1)
    assert used.found_rate == 100.0
    assert used.rate == pytest.approx(1_000 / 29)


def test_waiting_requests_are_at_the_server_too() -> None:
    """The most at once counts those that wait for a worker, but not one that comes when another goes."""
    assert rates.most_at_once(EVEN) == 1
    assert rates.most_at_once([post(0, 1), post(1, 2, waited=0.5), post(2, 3, waited=1.5)]) == 3
    assert rates.most_at_once([]) == 0


def test_work_is_cut_at_the_edges() -> None:
    """Only what lies between the two moments counts."""
    assert rates.worked([post(0, 4), post(3, 6)], 2, 5) == 4.0


def test_requests_that_were_not_carried_out_do_not_work() -> None:
    """A request without an end adds nothing."""
    lost = Seen("POST", "task_instances", 0, 1.0, None, None, None)
    assert (rates.worked([lost], 0, 9), rates.most_at_once([lost])) == (0, 0)
    assert rates.under_way([lost], 1.0, start=0.0) == [(0.5, 0.0)]


def test_rows_count_evenly_while_they_are_stored() -> None:
    """A request of two seconds gives half of its rows to each; the sum is what was stored."""
    points = rates.over_time([post(0, 2, 100), post(2, 2.5, 50)], 1.0, start=0.0)
    assert points == [(0.5, 50.0), (1.5, 50.0), (2.5, 50.0)]


def test_a_request_that_took_no_time_counts_where_it_ended() -> None:
    """All of its rows are in one step."""
    assert rates.over_time([post(1, 1, 10), post(2, 2, 20)], 1.0, start=0.0) == [(0.5, 0.0), (1.5, 10.0), (2.5, 20.0)]


def test_requests_under_way_are_averaged() -> None:
    """One that was there for half of a step is half a request."""
    assert rates.under_way([post(0, 1.5), post(0, 1)], 1.0, start=0.0) == [(0.5, 2.0), (1.5, 0.5)]


def test_a_rate_is_reached_when_a_whole_window_has_it() -> None:
    """One fast step is not enough; what is returned is the end of the window and the share of the rows by then."""
    points = [(0.5, 100.0), (1.5, 0.0), (2.5, 100.0), (3.5, 80.0), (4.5, 120.0)]
    assert rates.reached(points, 90.0, 1.0) == (1.0, 0.25)
    assert rates.reached(points, 90.0, 2.0) == (4.0, 0.7)
    assert rates.reached(points, 100.0, 2.0) == (5.0, 1.0)


def test_a_rate_may_never_be_reached() -> None:
    """Nor is it by a job that is shorter than the window."""
    assert rates.reached([(0.5, 100.0), (1.5, 100.0)], 101.0, 2.0) is None
    assert rates.reached([(0.5, 100.0)], 1.0, 2.0) is None
    assert rates.reached([], 1.0, 2.0) is None


def test_the_steady_rate_leaves_out_the_ends() -> None:
    """Where the last requests end alone, other workers have nothing to do, which is no one's fault."""
    two_workers = [post(0, 2), post(0, 2), post(2, 4), post(2, 4), post(4, 9)]
    runs = [Seen("POST", "dag_runs", 50, 20.0, 20.0 + at, 21.0 + at, 200) for at in (0, 1)]
    assert rates.steady(two_workers) == 100.0
    assert rates.steady([*two_workers, *runs]) == pytest.approx((400 + 50) / 5)


def test_full_batches_and_no_pause_are_the_most() -> None:
    """The saturated rate is that of workers that only get full batches of each kind."""
    service = ServiceTimes({"POST": Cost(0.1, 0.001)}, {("POST", "dag_runs"): Cost(0.4, 0.001)})
    assert rates.saturated(service, {"task_instances": 1_000}, 2, 100) == pytest.approx(1_000)
    assert rates.saturated(service, {"task_instances": 1_000, "dag_runs": 100}, 2, 100) == pytest.approx(
        2 * 1_100 / 2.5
    )


@pytest.mark.parametrize(("status", "kept"), [(200, True), (None, True), (409, False), (429, False)])
def test_only_writes_that_stored_rows_count(status: int | None, *, kept: bool) -> None:
    """A refused batch stores nothing; one whose client was killed while it waited may have."""
    seen = post(0, 1)._replace(status=status)
    read = seen._replace(method="GET", status=200)
    assert Report([read, seen], 0.0, None, None).posts() == [seen] * kept


def test_writes_come_in_the_order_of_their_ends() -> None:
    """The log is in the order of arrival, the rates want that of the ends."""
    log = [post(0, 3), post(0, 2)]
    assert [seen.done for seen in Report(log, 0.0, None, None).posts()] == [2, 3]
