"""Everything on the way that could lose or double a row, over real connections."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.utils import formatdate
from typing import Any

import anyio
import pytest
from aiohttp import web

from transfer.client.base import Request
from transfer.client.gate import Gate
from transfer.client.stack import open_side, stacked
from transfer.client.starship import Starship
from transfer.client.wire import open_wire
from transfer.config.settings import Limits, Retry
from transfer.errors import (
    AuthError,
    ConfigError,
    ConflictError,
    ForbiddenError,
    LostAnswerError,
    ThrottledError,
    TooLargeError,
    UnavailableError,
    UnexpectedAnswerError,
)
from transfer.kinds import TASK_INSTANCES

from .serving import BATCH, ECHO, INFO, TASK, StoppedTime, answers, endpoint, page, raw_server, serving, side

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CUT = OK + b"Content-Length: 1000\r\n\r\n" + b'{"task_instances": [{}'
CUT_WITHOUT_LENGTH = OK + b"Connection: close\r\n\r\n" + b'{"task_instances": [{}'
BROKEN = [b"", CUT, CUT_WITHOUT_LENGTH, b"HTTP/1.1 200", b"garbage\r\n\r\n", OK + b"Content-Encoding: gzip\r\n\r\n{}"]


@asynccontextmanager
async def client(url: str, retry: Retry | None = None, **more: Any) -> AsyncIterator[Starship]:
    """Open a target that does not really wait between attempts."""
    async with open_wire("target", endpoint(url, **more), Limits()) as wire:
        yield stacked(wire, endpoint(url, **more), Gate(retry or Retry(attempts=2), StoppedTime().time()))


@pytest.mark.parametrize("answer", BROKEN)
@pytest.mark.parametrize("reset", [False, True])
async def test_a_broken_answer_of_a_write_is_lost(answer: bytes, reset: bool) -> None:  # noqa: FBT001 - parametrized
    """A write whose answer is cut, reset or garbled is reported as lost after one attempt."""
    async with raw_server(answer, reset=reset) as url, client(url) as target:
        with pytest.raises(LostAnswerError, match=r"target: insert 1 task_instances \(DAG d\)"):
            await target.insert(BATCH)


@pytest.mark.parametrize("answer", BROKEN)
@pytest.mark.parametrize("reset", [False, True])
async def test_a_broken_answer_of_a_read_is_asked_again(answer: bytes, reset: bool) -> None:  # noqa: FBT001 - as above
    """A read is tried again until its attempts are used up."""
    async with raw_server(answer, reset=reset) as url, client(url) as target:
        with pytest.raises(UnavailableError, match="gave up after 2 attempts"):
            await target.dag_runs("d", offset=0, limit=1)


async def test_a_write_that_was_carried_out_is_not_sent_twice() -> None:
    """When the connection dies after the commit the client asks nothing further by itself."""
    committed: list[bytes] = []

    async def commit(request: web.Request) -> web.Response:
        committed.append(await request.read())
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async with side(commit) as target:
        with pytest.raises(LostAnswerError):
            await target.starship.insert(BATCH)
    assert committed == [BATCH.body]


async def stall(_request: web.Request) -> web.Response:
    """Never answer."""
    await asyncio.Event().wait()
    raise AssertionError


async def test_a_stalled_write_is_lost() -> None:
    """No byte within read_timeout means that nobody knows whether the write was carried out."""
    async with side(stall, read_timeout=0.05) as target:
        with pytest.raises(LostAnswerError, match="no answer in time"):
            await target.starship.insert(BATCH)
        assert len(target.requests) == 1


async def test_a_stalled_read_is_asked_again() -> None:
    """A read that stalls is tried again, then given up."""
    async with side(stall, Retry(attempts=2), read_timeout=0.05) as target:
        with pytest.raises(UnavailableError, match="no answer in time"):
            await target.starship.info()
        assert len(target.requests) == 2


async def test_a_read_recovers() -> None:
    """A read goes on after failures, and what went wrong is told."""
    async with side(answers(page(502), page(500), page(503, Retry_After="9"), INFO)) as target:
        assert (await target.starship.info()).airflow == (2, 11)
        assert [event.seconds for event in target.events] == [0.5, 1.0, 9.0]
        assert target.time.slept == [0.5, 1.0, 9.0]


@pytest.mark.parametrize("kind", ["seconds", "date"])
async def test_a_throttled_write_waits_as_told(kind: str) -> None:
    """429 says that the write was not carried out: it is sent again, when the server wants it."""
    wait = "30" if kind == "seconds" else formatdate(1_795_161_630, usegmt=True)
    refusal = page(429, Retry_After=wait, Date=formatdate(1_795_161_600, usegmt=True))
    async with side(answers(refusal, ECHO)) as target:
        await target.starship.insert(BATCH)
        assert target.time.slept == [30.0]
        assert [request.headers["Idempotency-Key"] for request in target.requests] == ["key-1", "key-1"]


async def test_a_write_to_an_unavailable_server_is_lost_and_the_side_waits() -> None:
    """After a 503 for a write the next request waits as long as the server asked for."""
    async with side(answers(page(503, Retry_After="20"), INFO)) as target:
        with pytest.raises(LostAnswerError):
            await target.starship.insert(BATCH)
        await target.starship.info()
        assert target.time.slept == [20.0]


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (page(200), LostAnswerError),
        (page(302, Location="/login/?next=x"), AuthError),
        (page(302, Location="/home"), ForbiddenError),
        (page(409), ConflictError),
        (page(413), TooLargeError),
    ],
)
async def test_a_refused_write_is_sent_once(reply: web.Response, error: type[Exception]) -> None:
    """Pages, redirects and refusals end a write at the first attempt; no redirect is followed."""
    async with side(answers(reply)) as target:
        with pytest.raises(error):
            await target.starship.insert(BATCH)
        assert len(target.requests) == 1


async def test_a_refusal_may_echo_a_lot() -> None:
    """The connection survives a refusal that echoes megabytes, and the error stays short."""
    echo = web.json_response({"error": "Integrity Error", "kwargs": {"x": "y" * 3_000_000}}, status=409)
    async with side(answers(echo, ECHO)) as target:
        with pytest.raises(ConflictError) as caught:
            await target.starship.insert(BATCH)
        await target.starship.insert(BATCH)
        assert len(str(caught.value)) < 200
        peers = {id(request.transport) for request in target.requests}
        assert len(peers) == 1


async def test_a_status_counts_even_if_its_body_is_cut() -> None:
    """A 409 whose explanation did not arrive is a 409."""
    async with raw_server(b"HTTP/1.1 409 Conflict\r\nContent-Length: 99\r\n\r\nabc") as url, client(url) as target:
        with pytest.raises(ConflictError):
            await target.insert(BATCH)


async def test_nobody_listening_is_a_connection_error() -> None:
    """When nothing was sent even a write is tried again, then the side is unavailable."""
    async with raw_server(b"") as url:
        pass
    async with client(url) as target:
        with pytest.raises(UnavailableError, match="no connection") as caught:
            await target.insert(BATCH)
    assert "check the URL" in caught.value.hint


async def test_a_server_without_tls_is_no_connection() -> None:
    """A server that does not speak TLS where the URL says https cannot be connected to."""
    async with serving(answers(INFO)) as (url, _), client(url.replace("http:", "https:")) as target:
        with pytest.raises(UnavailableError, match="no connection"):
            await target.info()


async def test_a_ca_file_that_is_none_is_a_setting_to_correct(tmp_path: Any) -> None:
    """A ca_file without certificates is refused before anything is sent."""
    (tmp_path / "ca.pem").write_text("nothing")
    for name in ("ca.pem", "missing.pem"):
        where = endpoint("https://a.example", ca_file=str(tmp_path / name))
        with pytest.raises(ConfigError, match=r"target.ca_file"):
            async with open_side("target", where, Retry(), Limits()):
                pass


async def test_compressed_answers_are_unpacked() -> None:
    """A gzipped page is read like any other."""
    body = gzip.compress(json.dumps({"dag_run_count": 2, "task_instances": [TASK]}).encode())
    packed = web.Response(body=body, content_type="application/json", headers={"Content-Encoding": "gzip"})
    async with side(answers(packed)) as target:
        found = await target.starship.children(TASK_INSTANCES, "d", offset=0, limit=5)
        assert [rows async for rows in found.rows()] == [[TASK]]
        found.close()


async def test_a_document_cut_by_the_server_is_lost() -> None:
    """An answer of the right length that stops in the middle of its JSON does not count."""
    async with side(answers(web.Response(body=b'{"task_instances": [{', content_type="application/json"))) as target:
        with pytest.raises(LostAnswerError, match="stops in the middle"):
            await target.starship.insert(BATCH)
        with pytest.raises(UnavailableError, match="stops in the middle"):
            await target.starship.dag_runs("d", offset=0, limit=1)


@pytest.mark.parametrize(("size", "kept"), [(100, 100), (3_000_000, 65_536), (9_000_000, 65_536)])
async def test_little_is_kept_of_an_error(size: int, kept: int) -> None:
    """Of the body of an error no more than 64 KiB are kept, however long it is."""
    async with (
        serving(answers(page(500, "x" * size))) as (url, _),
        open_wire("target", endpoint(url), Limits()) as wire,
    ):
        reply = await wire.exchange(Request("GET", "/", "page"), {})
        assert reply.body.size == kept
        reply.body.close()


async def test_a_page_cut_at_a_brace_is_refused_when_read() -> None:
    """A page of the right length that ends like JSON and is none fails when its rows are read."""
    async with side(answers(web.Response(body=b'{"task_instances": [{}', content_type="application/json"))) as target:
        found = await target.starship.children(TASK_INSTANCES, "d", offset=0, limit=5)
        with pytest.raises(UnexpectedAnswerError):
            [rows async for rows in found.rows()]
        found.close()


async def test_a_whole_side_waits_for_one_refusal() -> None:
    """While one request waits for its Retry-After no other one reaches the server."""
    async with side(answers(page(429, Retry_After="40"), INFO)) as target:
        await target.starship.info()
        async with anyio.create_task_group() as group:
            for _ in range(4):
                group.start_soon(target.starship.info)
        assert sum(target.time.slept) == 40.0
        assert len(target.requests) == 6


async def test_throttling_without_end_is_given_up() -> None:
    """A server that always refuses ends in UnavailableError, caused by its last answer."""
    async with side(answers(page(429)), Retry(attempts=3)) as target:
        with pytest.raises(UnavailableError) as caught:
            await target.starship.insert(BATCH)
        assert isinstance(caught.value.__cause__, ThrottledError)
        assert len(target.requests) == 3
