"""The canned servers serve a history that holds together, count what they get, and can be moved by both candidates."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from benchmarks.bare_loop import move
from benchmarks.canned import Canned, canned
from benchmarks.canned_rows import DAG, KINDS, page, rows_of
from benchmarks.overhead import transfer

RUNS = 45


def rows(route: str, offset: int, limit: int) -> list[dict[str, Any]]:
    """Return the rows of a page."""
    document = json.loads(page(route, RUNS, offset, limit))
    assert document["dag_run_count"] == RUNS
    found: list[dict[str, Any]] = document[KINDS[route]]
    return found


@pytest.fixture(params=[False, True], ids=["kept", "closed"])
def servers(request: pytest.FixtureRequest) -> Iterator[Canned]:
    """Run both servers, with connections that are kept and with such that are closed after each answer."""
    with canned(RUNS, close=request.param) as running:
        yield running


def test_slices_are_those_of_one_history() -> None:
    """Pages put together are the whole: every run once, newest first, with no two at the same moment."""
    whole = rows("dag_runs", 0, 1_000)
    assert whole == rows("dag_runs", 0, 7) + rows("dag_runs", 7, 30) + rows("dag_runs", 37, 30)
    starts = [run["start_date"] for run in whole]
    assert starts == sorted(set(starts), reverse=True)
    assert len({run["run_id"] for run in whole}) == RUNS
    assert rows("dag_runs", RUNS, 10) == []


def test_children_belong_to_the_runs_of_the_slice() -> None:
    """The same slice of task instances and tries is that of these runs; each identity is there once."""
    ids = {run["run_id"] for run in rows("dag_runs", 5, 20)}
    tasks, tries = rows("task_instances", 5, 20), rows("task_instance_history", 5, 20)
    assert {row["run_id"] for row in tasks} == ids == {row["run_id"] for row in tries}
    keys = [(row["run_id"], row["task_id"], row["map_index"]) for row in tasks]
    assert len(set(keys)) == len(tasks) == 200
    assert {(row["run_id"], row["task_id"], row["map_index"]) for row in tries} <= set(keys)


def test_the_history_has_as_many_rows_as_it_says() -> None:
    """``rows_of`` counts what the pages hold."""
    assert sum(len(rows(route, 0, RUNS)) for route in KINDS) == rows_of(RUNS)


def test_the_bare_loop_moves_everything(servers: Canned) -> None:
    """Every row arrives, and what was counted is forgotten when it was asked for."""
    asyncio.run(move((servers.source, servers.target), DAG, 10, 2))
    arrived = servers.arrived()
    assert arrived.pop("requests") == 15
    assert sum(arrived.values()) == rows_of(RUNS)
    assert not servers.arrived()


def test_a_transfer_completes(servers: Canned, tmp_path: Any) -> None:
    """``transfer run`` finds all that it needs and ends with exit code 0."""
    cost = transfer(servers, tmp_path)
    arrived = servers.arrived()
    del arrived["requests"]
    assert (cost.exit_code, sum(arrived.values())) == (0, rows_of(RUNS))


def test_the_target_answers_with_what_was_sent() -> None:
    """As Starship does, unless it is told not to."""
    body = b'{"task_instances":[{"run_id":"r"}]}'
    for echo, said in ((True, json.loads(body)), (False, {"task_instances": []})):
        with (
            canned(1, echo=echo) as running,
            urlopen(f"{running.target}/api/starship/task_instances", data=body) as answer,  # noqa: S310 - our own server
        ):
            assert json.load(answer) == said
            assert running.arrived() == {"task_instances": 1, "requests": 1}


def test_a_row_that_cannot_be_stored_is_not_counted(servers: Canned) -> None:
    """Whoever asks what the target does with it has not moved anything."""
    body = b'{"dag_runs": [{"run_id": null, "dag_id": "d"}]}'
    with urlopen(f"{servers.target}/api/starship/dag_runs", data=body):  # noqa: S310 - our own server
        assert not any(servers.arrived().values())


def test_the_servers_end_with_the_block() -> None:
    """Nothing is left behind."""
    with canned(1) as running:
        pass
    with pytest.raises(URLError):
        urlopen(f"{running.source}/api/starship/info")  # noqa: S310 - our own server
