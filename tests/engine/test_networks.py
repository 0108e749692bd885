"""Whole jobs between far servers keep the target busy; in virtual time."""

from pathlib import Path

import pytest

from benchmarks import rates
from benchmarks.network_jobs import shape_of
from transfer.config.settings import SideLimits
from transfer.emulator import Shape

from .networks import Far, Moved, move


@pytest.fixture(scope="module")
def one_far_worker(tmp_path_factory: pytest.TempPathFactory) -> Moved:
    """Return a job between servers of one worker each, 50 ms away."""
    return move(tmp_path_factory.mktemp("far"), Far(1, 0.05), shape_of(2_500))


def test_one_far_worker_always_has_something_to_do(one_far_worker: Moved) -> None:
    """While one request travels another is worked on: soon, and between start and end, it does what it can."""
    found = one_far_worker.found()
    assert found is not None
    assert found[0] <= 5
    share, busy = one_far_worker.late()
    assert share >= 0.9
    assert busy >= 0.95


def test_no_window_is_a_crumb(one_far_worker: Moved) -> None:
    """What is left of runs that came together is no window of its own if it is only a few."""
    runs = [seen.rows for seen in one_far_worker.posts if seen.route == "dag_runs"]
    assert min(runs[:-1]) >= 25


def test_windows_of_small_dags_make_use_of_what_is_allowed(tmp_path: Path) -> None:
    """Windows that send one request after the other are written as many at once as requests are allowed."""
    at_once = SideLimits(min_concurrency=8, max_concurrency=8)
    job = move(tmp_path, Far(16, 0.0), Shape(dags=24, runs=20, tasks=10), at_once)
    assert rates.most_at_once(job.posts) == 8
