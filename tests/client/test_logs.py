"""Task logs over real connections: bodies that are taken while they arrive, and sent while they are made."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace

import pytest
from aiohttp import web

from transfer.client.logs import LogName
from transfer.config.settings import Retry
from transfer.errors import (
    AbsentError,
    AuthError,
    BrokenOffError,
    ConflictError,
    LostAnswerError,
    NotStarshipError,
    TooLargeError,
    UnavailableError,
    UnexpectedAnswerError,
)

from .serving import answers, page, raw_server, side
from .test_faults import client

NAME = LogName("d", "a+b c:ü", "t", -1, 2)
TEXT = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n"
CHUNKED = TEXT + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
ONCE = Retry(attempts=1)


@dataclass
class Taken:
    """Takes a log; ``begun`` counts how often."""

    content: bytes = b""
    begun: int = 0
    stop_after: int | None = None

    async def __call__(self, pieces: AsyncIterator[bytes]) -> None:
        """Implement ``Taker``."""
        self.begun, self.content = self.begun + 1, b""
        async for piece in pieces:
            self.content += piece
            if self.stop_after is not None and len(self.content) >= self.stop_after:
                return


def log(content: bytes) -> web.Response:
    """Return a log as the server sends it."""
    return web.Response(body=content, content_type="text/plain")


async def test_a_log_is_given_to_its_taker() -> None:
    """Names are sent as they are, whatever their letters mean in an address."""
    async with side(answers(log(b"hello"))) as (opened):
        taken = Taken()
        assert await opened.starship.task_logs().read(NAME, taken) == 5
    assert taken.content == b"hello"
    (request,) = opened.requests
    assert dict(request.query) == NAME.params | {"block_size": "1048576"}


async def test_an_empty_log_is_a_log() -> None:
    """Nothing is not the same as no log."""
    async with side(answers(log(b""))) as opened:
        taken = Taken()
        assert await opened.starship.task_logs().read(NAME, taken) == 0
    assert taken.begun == 1


@pytest.mark.parametrize("answer", [CHUNKED, TEXT + b"Content-Length: 10\r\n\r\nhello"])
async def test_a_cut_log_is_begun_anew_and_then_given_up(answer: bytes) -> None:
    """The last chunk, or bytes that were promised, lack: the taker hears of it each time."""
    async with raw_server(answer) as url, client(url) as source:
        taken = Taken()
        with pytest.raises(UnavailableError, match="gave up after 3 attempts"):
            await source.task_logs().read(NAME, taken)
    assert taken.begun == 3


async def test_a_log_whose_end_nothing_tells_is_not_taken_for_whole() -> None:
    """Neither a length nor chunks: it may have been cut anywhere."""
    async with raw_server(TEXT + b"Connection: close\r\n\r\nhello") as url, client(url) as source:
        with pytest.raises(UnavailableError, match="no end that could be told"):
            await source.task_logs().read(NAME, Taken())


async def test_a_taker_that_wants_no_more_ends_the_request() -> None:
    """Of a large log no more is received than its beginning."""
    async with side(answers(log(bytes(50_000_000)))) as opened:
        taken = Taken(stop_after=1)
        await opened.starship.task_logs().read(NAME, taken)
    assert len(taken.content) < 5_000_000


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (web.json_response({"error": "Task log at file:///x not found: gone"}, status=404), AbsentError),
        (page(404), NotStarshipError),
        (page(), AuthError),
        (web.json_response({"rows": []}), UnexpectedAnswerError),
        (web.json_response({"error": "Task logs are only supported on Astronomer"}, status=409), UnexpectedAnswerError),
        (page(500), UnavailableError),
    ],
)
async def test_what_is_no_log_is_not_given_to_the_taker(answer: web.Response, error: type[Exception]) -> None:
    """Pages and errors are judged as for any request."""
    async with side(answers(answer), ONCE) as opened:
        taken = Taken()
        with pytest.raises(error):
            await opened.starship.task_logs().read(NAME, taken)
    assert taken.begun == 0


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (page(413), TooLargeError),
        (web.json_response({"error": "size must be an integral type"}, status=500), LostAnswerError),
        (page(502), LostAnswerError),
        (page(), LostAnswerError),
        (web.json_response({"stored": True}), LostAnswerError),
        (web.json_response({"error": "only on Astronomer"}, status=409), ConflictError),
    ],
)
async def test_a_log_that_was_not_clearly_stored(answer: web.Response, error: type[Exception]) -> None:
    """A refusal is told from an answer that proves nothing; neither is sent again by itself."""
    async with side(answers(answer)) as opened:
        with pytest.raises(error):
            await opened.starship.task_logs().write(NAME, b"x", 1)
    assert len(opened.requests) == 1


async def test_a_written_log_has_its_length_and_no_type_that_would_be_parsed() -> None:
    """Of a form, or of JSON, an empty log would be stored."""
    async with side(answers(web.Response(status=204))) as opened:
        await opened.starship.task_logs().write(NAME, b"hello", 4096)
    (request,) = opened.requests
    assert (request.content_type, request.content_length) == ("application/octet-stream", 5)
    assert request.query["block_size"] == "4096"
    assert request.query["run_id"] == NAME.run_id


async def test_removing_what_is_not_there_is_no_error() -> None:
    """It is gone either way."""
    missing = web.json_response({"error": "Task log at file:///x not found"}, status=404)
    async with side(answers(web.Response(status=204), missing)) as opened:
        await opened.starship.task_logs().remove(NAME)
        await opened.starship.task_logs().remove(NAME)
    assert [request.method for request in opened.requests] == ["DELETE", "DELETE"]


@dataclass
class Listening:
    """What came over a connection, byte by byte."""

    received: bytearray = field(default_factory=bytearray)
    closed: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read to the end, or answer when a chunked body is over."""
        with suppress(ConnectionError):
            while piece := await reader.read(65_536):
                self.received += piece
                if self.received.endswith(b"\r\n0\r\n\r\n"):
                    writer.write(b"HTTP/1.1 204 NO CONTENT\r\n\r\n")
        self.closed.set()
        writer.close()


