"""Rows in and out of a deployment, and what is no answer of Starship."""

import json
from typing import Any

import pytest
from aiohttp import web

from transfer.errors import LostAnswerError, NotStarshipError, UnexpectedAnswerError
from transfer.kinds import TASK_INSTANCES
from transfer.model import DagInfo, ServerInfo

from .serving import BATCH, ECHO, INFO, TASK, answers, page, side

DATES = {"start_date": None, "execution_date": "2026-01-01 00:00:00+00:00", "state": "success"}
RUN = {"run_id": "r", "dag_id": "d", **DATES, "conf": {"big": 12345678901234567890123, "e": "é"}}


async def test_info() -> None:
    """The versions are read, and nothing else is asked."""
    async with side(answers(INFO)) as target:
        assert await target.starship.info() == ServerInfo("2.11.2", "2.10.1")
        assert [request.path for request in target.requests] == ["/api/starship/info"]


@pytest.mark.parametrize("reply", [page(404), page(200), page(405)])
async def test_a_server_without_the_plugin(reply: web.Response) -> None:
    """A page where info should be means that this is not Starship, and the hint says what to check."""
    async with side(answers(reply)) as target:
        with pytest.raises(NotStarshipError) as caught:
            await target.starship.info()
        assert "plugin astronomer-starship is installed" in caught.value.hint


async def test_dags() -> None:
    """DAGs come with their count of runs; is_paused may be null."""
    rows = [
        {"dag_id": "a", "dag_run_count": 3, "is_paused": True},
        {"dag_id": "b", "dag_run_count": 0, "is_paused": None},
    ]
    async with side(answers(web.json_response(rows))) as target:
        assert await target.starship.dags() == [DagInfo("a", 3, is_paused=True), DagInfo("b", 0, is_paused=False)]


async def test_runs_keep_integers_beyond_64_bits() -> None:
    """The conf of a run arrives exactly, whatever its numbers."""
    async with side(answers({"dag_run_count": 7, "dag_runs": [RUN]})) as target:
        found = await target.starship.dag_runs("d", offset=0, limit=5)
        assert (found.rows, found.run_count) == ([RUN], 7)


async def test_runs_keep_nan_and_surrogates() -> None:
    """What only the standard library reads is read."""
    text = json.dumps({"dag_run_count": 1, "dag_runs": [{**RUN, "conf": {"x": float("nan"), "s": "\ud800"}}]})
    async with side(answers(web.Response(text=text, content_type="application/json"))) as target:
        rows = (await target.starship.dag_runs("d", offset=0, limit=5)).rows
        assert rows[0]["conf"]["s"] == "\ud800"
        assert rows[0]["conf"]["x"] != rows[0]["conf"]["x"]


async def test_children_are_read_from_the_page() -> None:
    """Task rows come through a page that the caller closes."""
    async with side(answers({"dag_run_count": 1, "task_instances": [TASK]})) as target:
        found = await target.starship.children(TASK_INSTANCES, "d", offset=0, limit=5)
        assert [rows async for rows in found.rows()] == [[TASK]]
        assert (found.run_count, found.kind) == (1, TASK_INSTANCES)
        found.close()


NOT_ROWS: list[tuple[str, Any]] = [
    ("info", {}),
    ("info", {"airflow_version": 2, "starship_version": "x"}),
    ("info", []),
    ("dags", {}),
    ("dags", [1]),
    ("dags", [{"dag_id": "d"}]),
    ("dags", [{"dag_id": None, "dag_run_count": 1, "is_paused": True}]),
    ("dag_runs", []),
    ("dag_runs", {"dag_runs": [], "dag_run_count": None}),
    ("dag_runs", {"dag_runs": {}, "dag_run_count": 1}),
    ("dag_runs", {"dag_runs": [1], "dag_run_count": 1}),
    ("dag_runs", {"dag_runs": [{**RUN, "run_id": None}], "dag_run_count": 1}),
    ("dag_runs", {"dag_runs": [{**RUN, "start_date": 1}], "dag_run_count": 1}),
    ("dag_runs", {"dag_run_count": 1}),
]


@pytest.mark.parametrize(("call", "document"), NOT_ROWS)
async def test_another_shape_is_unexpected(call: str, document: Any) -> None:
    """A document of another shape is an unexpected answer, never a KeyError."""
    arguments = ({"dag_id": "d", "offset": 0, "limit": 1}) if call == "dag_runs" else {}
    async with side(answers(web.json_response(document))) as target:
        with pytest.raises(UnexpectedAnswerError, match=f"target: {call}"):
            await getattr(target.starship, call)(**arguments)


@pytest.mark.parametrize("text", ["{oops}", "[" * 100_000 + "]" * 100_000, "9" * 5000 + "]"])
async def test_broken_json_is_unexpected(text: str) -> None:
    """A document that no parser takes is an unexpected answer."""
    async with side(answers(web.Response(text=text, content_type="application/json"))) as target:
        with pytest.raises(UnexpectedAnswerError, match="not valid JSON"):
            await target.starship.dags()


async def test_an_insert_returns_when_its_echo_arrived() -> None:
    """The echo of the kind's list is what counts as stored."""
    async with side(answers(ECHO)) as target:
        await target.starship.insert(BATCH)
        assert await target.requests[0].read() == BATCH.body


@pytest.mark.parametrize("reply", [{"dag_runs": []}, {}, {"padding": " " * 300, "task_instances": []}])
async def test_another_echo_is_a_lost_answer(reply: dict[str, Any]) -> None:
    """JSON that is no echo of the batch proves nothing: the target has to be asked."""
    async with side(answers(reply)) as target:
        with pytest.raises(LostAnswerError, match="not the echo"):
            await target.starship.insert(BATCH)
        assert len(target.requests) == 1


@pytest.mark.parametrize("size", [0, 100, 983_040])
async def test_a_probe_has_its_size_and_no_rows(size: int) -> None:
    """A probe of a size is a body of just that size, as small as it can be, with an empty list."""
    async with side(answers({"task_instances": []})) as target:
        await target.starship.probe_write(size)
        body = await target.requests[0].read()
        assert len(body) == max(size, 34)
        assert json.loads(body)["task_instances"] == []


async def test_a_large_page_lies_in_a_file() -> None:
    """A page over the limit of memory is complete all the same."""
    rows = [TASK | {"task_id": f"t{number}", "note": "x" * 1000} for number in range(10_000)]
    document = json.dumps({"dag_run_count": 1, "task_instances": rows})
    async with side(answers(web.Response(text=document, content_type="application/json"))) as target:
        found = await target.starship.children(TASK_INSTANCES, "d", offset=0, limit=5)
        assert found.size == len(document)
        assert [row async for some in found.rows() for row in some] == rows
        found.close()
