"""What the adaptive concurrency reaches on modelled servers, and what it spares them."""

from statistics import mean, median

import pytest

from transfer.client.climb import COMMON, FIRST, LOSS_MEMORY, Climb
from transfer.client.control import Done
from transfer.errors import ConflictError, LostAnswerError, SideError, ThrottledError, TransientError

from .queueing import EVEN, MIXED, Course, Model, Route, Server

MOST = 64
SEEDS = range(5)
SMALL = (
    Route("POST dag_runs", 10, (1_000, 100_000), 0.01, 2e-7),
    Route("GET dag_runs", 10, (1_000, 200_000), 0.01, 2e-7),
    Route("POST task_instances", 1, (1_000, 900_000), 0.02, 5e-7),
)
LARGE = (
    Route("POST dag_runs", 1, (1_000, 100_000), 0.01, 2e-7),
    Route("POST task_instances", 10, (1_000, 900_000), 0.02, 5e-7),
    Route("POST task_instance_history", 1, (1_000, 900_000), 0.02, 5e-7),
)


def course(server: Server, seed: int = 0, each: int = 600, **more: int) -> Course:
    """Run a job of ``each`` requests per worker."""
    return Model(server, Climb(1, MOST), each * server.workers, seed=seed, **more).run()


@pytest.mark.parametrize("routes", [EVEN, MIXED], ids=["even", "mixed"])
@pytest.mark.parametrize("workers", [1, 2, 4, 16])
@pytest.mark.parametrize("delay", [0.0, 0.02, 0.05])
def test_a_server_is_used_and_not_flooded(routes: tuple[Route, ...], workers: int, delay: float) -> None:
    """After a tenth of the job it is as fast as the server allows, with at most twice the requests needed, or four."""
    server = Server(workers, delay, routes)
    courses = [course(server, seed) for seed in SEEDS]
    assert mean(each.busy(0.1, 0.3) for each in courses) >= 0.87
    assert mean(each.busy(0.1) for each in courses) >= 0.9
    assert median(each.final() for each in courses) <= max(2 * server.knee, 4)


def test_sixteen_far_workers_are_found_within_tens_of_requests() -> None:
    """With 100 ms there and back, the first 150 requests are enough."""
    server = Server(16, 0.05)
    assert course(server).allowed[150] >= server.knee


@pytest.mark.parametrize("delay", [0.0, 0.05])
@pytest.mark.parametrize("workers", [1, 4, 16])
def test_looks_cost_little(workers: int, delay: float) -> None:
    """Once settled, going on to look costs less than three per cent of what staying there would reach."""
    server = Server(workers, delay)
    found = course(server, each=1_200)
    steady = Model(server, Climb(number := round(found.final()), number), 1_200 * workers).run()
    assert found.busy(0.5) >= 0.97 * steady.busy(0.5)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("workers", "delay"), [(1, 0.0), (2, 0.02), (4, 0.05), (16, 0.02)])
