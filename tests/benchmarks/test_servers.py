"""Emulated deployments run as processes of their own, and say afterwards what they saw."""

import json
import urllib.request
from typing import Any

import pytest

from benchmarks.serve import Order
from benchmarks.servers import Deployment, started
from transfer.emulator import Shape, SyntheticHistory
from transfer.kinds import DAG_RUNS

SHAPE = {"runs": 4, "tasks": 2, "failures": False}


def ask(deployment: Deployment, path: str, body: object = None) -> Any:
    """Return the JSON that a deployment answers."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{deployment.url}/api/starship/{path}", data, headers)  # noqa: S310  loopback
    with urllib.request.urlopen(request) as answer:  # noqa: S310  as above
        return json.load(answer)


def test_a_source_serves_and_remembers() -> None:
    """A source has the history of its shape, and its log has the requests with their rows and times."""
    with started(Order(SHAPE, writable=False, service={"GET": (0.001, 0.0)}, workers=1)) as source:
        page = ask(source, "task_instances?dag_id=dag_0000&limit=3")
        report = source.ended()
    assert len(page["task_instances"]) == 6
    assert report.exactly_once is None
    (seen,) = report.log
    assert (seen.method, seen.route, seen.rows, seen.status) == ("GET", "task_instances", 6, 200)
    assert (seen.done or 0.0) - (seen.begun or 0.0) >= 0.001


def test_a_target_says_when_enough_is_there_and_proves_what_it_got() -> None:
    """A target tells of the rows that it was to wait for; what is not all that it should have is no proof."""
    rows = list(SyntheticHistory(Shape(**SHAPE)).runs("dag_0000"))  # type: ignore[arg-type]  # of any field
    with started(Order(SHAPE, writable=True, tell_at=3)) as target:
        for row in rows:
            ask(target, DAG_RUNS.route, {DAG_RUNS.envelope: [row]})
        told = target.wait()
        report = target.ended()
    assert told["rows"] == 3
    assert [seen.rows for seen in report.posts()] == [1, 1, 1, 1]
    assert (report.exactly_once, report.proof and report.proof["stored"]["dag_runs"]) == (False, 4)
    assert (report.posts()[2].done or 0.0) <= told["at"] <= (report.posts()[3].begun or 0.0)


def test_a_server_that_ends_by_itself_is_noticed() -> None:
    """Who waits for a server that is gone hears so."""
    with started(Order(SHAPE, writable=False)) as source:
        source.ended()
        with pytest.raises(RuntimeError, match="ended by itself"):
            source.wait()


def fail_beside(deployments: list[Deployment]) -> None:
    """Start a server, note it, and fail."""
    with started(Order(SHAPE, writable=False)) as source:
        deployments.append(source)
        raise ZeroDivisionError


def test_no_process_is_left() -> None:
    """A server is gone when its block is left, also by an exception."""
    deployments: list[Deployment] = []
    with pytest.raises(ZeroDivisionError):
        fail_beside(deployments)
    with pytest.raises(OSError, match="refused"):
        ask(deployments[0], "info")
