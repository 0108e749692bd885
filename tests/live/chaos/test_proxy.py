"""Each fault does to a request what its name says, and nothing else; needs no Airflow."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from random import Random

import anyio
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from . import faults
from .exchange import Upstream
from .faults import MENU, Act, Fault, Schedule
from .message import Message
from .proxy import NO_ANSWER, RESET_AT_ONCE, Proxy

ROWS = {"rows": ["x" * 50] * 2000}
BODY = json.dumps(ROWS).encode()
GET = b"GET /api/starship/dag_runs?dag_id=a%20b HTTP/1.1\r\nHost: h\r\nCookie: session=s3cr3t\r\n\r\n"
POST = b"POST /api/starship/dag_runs HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nX-Key: 7\r\n\r\nhello"


class _Known(Random):
    """Chance that is known: of choices the first, nearly all of a whole, and a connection is kept."""

    def random(self) -> float:
        return 0.15

    def getrandbits(self, _bits: int) -> int:
        return 0


@dataclass
class Pair:
    """A proxy before a server that notes what it is asked."""

    proxy: Proxy
    seen: list[tuple[str, str, bytes, str]] = field(default_factory=list)
    asked: anyio.Event = field(default_factory=anyio.Event)

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Return a connection to the proxy."""
        host, _, port = self.proxy.url.removeprefix("http://").partition(":")
        return await asyncio.open_connection(host, int(port))

    async def tell(self, request: bytes = POST) -> tuple[bytes, str]:
        """Send a request, listen to the end, and return what was heard and whether a farewell or a reset ended it."""
        reader, writer = await self.connect()
        heard = b""
        try:
            writer.write(request)
            writer.write_eof()
            while piece := await reader.read(65_536):
                heard += piece
        except ConnectionError:
            return heard, "reset"
        finally:
            writer.close()
        return heard, "closed"


@asynccontextmanager
async def paired(*menu: Fault, probability: float = 1.0) -> AsyncIterator[Pair]:
    """Serve with one fault for every request."""

    async def handle(request: web.Request) -> web.Response:
        cookie = request.headers.get("Cookie", "")
        pair.seen.append((request.method, request.raw_path, await request.read(), cookie))
        pair.asked.set()
        headers = {"Set-Cookie": "session=another-s3cr3t; Path=/"}
        return web.Response(body=BODY, content_type="application/json", headers=headers)

    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", handle)
    async with TestServer(app) as server:
        schedule = Schedule("1", probability, menu)
        schedule.random = _Known()
        pair = Pair(Proxy(Upstream("127.0.0.1", server.port or 0), schedule, patience=5))
        async with pair.proxy.serving():
            yield pair


def just(act: Act) -> Fault:
    """Return a fault that is drawn for every request."""
    return Fault("it", act)


async def test_in_a_calm_everything_passes() -> None:
    """Method, path, body, cookies and the answer arrive as they were sent, twice over one connection."""
    async with paired(just(faults.drop), probability=0) as pair:
        heard, _ = await pair.tell(POST + GET)
        assert heard.count(b"HTTP/1.1 200 OK") == heard.count(b"keep-alive") == heard.count(BODY) == 2
    path = "/api/starship/dag_runs"
    assert pair.seen == [("POST", path, b"hello", ""), ("GET", f"{path}?dag_id=a%20b", b"", "session=s3cr3t")]
    assert pair.proxy.requests == {"POST dag_runs": 1, "GET dag_runs": 1}
    assert not pair.proxy.injected
    assert pair.proxy.upstream.cookies == {"another-s3cr3t"}


async def test_a_dropped_request_is_reset_and_never_forwarded() -> None:
    """The client learns nothing, the server either."""
    async with paired(just(faults.drop)) as pair:
        assert await pair.tell() == (b"", "reset")
    assert pair.seen == []
    assert pair.proxy.injected == {"it": 1}


@pytest.mark.parametrize(("act", "carried_out"), [(faults.ignore, 0), (faults.withhold, 1), (faults.come_late, 1)])
async def test_silences(act: Act, carried_out: int) -> None:
    """The client hears nothing until it goes away; a late request reaches the server after that."""
    async with paired(just(act)) as pair:
        reader, writer = await pair.connect()
        writer.write(POST)
        if act is faults.withhold:
            await pair.asked.wait()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), 0.05)
        assert len(pair.seen) == (act is faults.withhold)
        writer.close()
        await pair.proxy.drained()
        assert len(pair.seen) == carried_out
    assert pair.proxy.injected == {"it": 1}


async def test_a_lost_answer_is_one_of_a_request_that_was_carried_out() -> None:
    """The server has the request, and the client a reset."""
    async with paired(just(faults.lose)) as pair:
        assert await pair.tell() == (b"", "reset")
    assert len(pair.seen) == 1


async def test_a_cut_answer_promises_more_than_it_holds() -> None:
    """The length is that of the whole body, of which the last byte is missing."""
    async with paired(just(faults.cut)) as pair:
        heard, end = await pair.tell()
    head, _, body = heard.partition(b"\r\n\r\n")
    assert f"Content-Length: {len(BODY)}".encode() in head
    assert (body, end) == (BODY[:-1], "closed")


