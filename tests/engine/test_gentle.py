"""A server that gets into trouble in the middle of a job is not hit harder, and the job still ends.

Both run with the default limits in virtual time, so a request costs its server what it costs a real one.
"""

from itertools import pairwise
from pathlib import Path

import pytest

from transfer.emulator import Shape, SyntheticHistory, TableHistory

from .queues import Server, Town, Visit, town
from .tables import empty_like

HEALTHY = 200
"""Requests before the trouble begins: enough for both sides to have found their pace."""

WARM = 60
"""Requests at the start that say nothing about the pace."""


def troubled(directory: Path, side: str, **trouble: float) -> tuple[Town, Server]:
    """Run a whole job between servers of which one gets into trouble; return both, and that one."""
    source = TableHistory.copy_of(SyntheticHistory(Shape(dags=3, runs=200, tasks=4, retry_every=4, ties=2)))
    place = town(directory, source, empty_like(source), window_runs=5)
    server = place.servers[side]
    server.healthy_for = HEALTHY
    for name, value in trouble.items():
        setattr(server, name, value)
    ending = place.run()
    assert (ending.problems, place.differences()) == ({}, [])
    return place, server


def rate(visits: list[Visit]) -> float:
    """Return requests per second."""
    return len(visits) / (visits[-1].at - visits[0].at)


def later(server: Server) -> list[Visit]:
    """Return the requests in the second half of the trouble, when it has been noticed."""
    return server.after[len(server.after) // 2 :]


@pytest.mark.parametrize("side", ["source", "target"])
def test_a_server_that_slows_down_is_asked_less(tmp_path: Path, side: str) -> None:
    """A server that takes five times as long gets fewer requests, and no more at once than it was allowed before."""
    place, server = troubled(tmp_path, side, slowness=5.0)
    allowed = place.limits[side].history
    before = max(concurrency for at, concurrency in allowed if at <= server.after[0].at)
    assert len(server.after) > HEALTHY // 2
    assert max(visit.present for visit in later(server)) <= before
    assert max(concurrency for _, concurrency in allowed) == before
    assert rate(server.after) < rate(server.before[WARM:])


@pytest.mark.parametrize("side", ["source", "target"])
def test_a_server_that_turns_every_other_request_away_is_left_alone(tmp_path: Path, side: str) -> None:
    """A server that answers 429 half of the time is soon asked for one thing at a time, and seldom."""
    _, server = troubled(tmp_path, side, refused=0.5)
    assert sum(visit.refused for visit in server.after) > len(server.after) // 3
    assert max(visit.present for visit in later(server)) <= 2
    assert rate(later(server)) < rate(server.before[WARM:]) / 4


def test_the_servers_of_this_test_are_used(tmp_path: Path) -> None:
    """Without trouble, both servers get several requests at once: less would show nothing."""
    source = TableHistory.copy_of(SyntheticHistory(Shape(dags=3, runs=60, tasks=4)))
    place = town(tmp_path, source, empty_like(source), window_runs=5)
    place.run()
    assert all(max(visit.present for visit in server.visits) >= 3 for server in place.servers.values())
    assert all(
        earlier.at <= later.at for server in place.servers.values() for earlier, later in pairwise(server.visits)
    )
