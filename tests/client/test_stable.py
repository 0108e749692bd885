"""Removing single runs through the stable REST API: what counts as gone, what must stay, what is never sent."""

from typing import Any

import anyio.lowlevel
import pytest
from aiohttp import web

from transfer.client.stable import is_addressable
from transfer.config.settings import Retry
from transfer.errors import (
    NotRemovableError,
    NotStarshipError,
    SideError,
    UnavailableError,
    UnexpectedAnswerError,
)

from .serving import INFO, Handler, Side, page, side

PATH = "/api/v1/dags/d/dagRuns/r"
DONE = web.Response(status=204, content_type="application/json")
THREE = INFO | {"airflow_version": "3.1.8"}
FEW = Retry(attempts=2, wait_initial=0.001, wait_max=0.002)


def run(state: str = "success", **more: Any) -> web.Response:
    """Return a run that is there."""
    return web.json_response({"dag_id": "d", "dag_run_id": "r", "state": state} | more)


def problem(status: int, detail: str | None = None, title: str = "Not Found") -> web.Response:
    """Return a refusal as Airflow 2 words it."""
    body = {"detail": detail, "status": status, "title": title, "type": "about:blank"}
    return web.json_response(body, status=status, content_type="application/problem+json")


ABSENT = problem(404, "DAGRun with DAG ID: 'd' and DagRun ID: 'r' not found")
ABSENT_3 = web.json_response({"detail": "The DagRun with dag_id: `d` and run_id: `r` was not found"}, status=404)
NO_ROUTE = problem(404, "The requested URL was not found on the server. If you entered the URL manually /r/ ...")


def script(*replies: web.Response, info: dict[str, Any] = INFO) -> Handler:
    """Return a handler that gives ``replies`` in turn, the last one for ever, and always knows its version."""
    left = list(replies)

    async def handler(request: web.Request) -> web.StreamResponse:
        await anyio.lowlevel.checkpoint()
        if request.path.endswith("/info"):
            return web.json_response(info)
        reply = left.pop(0) if len(left) > 1 else left[0]
        return web.Response(status=reply.status, body=reply.body, headers=reply.headers)

    return handler


def asked(target: Side) -> list[str]:
    """Return what was asked of single runs."""
    return [request.method for request in target.requests if "/dagRuns/" in request.path]


async def test_a_run_that_is_over_is_removed() -> None:
    """Its state is asked for, then it is removed."""
    async with side(script(run(), DONE)) as target:
        assert await target.starship.remove_run("d", "r")
        assert [(request.method, request.path) for request in target.requests[1:]] == [("GET", PATH), ("DELETE", PATH)]
        assert target.requests[1].query["fields"] == "dag_id,dag_run_id,state"


async def test_airflow_3_has_another_version_of_it() -> None:
    """The version of the API goes with that of Airflow; its 404 has other words."""
    async with side(script(run(), DONE, ABSENT_3, info=THREE)) as target:
        assert await target.starship.remove_run("d", "r")
        assert not await target.starship.remove_run("d", "r")
        assert target.requests[-1].path == "/api/v2/dags/d/dagRuns/r"


async def test_an_absent_run_is_no_error() -> None:
    """What is not there need not be removed."""
    async with side(script(ABSENT)) as target:
        assert not await target.starship.remove_run("d", "r")
        assert asked(target) == ["GET"]


async def test_a_run_that_vanishes_is_no_error() -> None:
    """Somebody else may remove it between the question and the removal."""
    async with side(script(run(), ABSENT)) as target:
        assert await target.starship.remove_run("d", "r")


@pytest.mark.parametrize("state", ["running", "queued", "something new"])
async def test_a_run_that_is_not_over_stays(state: str) -> None:
    """Nothing is removed that a scheduler may still work on."""
    async with side(script(run(state))) as target:
        with pytest.raises(NotRemovableError, match=f"'r' is {state} there"):
            await target.starship.remove_run("d", "r")
        assert asked(target) == ["GET"]


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (NO_ROUTE, NotStarshipError),
        (problem(404), NotStarshipError),
        (problem(404, "DAGRun with DAG ID: 'd' and DagRun ID: 'other' not found"), NotStarshipError),
        (web.json_response({"detail": "Not Found"}, status=404), NotStarshipError),
        (web.Response(status=404, text="nothing"), NotStarshipError),
        (page(404, "DAGRun with DAG ID: 'd' and DagRun ID: 'r' not found"), NotStarshipError),
        (page(200), NotStarshipError),
        (page(302, Location="/login/?next=x"), NotStarshipError),
        (run(dag_run_id="other"), UnexpectedAnswerError),
        (run(dag_id="other"), UnexpectedAnswerError),
        (web.json_response([]), UnexpectedAnswerError),
    ],
)
async def test_only_its_own_word_counts(reply: web.Response, kind: type[SideError]) -> None:
    """No other answer is taken for "there is no such run", and none leads to a removal."""
    async with side(script(reply), FEW) as target:
        with pytest.raises(kind):
            await target.starship.remove_run("d", "r")
        assert set(asked(target)) == {"GET"}


