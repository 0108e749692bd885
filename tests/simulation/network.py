"""What stands in place of aiohttp's session: every request is a trip through the world, with the trouble on its way.

A request that is on its way when its process dies may arrive all the same: the world outlives the process.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http.cookies import Morsel, SimpleCookie
from io import BytesIO
from random import Random
from typing import Any, cast
from urllib.parse import unquote

import aiohttp
from multidict import CIMultiDict, CIMultiDictProxy

from .clock import Clock
from .draw import Draw
from .faults import BY_NAME, Fault, Trip
from .server import Asked, Deployment, Matched

PIECE = 16_384
"""Bytes that the client gets at once."""

MORTAL = 0.5
"""The share of requests under way at a process's death that arrive all the same."""


@dataclass(frozen=True, slots=True)
class Heard:
    """An answer as it comes to the client."""

    status: int
    headers: CIMultiDict[str]
    body: bytes
    cookies: Mapping[str, str]
    cut: bool


class Content:
    """The body of an answer, in pieces."""

    def __init__(self, heard: Heard) -> None:
        self._heard = heard

    async def iter_any(self) -> AsyncIterator[bytes]:
        """Yield the body; a cut one ends as aiohttp ends it."""
        body = self._heard.body
        for start in range(0, len(body), PIECE):
            yield body[start : start + PIECE]
        if self._heard.cut:
            await asyncio.sleep(0)
            raise aiohttp.ClientPayloadError("Response payload is not completed")


class Response:
    """An answer as the wire reads one of aiohttp's."""

    def __init__(self, url: str, heard: Heard) -> None:
        self.status = heard.status
        self.url = url
        self.headers = CIMultiDictProxy(heard.headers)
        self.content = Content(heard)

    @property
    def ok(self) -> bool:
        """Tell whether it is no error."""
        return self.status < 400

    def close(self) -> None:
        """Do nothing: there is no connection."""


@dataclass(slots=True)
class Network:
    """The way between the program and both sides; ``before`` lets the world change before a request is carried out."""

    draw: Draw
    clock: Clock
    deployments: Mapping[str, Deployment]
    before: Callable[[Deployment], None]
    note: Callable[[str], None]
    random: Random
    hurting: bool = True
    process: int = 0
    """The number of the process that lives; what others left on its way goes to nobody."""
    injected: Counter[str] = field(default_factory=Counter)
    requests: int = 0
    posts: int = 0
    _faults: list[Fault] = field(default_factory=list)
    _held: dict[bytes, "_Arrival"] = field(default_factory=dict)
    """Requests that wait for their repetition, by body."""

    def __post_init__(self) -> None:
        self._faults = [BY_NAME[name] for name in self.draw.faults]

    def trip(self, method: str, timeout: float) -> Trip:
        """Return how one request travels."""
        random = self.random
        trip = Trip(random.random() * 0.05, random.random() * 0.05, timeout)
        if self.hurting and random.random() < self.draw.fault_rate:
            fitting = [fault for fault in self._faults if method in fault.methods]
            if fitting:
                fault = random.choices(fitting, [fault.weight for fault in fitting])[0]
                fault.strike(trip, random)
                self.injected[fault.name] += 1
                self.note(f"  fault: {fault.name}")
        return trip

    def send(self, asked: Asked, future: asyncio.Future[Heard], timeout: float) -> None:
        """Let a request go; ``future`` gets what the client hears, if it still lives then."""
        self.requests += 1
        number = self.requests
        self.posts += asked.method != "GET"
        self.note(f"-> {number} {asked.method} {asked.host} {asked.path} {dict(asked.query)} {len(asked.body)} bytes")
        trip = self.trip(asked.method, timeout)
        if trip.breaks is not None or trip.said is not None:
            heard_at = max(trip.arrives + trip.returns, 0.0)
            if trip.carried:
                arrival = _Arrival(self, asked, trip, number)
                self.clock.after(max(trip.arrives, 0.0), arrival.carry)
                if trip.waits_for_repetition:
                    self._held[asked.body] = arrival
            self.clock.after(heard_at, lambda: self._hear(future, trip.breaks or _canned(trip), number))
            return
        arrival = _Arrival(self, asked, trip, number, future)
        self.clock.after(trip.arrives, arrival.carry)

    def _hear(self, future: asyncio.Future[Heard], heard: Heard | Exception, number: int) -> None:
        if future.done() or cast("Any", future).get_loop().is_closed():
            return
        if isinstance(heard, Exception):
            self.note(f"<- {number} {type(heard).__name__}")
            future.set_exception(heard)
        else:
            self.note(f"<- {number} {heard.status} {len(heard.body)} bytes{' cut' if heard.cut else ''}")
            future.set_result(heard)


