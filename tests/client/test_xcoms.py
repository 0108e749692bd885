"""XComs as the client asks for them: what counts as an answer, what is refused, and what is never repeated."""

import json
from typing import Any

import pytest
from aiohttp import web

from transfer.client.xcoms import TaskName, XCom
from transfer.config.settings import Retry
from transfer.errors import (
    AbsentError,
    ConflictError,
    InvalidRowError,
    LostAnswerError,
    SideError,
    TooLargeError,
    UnavailableError,
    UnexpectedAnswerError,
)

from .serving import CANARY, page, side
from .test_stable import script

TASK = TaskName("d", "a b+c", "tä", 3)
FEW = Retry(attempts=2, wait_initial=0.001, wait_max=0.002)
EMPTY = web.Response(status=204, content_type="text/html")


def row(value: Any = "MQ==", **more: Any) -> dict[str, Any]:
    """Return a row as Starship serves it."""
    return {"dag_id": "d", "run_id": "a b+c", "task_id": "tä", "map_index": 3, "key": "k", "value": value} | more


def entries(*keys: str, total: int | None = None) -> web.Response:
    """Return a page of the list."""
    rows = [{"task_id": "t", "map_index": -1, "key": key} for key in keys]
    return web.json_response({"xcom_entries": rows, "total_entries": len(rows) if total is None else total})


async def test_values_are_asked_for_by_name_and_unpacked() -> None:
    """Ids are parameters, however odd."""
    async with side(script(web.json_response([row()]))) as target:
        found = (await (await target.starship.xcoms()).read(TASK)).values()
        assert found == [XCom("k", b"1")]
        query = dict(target.requests[-1].query)
        assert query == {"dag_id": "d", "run_id": "a b+c", "task_id": "tä", "map_index": "3"}


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"error": CANARY},
        [1],
        [row(value=None)],
        [row(value=f"{CANARY}!")],
        [row(key=None)],
        [row(task_id="other")],
        [{"key": "k"}],
    ],
    ids=str,
)
async def test_what_is_no_list_of_values_is_an_error_that_repeats_nothing(said: Any) -> None:
    """It may hold secrets."""
    async with side(script(web.json_response(said))) as target:
        answer = await (await target.starship.xcoms()).read(TASK)
        with pytest.raises(UnexpectedAnswerError) as caught:
            answer.values()
        assert CANARY not in caught.value.told
        assert caught.value.__context__ is None


async def test_a_value_is_stored_as_one_object() -> None:
    """With all that names it, in ASCII; the answer is empty."""
    async with side(script(EMPTY)) as target:
        await (await target.starship.xcoms()).write(TASK, XCom("k", b"1").body(TASK))
        request = target.requests[-1]
        assert (request.method, request.path) == ("POST", "/api/starship/xcom")
        assert json.loads(await request.text()) == row()


async def test_a_large_one_is_sent_without_its_length() -> None:
    """In pieces."""
    body = XCom("k", b'"%s"' % (b"x" * 300_000)).body(TASK)
    async with side(script(EMPTY)) as target:
        await (await target.starship.xcoms()).write(TASK, body, in_pieces=True)
        request = target.requests[-1]
        assert request.content_length is None
        assert await request.read() == body


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (web.json_response({"error": "DagRun with dag_id=d and run_id=r not found"}, status=404), AbsentError),
        (
            web.json_response({"error": "Integrity Error", "error_message": "UniqueViolation"}, status=409),
            ConflictError,
        ),
        (page(413), TooLargeError),
        (page(200), LostAnswerError),
        (web.json_response({}), None),
        (page(500), LostAnswerError),
        (page(502), LostAnswerError),
    ],
    ids=str,
)
async def test_answers_to_a_write(reply: web.Response, error: type[SideError] | None) -> None:
    """Each is what the caller can do about it, and repeats nothing of the value."""
    body = XCom("k", CANARY.encode()).body(TASK)
    async with side(script(reply), FEW) as target:
        xcoms = await target.starship.xcoms()
        if error is None:
            await xcoms.write(TASK, body)
            return
        with pytest.raises(error) as caught:
            await xcoms.write(TASK, body)
        assert CANARY not in caught.value.told


async def test_a_conflict_says_what_kind_it_is_in_words_of_our_own() -> None:
    """The server repeats the value; we do not."""
    said = {"error_message": f"ForeignKeyViolation {CANARY}", "kwargs": {"value": CANARY}}
    async with side(script(web.json_response(said, status=409))) as target:
        with pytest.raises(ConflictError, match="what it belongs to is not there") as caught:
            await (await target.starship.xcoms()).write(TASK, b"{}")
        assert CANARY not in caught.value.told


async def test_values_that_the_server_cannot_read_are_asked_for_once() -> None:
    """A 500 that says so is no weather; another is."""
    said = web.json_response({"error_message": "0x80\n in orm_deserialize_value"}, status=500)
    async with side(script(said), FEW) as target:
        with pytest.raises(InvalidRowError):
            await (await target.starship.xcoms()).read(TASK)
        assert len(target.requests) == 2  # the first asks for the version
    async with side(script(page(500)), FEW) as target:
        with pytest.raises(UnavailableError):
            await (await target.starship.xcoms()).read(TASK)
        assert len(target.requests) == 1 + 3


async def test_holders_are_those_of_all_pages() -> None:
    """Read to the end, each key once."""
    first = entries(*(f"k{number}" for number in range(100)), total=101)
    async with side(script(first, entries("last", total=101))) as target:
        assert await (await target.starship.xcoms()).holders("d", "a b+c") == frozenset({("t", -1)})
        path = "/api/v1/dags/d/dagRuns/a%20b%2Bc/taskInstances/~/xcomEntries"
        assert [str(one.rel_url.raw_path) for one in target.requests[1:]] == [path, path]
        assert [one.query["offset"] for one in target.requests[1:]] == ["0", "100"]


@pytest.mark.parametrize("pages", [[entries("a", "b", total=3), entries("b", total=3)], [entries("a", total=2)]])
async def test_pages_that_do_not_add_up_say_nothing(pages: list[web.Response]) -> None:
    """A repeated key means that another was lost; a page without an end, that it does not move on."""
    async with side(script(*pages, entries(total=3))) as target:
        assert await (await target.starship.xcoms()).holders("d", "r") is None


@pytest.mark.parametrize("run_id", ["a/b", "..", "~", "a%2f.."])
async def test_a_run_that_cannot_be_addressed_is_not_listed(run_id: str) -> None:
    """``~`` would be all runs."""
    async with side(script(entries())) as target:
        assert await (await target.starship.xcoms()).holders("d", run_id) is None
        assert await (await target.starship.xcoms()).count(run_id) is None
        assert not [one for one in target.requests if "xcomEntries" in one.path]


@pytest.mark.parametrize("said", [{}, [], {"xcom_entries": [1], "total_entries": 1}, {"xcom_entries": []}], ids=str)
async def test_another_list_is_not_understood(said: Any) -> None:
    """Whoever answers there is not Airflow."""
    async with side(script(web.json_response(said))) as target:
        with pytest.raises(UnexpectedAnswerError):
            await (await target.starship.xcoms()).count("d")


async def test_a_list_with_a_value_that_the_server_cannot_read_is_asked_for_once() -> None:
    """It answers with a page."""
    async with side(script(page(500)), FEW) as target:
        with pytest.raises(InvalidRowError):
            await (await target.starship.xcoms()).holders("d", "r")
        assert len(target.requests) == 2