def test_a_server_that_slows_down_is_not_hit_harder(workers: int, delay: float, seed: int) -> None:
    """When all takes five times as long, there are never more requests under way than there were, and in the end fewer.

    A look that has just begun is taken back.
    """
    server = Server(workers, delay, slowness=lambda share: 5.0 if share > 0.5 else 1.0)
    allowed = course(server, seed, each=800).allowed
    middle = len(allowed) // 2
    before = median(allowed[middle // 2 : middle])
    assert max(allowed[middle:]) <= max(allowed[:middle])
    assert max(allowed[middle + 150 * workers :]) <= max(before, 2)


def test_a_server_that_recovers_is_used_again() -> None:
    """Trouble that has passed is forgotten."""
    server = Server(4, 0.02, slowness=lambda share: 5.0 if 0.4 < share < 0.6 else 1.0)
    assert mean(course(server, seed, each=1_200).busy(0.8) for seed in SEEDS) >= 0.9


@pytest.mark.parametrize("workers", [1, 4, 16])
def test_a_server_that_refuses_half_of_all_is_asked_one_by_one(workers: int) -> None:
    """429 for every other request ends at the fewest allowed."""
    server = Server(workers, 0.02, refusals=lambda share: 0.5 if share > 0.3 else 0.0)
    assert max(course(server).allowed[-300 * workers :]) <= 1


@pytest.mark.parametrize("workers", [4, 16])
def test_refusals_that_end_are_forgotten(workers: int) -> None:
    """After a time of 429s the server is used again."""
    server = Server(workers, 0.02, refusals=lambda share: 0.5 if 0.3 < share < 0.4 else 0.0)
    assert mean(course(server, seed).busy(0.7) for seed in SEEDS) >= 0.85


@pytest.mark.parametrize("workers", [4, 16])
def test_rare_losses_cost_little(workers: int) -> None:
    """One request in a thousand that gets lost, for reasons that have nothing to do with us, does not slow the job."""
    server = Server(workers, 0.02, refusals=lambda _share: 0.001)
    assert mean(course(server, seed).busy(0.1) for seed in SEEDS) >= 0.85


@pytest.mark.parametrize("clients", [2, 3, 6])
def test_what_is_not_used_does_not_grow(clients: int) -> None:
    """When the other side is slower, the concurrency stays near what is really under way."""
    server = Server(16, 0.02)
    assert course(server, each=200, clients=clients).final() <= 1.5 * clients


@pytest.mark.parametrize(("first", "then"), [(SMALL, LARGE), (LARGE, SMALL)], ids=["larger", "smaller"])
def test_other_requests_are_no_other_server(first: tuple[Route, ...], then: tuple[Route, ...]) -> None:
    """When requests become larger or smaller on the average, the server goes on being used, and is not flooded."""
    server = Server(4, 0.02, first, then)
    courses = [course(server, seed, each=1_500) for seed in SEEDS]
    assert mean(each.busy(0.7) for each in courses) >= 0.85
    assert max(each.final() for each in courses) <= 2 * max(server.knee, Server(4, 0.02, then).knee) + 1


@pytest.mark.parametrize("seed", SEEDS)
def test_tiny_requests_do_not_confuse(seed: int) -> None:
    """Requests that cost nothing, one of three, change nothing about what is found."""
    info = Route("GET info", 0.5, (100, 120), 0.002, 0)
    server = Server(4, 0.0, (*EVEN, info))
    found = course(server, seed)
    assert found.busy(0.1) >= 0.9
    assert found.final() <= max(2 * server.knee, 4)


def test_a_known_server_is_taken_up_where_it_was_left() -> None:
    """What an earlier run has found holds from the first request on, and is not added to by starting again."""
    server = Server(16, 0.02)
    climb = Climb(1, MOST, 20)
    assert climb.concurrency == 20
    again = Model(server, climb, 4_000).run()
    assert again.busy(0, 0.1) >= 0.85
    assert again.final() <= 30


@pytest.mark.parametrize(("start", "expected"), [(None, FIRST), (1, 3), (5, 5), (90, 8)])
def test_it_begins_within_the_bounds(start: int | None, expected: int) -> None:
    """A remembered number is only as good as the bounds allow."""
    assert Climb(3 if start else 1, 8, start).concurrency == expected


def test_bounds_hold_at_once() -> None:
    """A lower ceiling, or a higher floor, counts from the next request on."""
    climb = Climb(1, 64, 20)
    climb.bound(1, 5)
    assert climb.concurrency == 5
    climb.bound(9, 12)
    assert climb.concurrency == 9


def test_a_higher_ceiling_is_made_use_of() -> None:
    """What was held back by the ceiling grows once it is lifted."""
    climb = Climb(1, 3)
    assert max(Model(Server(16), climb, 1_000).run().allowed) == 3
    climb.bound(1, 32)
    assert Model(Server(16), climb, 4_000).run().final() >= 14


def lost(status: int | None) -> SideError:
    """Return an error about overload."""
    return ThrottledError("target", "x", "no", status=status)


@pytest.mark.parametrize(
    ("error", "left"),
    [
        (lost(429), 8),
        (lost(503), 8),
        (LostAnswerError("target", "x", "no answer in time"), 8),
        (TransientError("source", "x", "the connection broke"), 8),
        (TransientError("source", "x", "bad gateway", status=502), 8),
        (LostAnswerError("target", "x", "an error", status=500), 16),
        (ConflictError("target", "x", "a duplicate", status=409), 16),
    ],
)
def test_losses_halve(error: SideError, left: int) -> None:
    """Overload and time-outs halve the requests at once; what the rows or the program are to blame for does not."""
    climb = Climb(1, MOST, 16)
    climb.began(0)
    climb.ended(1)
    climb.failed(0, 1, error)
    assert climb.concurrency == left


def test_losses_of_one_round_trip_count_once() -> None:
    """All that were under way together fail together when a server restarts."""
    climb = Climb(1, MOST, 16)
    for _ in range(16):
        climb.began(0)
    for number in range(16):
        climb.ended(1 + number / 100)
        climb.failed(0, 1 + number / 100, lost(503))
    assert climb.concurrency == 8


def answers(climb: Climb, count: int, since: float) -> float:
    """Let ``count`` requests be answered one after the other; return the time at the end."""
    for _ in range(count):
        climb.began(since)
        climb.ended(since + 0.1)
        climb.answered(Done(since, since + 0.1, "GET x", 1_000))
        since += 0.1
    return since


def test_a_chance_loss_is_made_good() -> None:
    """After answers in a row it is back where it was; when losses are common, at three quarters."""
    climb, backs = Climb(1, MOST, 16), []
    now = answers(climb, 30, 1.0)
    for _ in range(2 * round(COMMON * LOSS_MEMORY)):
        climb.began(now)
        climb.ended(now)
        climb.failed(now, now, lost(429))
        now = answers(climb, 70, now + 0.01)
        backs.append(climb.concurrency)
    assert backs[:3] == [16, 16, 16]
    assert backs[-1] < 16