@dataclass(slots=True)
class _Arrival:
    """A request that reaches its server."""

    network: Network
    asked: Asked
    trip: Trip
    number: int
    future: asyncio.Future[Heard] | None = None
    process: int = -1
    is_carried: bool = False

    def __post_init__(self) -> None:
        self.process = self.network.process

    def carry(self) -> None:
        """Carry the request out and send the answer back; a dead client's request may have died with it."""
        network = self.network
        if self.is_carried:
            return
        self.is_carried = True
        held = network._held.pop(self.asked.body, None)
        if held is not None:
            held.carry()
        is_orphan = self.process != network.process
        if is_orphan and network.random.random() >= MORTAL:
            return
        deployment = network.deployments[self.asked.host]
        network.before(deployment)
        if self.trip.forgets_session:
            deployment.forget_sessions()
        answer = deployment.carry_out(self.asked)
        network.note(f"   {self.number} carried out{' late' if is_orphan else ''}: {answer.status}")
        future = self.future
        if future is not None and not is_orphan:
            heard = _heard(self.trip, answer)
            network.clock.after(self.trip.returns, lambda: network._hear(future, heard, self.number))


def _heard(trip: Trip, answer: Any) -> Heard:
    body = bytes(answer.body or b"")
    headers: CIMultiDict[str] = CIMultiDict(answer.headers)
    kept = body[: int(len(body) * trip.share)] if trip.share < 1 else body
    if trip.announced:
        headers["Content-Length"] = str(len(body))
    cookies = {name: morsel.value for name, morsel in answer.cookies.items()}
    return Heard(answer.status, headers, kept, cookies, cut=trip.announced and len(kept) < len(body))


def _canned(trip: Trip) -> Heard:
    said = trip.said
    assert said is not None
    headers = CIMultiDict([("Content-Type", said.content_type), ("Content-Length", str(len(said.body))), *said.headers])
    return Heard(said.status, headers, said.body, {}, cut=False)


class Session:
    """What the wire takes for aiohttp's session: it keeps cookies and sends requests."""

    def __init__(self, network: Network, timeout: float) -> None:
        self._network = network
        self._timeout = timeout
        self._cookies: dict[str, str] = {}

    @property
    def cookie_jar(self) -> list[Morsel[str]]:
        """Return the cookies that the server gave."""
        jar = SimpleCookie(self._cookies)
        return list(jar.values())

    @asynccontextmanager
    async def request(
        self,
        method: str,
        url: object,
        *,
        params: Mapping[str, str] | None = None,
        data: BytesIO | None = None,
        headers: Mapping[str, str] | None = None,
        **_options: object,
    ) -> AsyncIterator[Response]:
        """Send a request and wait for its answer; raises what aiohttp raises."""
        host, _, path = str(url).removeprefix("http://").partition("/")
        asked = Asked(
            method=method,
            host=host.removesuffix(".test"),
            path=unquote(f"/{path}"),
            query=dict(params or {}),
            headers=CIMultiDict(headers or {}),
            cookies=self._cookies.copy(),
            body=data.read() if data is not None else b"",
            match_info=Matched(),
        )
        future: asyncio.Future[Heard] = asyncio.get_running_loop().create_future()
        self._network.send(asked, future, self._timeout)
        heard = await future
        self._cookies.update(heard.cookies)
        yield Response(str(url), heard)

    async def close(self) -> None:
        """Do nothing: there is no connection."""