@asynccontextmanager
async def listening() -> AsyncIterator[tuple[str, Listening]]:
    """Serve every connection with a ``Listening``."""
    heard = Listening()
    server = await asyncio.start_server(heard.serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", heard


async def made(*pieces: bytes, failure: Exception | None = None) -> AsyncIterator[bytes]:
    """Yield pieces, then fail if told to."""
    for piece in pieces:
        yield piece
    if failure is not None:
        raise failure


async def test_a_streamed_log_is_sent_in_chunks() -> None:
    """Its length is not known; the last chunk says that it is whole."""
    async with listening() as (url, heard), client(url) as target:
        await target.task_logs().stream(NAME, lambda: made(b"hello", b"world"), 65_536)
    assert b"\r\n\r\n5\r\nhello\r\n5\r\nworld\r\n0\r\n\r\n" in heard.received


@pytest.mark.parametrize("failure", [OSError("the source broke"), EOFError(), ValueError("anything")])
async def test_a_streamed_log_that_breaks_off_never_looks_whole(failure: Exception) -> None:
    """The connection ends without the last chunk, and that is said to be our own doing."""
    async with listening() as (url, heard), client(url) as target:
        with pytest.raises(BrokenOffError):
            await target.task_logs().stream(NAME, lambda: made(b"hello", failure=failure), 65_536)
        await heard.closed.wait()
    assert b"5\r\nhello\r\n" in heard.received
    assert b"0\r\n\r\n" not in heard.received


@pytest.mark.parametrize("part", ["dag_id", "run_id", "task_id"])
@pytest.mark.parametrize("value", ["../x", "x/../y", "/x", "x/", "a//b", "a/./b", "a\0b"])
def test_names_that_climb_are_unsafe(part: str, value: str) -> None:
    """Each id becomes a part of the path."""
    name = replace(LogName("d", "r", "t", -1, 1), **{part: value})  # type: ignore[arg-type]  # one of the texts
    assert re.search("out of the log's folder", name.unsafe)


@pytest.mark.parametrize("value", ["..", "a..b", "a/b", "a.b", "x:y+z", "100%"])
def test_names_that_stay_are_safe(value: str) -> None:
    """Two dots are harmless where they are not a part by themselves: another text always stands in front of an id."""
    assert LogName("d", value, "t", -1, 1).unsafe == ""
