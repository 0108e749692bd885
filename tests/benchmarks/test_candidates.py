"""What the candidates of part ``real`` send, and what is understood of what they say."""

import json
from collections.abc import Callable

import orjson
import pytest

from benchmarks.candidates import concurrency_in
from benchmarks.operator_runs import Attempt, largest, said
from benchmarks.pipe import BODY_BYTES, bodies
from transfer.kinds import TASK_INSTANCES, Row


def rows(count: int, **columns: object) -> list[Row]:
    """Return task instances."""
    return [{"run_id": f"run {number}", "executor_config": None, **columns} for number in range(count)]


def sent(bodies_: list[bytes]) -> list[Row]:
    """Return the rows of all bodies."""
    return [row for body in bodies_ for row in orjson.loads(body)["task_instances"]]


def test_the_pipe_sends_every_row_once() -> None:
    """Batches of at most so many rows, in order."""
    cut = list(bodies(TASK_INSTANCES, rows(25, pid=1), 10, lean=False))
    assert [len(orjson.loads(body)["task_instances"]) for body in cut] == [10, 10, 5]
    assert sent(cut) == rows(25, pid=1)


def test_the_pipe_halves_what_is_too_large() -> None:
    """A body over the server's limit would end it."""
    large = rows(4, hostname="x" * (BODY_BYTES // 3))
    cut = list(bodies(TASK_INSTANCES, large, 1000, lean=False))
    assert all(len(body) <= BODY_BYTES for body in cut)
    assert sent(cut) == large


def test_the_lean_pipe_leaves_out_what_is_null_everywhere() -> None:
    """Of these only columns that the target fills with null by itself."""
    given = rows(2, pid=None, queue=None)
    given[1]["queue"] = "default"
    (body,) = bodies(TASK_INSTANCES, given, 10, lean=True)
    assert [set(row) for row in sent([body])] == [{"run_id", "executor_config", "queue"}] * 2


def test_concurrency_is_read_from_progress_events() -> None:
    """One line per side; other events and lines that are no JSON are skipped."""
    events = [
        {"event": "progress", "seconds": 1, "concurrency": {"source": 2, "target": 4}},
        {"event": "summary", "concurrency": {"source": 9}},
        {"event": "progress", "seconds": 2, "concurrency": {"source": 3, "target": 8}},
        {"event": "progress", "seconds": 3},
        7,
    ]
    log = "\n".join(["not JSON", *map(json.dumps, events)])
    assert concurrency_in(log) == {"source": [(1, 2), (2, 3)], "target": [(1, 4), (2, 8)]}


def test_an_attempt_of_the_operator_says_what_it_left_behind() -> None:
    """It writes runs and task instances in two requests, so it can fail between them."""
    error = "HTTPError: 500 Server Error: INTERNAL SERVER ERROR for url: http://127.0.0.1:1/api"
    half = Attempt(limit=400, seconds=1.0, runs=400, rows=400, error=error)
    assert said(half) == (
        "limit 400: HTTPError: 500 Server Error: INTERNAL SERVER ERROR, and left 400 runs without their task instances"
    )
    assert said(Attempt(limit=10, seconds=1.0, runs=10, rows=110, error=None)) == "limit 10: done"


def attempts_up_to(most: int) -> Callable[[int], Attempt]:
    """Return an operator that fails with more than ``most`` runs."""

    def attempt(limit: int) -> Attempt:
        return Attempt(limit, 1.0, limit, limit, "HTTPError: 413" if limit > most else None)

    return attempt


@pytest.mark.parametrize(("most", "runs"), [(127, 5_000), (11, 5_000), (4_999, 5_000)])
def test_the_largest_limit_of_the_operator_is_found_to_a_tenth(most: int, runs: int) -> None:
    """It survives that limit, and hardly a larger one."""
    limit, tried = largest(attempts_up_to(most), runs)
    assert most * 10 // 11 - 1 <= limit <= most
    assert len(tried) < 20


def test_an_operator_that_moves_everything_is_not_searched() -> None:
    """One attempt is enough."""
    assert [one.limit for one in largest(attempts_up_to(9_000), 5_000)[1]] == [5_000]


def test_an_operator_that_never_survives_is_left_with_its_default() -> None:
    """The search ends."""
    assert largest(attempts_up_to(0), 5_000)[0] == 10
