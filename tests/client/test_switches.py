"""Pausing over HTTP: what is asked, what is taken for an answer, and what is not known where a list is closed."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web

from transfer.client.switches import Schedule
from transfer.errors import LostAnswerError

from .serving import INFO, Handler, side

MOST = 60
"""Entries that a server gives at once."""

Documents = Callable[[web.Request, Any], Any]


def says(documents: Documents, status: int = 200, seen: list[Any] | None = None) -> Handler:
    """Return what answers everything but the versions with what ``documents`` makes of a request and its body."""

    async def answer(request: web.Request) -> web.Response:
        if request.path.endswith("/info"):
            return web.json_response(INFO)
        body = await request.read()
        sent = json.loads(body) if body else None
        if seen is not None:
            seen.append((request.method, request.path, dict(request.query), sent))
        return web.json_response(documents(request, sent), status=status)

    return answer


async def test_a_dag_is_paused_by_its_name() -> None:
    """As JSON, with PATCH."""
    seen: list[Any] = []
    async with side(says(lambda _request, sent: sent, seen=seen)) as one:
        await (await one.starship.switches()).set_paused("größe", paused=True)
    assert seen == [("PATCH", "/api/starship/dags", {}, {"dag_id": "größe", "is_paused": True})]


@pytest.mark.parametrize(("document", "status"), [({}, 200), ({"is_paused": True}, 502), ({"is_paused": True}, 500)])
async def test_only_the_echo_is_an_answer(document: Any, status: int) -> None:
    """Whatever else comes may have switched the DAG, or not; it is not sent again."""
    seen: list[Any] = []
    async with side(says(lambda _request, _sent: document, status, seen)) as one:
        with pytest.raises(LostAnswerError):
            await (await one.starship.switches()).set_paused("a", paused=True)
    assert len(seen) == 1


async def test_active_runs_are_listed_page_by_page() -> None:
    """A hundred DAGs at once, by Airflow's own API, which may give fewer runs than it is asked for."""
    runs = [{"dag_id": "d0", "dag_run_id": f"r{number}"} for number in range(130)]
    seen: list[Any] = []

    def listed(_request: web.Request, sent: Any) -> Any:
        mine = [run for run in runs if run["dag_id"] in sent["dag_ids"]]
        page = mine[sent["page_offset"] : sent["page_offset"] + MOST]
        return {"dag_runs": page, "total_entries": len(mine)}

    async with side(says(listed, seen=seen)) as one:
        found = await (await one.starship.switches()).active_runs([f"d{number}" for number in range(150)])
    assert found == {"d0": [f"r{number}" for number in range(130)]}
    asked = [(path, len(sent["dag_ids"]), sent["page_offset"]) for _, path, _, sent in seen]
    path = "/api/v1/dags/~/dagRuns/list"
    assert asked == [(path, 100, 0), (path, 100, 60), (path, 100, 120), (path, 50, 0)]
    assert {tuple(sent["states"]) for _, _, _, sent in seen} == {("queued", "running")}


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (
            {
                "last_parsed_time": "2026-01-02T03:04:05.678901+00:00",
                "next_dagrun_create_after": "2026-01-03T00:00:00Z",
            },
            Schedule(datetime(2026, 1, 2, 3, 4, 5, 678901, UTC), datetime(2026, 1, 3, tzinfo=UTC)),
        ),
        (
            {"last_parsed_time": "2026-01-02T00:00:00Z", "next_dagrun_run_after": None},
            Schedule(datetime(2026, 1, 2, tzinfo=UTC), None),
        ),
        ({"last_parsed_time": None}, Schedule(None, None)),
        ({"last_parsed_time": "2026-01-02T00:00:00"}, Schedule(None, None)),
        ({"last_parsed_time": "soon", "next_dagrun_run_after": 7}, Schedule(None, None)),
    ],
)
async def test_when_a_dag_was_parsed_and_is_due(row: dict[str, Any], expected: Schedule) -> None:
    """Airflow 2 and 3 call it differently; what is no moment counts as never."""
    async with side(says(lambda _request, _sent: {"dags": [{"dag_id": "a"} | row], "total_entries": 1})) as one:
        assert await (await one.starship.switches()).schedules() == {"a": expected}


async def test_all_dags_are_listed() -> None:
    """However few come at once."""
    names = [f"d{number:03}" for number in range(230)]

    def listed(request: web.Request, _sent: Any) -> Any:
        start = int(request.query["offset"])
        return {"dags": [{"dag_id": name} for name in names[start : start + MOST]], "total_entries": len(names)}

    async with side(says(listed)) as one:
        found = await (await one.starship.switches()).schedules()
    assert found is not None
    assert list(found) == names


@pytest.mark.parametrize(
    ("document", "status"),
    [({}, 200), ([], 200), ({"dags": [1], "dag_runs": [1], "total_entries": 1}, 200), ({}, 403), ({}, 404)],
)
async def test_a_closed_list_is_not_taken_for_an_empty_one(document: Any, status: int) -> None:
    """Then nothing is known."""
    async with side(says(lambda _request, _sent: document, status)) as one:
        switches = await one.starship.switches()
        assert await switches.schedules() is None
        assert await switches.active_runs(["a"]) is None