async def test_an_answer_can_be_cut_by_a_reset() -> None:
    """The client never has all of it."""
    async with paired(just(faults.cut_by_reset)) as pair:
        heard, end = await pair.tell()
    assert end == "reset"
    assert not heard.endswith(BODY)


async def test_chunks_can_lack_their_end() -> None:
    """All but the last byte comes in chunks, and then the farewell."""
    async with paired(just(faults.cut_chunks)) as pair:
        heard, end = await pair.tell()
    assert b"Transfer-Encoding: chunked" in heard
    assert b"Content-Length" not in heard
    assert not heard.endswith(b"0\r\n\r\n")
    assert end == "closed"


async def test_nonsense_is_no_http() -> None:
    """The request is carried out, and the answer has no status."""
    async with paired(just(faults.talk_nonsense)) as pair:
        heard, end = await pair.tell()
    assert heard
    assert b"HTTP" not in heard
    assert (len(pair.seen), end) == (1, "closed")


async def test_garbage_makes_json_invalid_and_keeps_its_length() -> None:
    """Nothing but the parser can notice."""
    async with paired(just(faults.garble)) as pair:
        heard, _ = await pair.tell(GET)
    body = heard.partition(b"\r\n\r\n")[2]
    assert len(body) == len(BODY)
    with pytest.raises(ValueError, match=r"."):
        json.loads(body)


async def test_a_trickle_is_complete(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slowly, all of it comes."""
    monkeypatch.setattr(faults, "PAUSE_SECONDS", 0.001)
    async with paired(just(faults.trickle)) as pair:
        heard, end = await pair.tell()
    assert heard.endswith(BODY)
    assert end == "closed"


@pytest.mark.parametrize("act", [faults.repeat, faults.double])
async def test_a_request_can_be_carried_out_twice(act: Act) -> None:
    """The server sees it twice, the client one answer."""
    async with paired(just(act)) as pair:
        heard, _ = await pair.tell()
    assert [body for _, _, body, _ in pair.seen] == [b"hello", b"hello"]
    assert heard.count(b"HTTP/1.1 200") == 1


async def test_a_session_can_be_forgotten() -> None:
    """The server sees the request without its cookie."""
    async with paired(just(faults.forget_session)) as pair:
        await pair.tell(GET)
    assert [cookie for *_, cookie in pair.seen] == [""]


@pytest.mark.parametrize(("act", "seen"), [(faults.refuse(503, faults.RETRY), 0), (faults.cover(503, faults.RETRY), 1)])
async def test_pages_come_in_place_of_the_request_or_of_the_answer(act: Act, seen: int) -> None:
    """A page with a status and headers, before or after the request was carried out."""
    async with paired(just(act)) as pair:
        heard, _ = await pair.tell()
    assert heard.startswith(b"HTTP/1.1 503 ")
    assert b"Retry-After: 1\r\n" in heard
    assert b"Content-Type: text/html" in heard
    assert len(pair.seen) == seen


async def test_an_outage_refuses_connections_and_ends() -> None:
    """Nobody listens meanwhile, and afterwards the port is the same."""
    async with paired(probability=0) as pair:
        outage = asyncio.create_task(pair.proxy.refuse(60))
        await asyncio.sleep(0)
        with pytest.raises(ConnectionRefusedError):
            await pair.connect()
        outage.cancel()
        with suppress(asyncio.CancelledError):
            await outage
        assert (await pair.tell())[0].startswith(b"HTTP/1.1 200")


async def test_connections_can_be_reset_before_anything_is_read() -> None:
    """Such a connection is worth nothing from its start."""
    async with paired(just(faults.lose), probability=2) as pair:
        assert await pair.tell() == (b"", "reset")
    assert pair.seen == []
    assert pair.proxy.injected == {RESET_AT_ONCE: 1}


async def test_a_dead_server_is_no_fault_of_the_proxy() -> None:
    """The client's connection is reset, and it is counted apart."""
    async with paired(just(faults.lose)) as pair:
        pair.proxy.upstream = Upstream("127.0.0.1", 1)
        assert await pair.tell() == (b"", "reset")
    assert pair.proxy.injected == {NO_ANSWER: 1}


def test_draws_are_reproducible() -> None:
    """The same seed draws the same faults, about as many as the probability says, and all there are."""

    def drawn(seed: str) -> list[str]:
        schedule = Schedule(seed, 0.5)
        request = Message("POST /api/starship/dag_runs HTTP/1.1", (("Cookie", "session=1"),), b"x" * 100_000)
        return [fault.name if (fault := schedule.draw(request)) else "" for _ in range(4000)]

    names = drawn("1")
    assert names == drawn("1")
    assert names != drawn("2")
    assert 1800 < len([name for name in names if name]) < 2200
    assert set(names) == {""} | {fault.name for fault in MENU} - {"garbage in the answer"}


def test_faults_are_for_requests_that_they_fit() -> None:
    """A login is not sent twice, a small body is not too large, and who has no session cannot lose it."""
    login = Message("POST /login/ HTTP/1.1", (), b"user=1")
    fitting = {fault.name for fault in MENU if fault.fits(login)}
    assert len({fault.name for fault in MENU}) == len(MENU)
    assert not {"413 page", "session cookie lost", "request carried out twice at once"} & fitting