async def test_a_run_without_a_known_state_is_removed() -> None:
    """A run that breaks the schema by its state is not at work: it is removed like one that is over."""
    unshowable = problem(500, "None is not of type", "Response body does not conform to specification")
    async with side(script(unshowable, DONE)) as target:
        assert await target.starship.remove_run("d", "r")
        assert asked(target) == ["GET", "DELETE"]


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (NO_ROUTE, NotStarshipError),
        (problem(405), NotStarshipError),
        (page(302, Location="/login/?next=x"), NotStarshipError),
        (web.json_response({"detail": "cannot be deleted in running state"}, status=409), NotRemovableError),
    ],
)
async def test_a_removal_that_is_refused(reply: web.Response, kind: type[SideError]) -> None:
    """A refusal is an error, sent once."""
    async with side(script(run(), reply)) as target:
        with pytest.raises(kind):
            await target.starship.remove_run("d", "r")
        assert asked(target) == ["GET", "DELETE"]


@pytest.mark.parametrize("lost", [problem(500, "oops"), problem(502), page(200), problem(503)])
async def test_a_removal_without_an_answer_is_looked_after(lost: web.Response) -> None:
    """Whether it was carried out is asked before it is sent again."""
    async with side(script(run(), lost, ABSENT)) as target:
        assert await target.starship.remove_run("d", "r")
        assert asked(target) == ["GET", "DELETE", "GET"]
    async with side(script(run(), lost, run(), DONE)) as target:
        assert await target.starship.remove_run("d", "r")
        assert asked(target) == ["GET", "DELETE", "GET", "DELETE"]


async def test_a_target_that_never_answers_a_removal() -> None:
    """After some lost answers the target counts as broken."""

    async def handler(request: web.Request) -> web.StreamResponse:
        await anyio.lowlevel.checkpoint()
        if request.method == "DELETE":
            return problem(502)
        return web.json_response(INFO) if request.path.endswith("/info") else run()

    async with side(handler) as target:
        with pytest.raises(UnavailableError, match="no answer 6 times"):
            await target.starship.remove_run("d", "r")
        assert asked(target) == ["GET", "DELETE"] * 6


async def test_a_session_that_is_over_looks_like_a_missing_right() -> None:
    """After a 403 Starship is asked, which tells, and the request is sent once more."""
    async with side(script(run(), problem(403, title="Forbidden"), DONE)) as target:
        assert await target.starship.remove_run("d", "r")
        paths = [request.path for request in target.requests]
        assert paths == ["/api/starship/info", PATH, PATH, "/api/starship/info", PATH]


@pytest.mark.parametrize(
    "reply", [NO_ROUTE, page(404), page(302, Location="/login/?next=x"), problem(401, title="Unauthorized"), page(200)]
)
async def test_an_api_that_is_closed(reply: web.Response) -> None:
    """Where Starship answers and this API does not, the error names it, its side, and what to do."""
    async with side(script(reply), FEW) as target:
        with pytest.raises(NotStarshipError, match=r"^target: look for run .*stable REST API \(/api/v1\)") as raised:
            await target.starship.run_state("d", "r")
        assert "auth_backends" in raised.value.hint


async def test_a_side_that_is_closed_altogether() -> None:
    """Where nothing answers any more it is not this API that is to blame."""
    async with side(script(run())) as target:
        assert await target.starship.run_state("d", "r") == "success"
    async with side(script(page(404), info={})) as target:
        with pytest.raises(UnexpectedAnswerError, match="does not name the two versions"):
            await target.starship.run_state("d", "r")


async def test_a_missing_right() -> None:
    """An account that may not remove runs is told what it needs; the run stays."""
    async with side(script(run(), problem(403, title="Forbidden"))) as target:
        with pytest.raises(NotRemovableError, match='"can delete" on DAG Runs'):
            await target.starship.remove_run("d", "r")


@pytest.mark.parametrize(
    "value",
    [
        "",
        ".",
        "..",
        "~",
        "a/b",
        "/",
        "a\\b",
        "..;x",
        " .. ",
        "%2e%2e",
        "a%2F..",
        "a%252F%252E.%2fb",
        "a\nb",
        "\x00",
        "\ud800",
    ],
)
async def test_what_cannot_be_addressed_is_never_sent(value: str) -> None:
    """An id that anything on the way could take for another path is refused before anything is sent."""
    assert not is_addressable(value)
    async with side(script(run(), DONE)) as target:
        for ids in ((value, "r"), ("d", value)):
            with pytest.raises(NotRemovableError, match="cannot be part of an address"):
                await target.starship.remove_run(*ids)
        assert asked(target) == []


@pytest.mark.parametrize(
    "run_id", ["manual__2026-01-01T00:00:00+00:00", "a%2Fb + ü:%2F?&#=\"'", "a b%é?x=1&y#z;", "...", "100%"]
)
async def test_any_other_id_arrives(run_id: str) -> None:
    """An id is the last segment of the path, percent-encoded."""
    async with side(script(run(dag_run_id=run_id), DONE)) as target:
        assert await target.starship.remove_run("d", run_id)
        assert target.requests[-1].rel_url.parts[-1] == run_id
        assert len(target.requests[-1].rel_url.parts) == 7
