"""Servers that answer as told, a clock that stands still, and the client stacked on both."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import anyio.lowlevel
from aiohttp import web
from aiohttp.test_utils import TestServer

from transfer.client.gate import Gate, Time
from transfer.client.retry import RetryEvent
from transfer.client.stack import stacked
from transfer.client.starship import Starship
from transfer.client.wire import open_wire
from transfer.config.settings import Endpoint, Limits, Retry
from transfer.kinds import TASK_INSTANCES
from transfer.model import Batch

CANARY = "canary-s3cr3t"
INFO = {"airflow_version": "2.11.2", "starship_version": "2.10.1"}
TASK = {"run_id": "r", "task_id": "t", "map_index": -1}
BATCH = Batch(TASK_INSTANCES, "d", [{"task_id": "t"}], b'{"task_instances":[{"task_id":"t"}]}', "key-1")
ECHO = {"task_instances": [{"task_id": "t"}]}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class StoppedTime:
    """A clock that moves only by sleeping; ``slept`` lists every sleep."""

    now: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def clock(self) -> float:
        """Return the time."""
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Move the clock, and let others run."""
        self.slept.append(seconds)
        self.now += seconds
        await anyio.lowlevel.checkpoint()

    def time(self, jitter: float = 0.0) -> Time:
        """Return it as what a gate wants."""
        return Time(self.clock, self.sleep, lambda: jitter)


@dataclass
class Side:
    """A client stacked over a server: what it asked, what it told of waits, how it slept."""

    starship: Starship
    requests: list[web.Request]
    events: list[RetryEvent]
    time: StoppedTime


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[tuple[str, list[web.Request]]]:
    """Serve every path with ``handler``; yield the URL and the growing list of requests."""
    requests: list[web.Request] = []

    async def record(request: web.Request) -> web.StreamResponse:
        await request.read()
        requests.append(request)
        return await handler(request)

    app = web.Application(client_max_size=2**26)
    app.router.add_route("*", "/{path:.*}", record)
    async with TestServer(app) as server:
        yield str(server.make_url("")).rstrip("/"), requests


def endpoint(url: str, auth: dict[str, Any] | None = None, **more: Any) -> Endpoint:
    """Return settings for a server, without credentials unless told."""
    return Endpoint.model_validate({"url": url, "auth": auth or {"kind": "none"}, **more})


@asynccontextmanager
async def side(handler: Handler, retry: Retry | None = None, **more: Any) -> AsyncIterator[Side]:
    """Open a target over a server with ``handler``; ``more`` goes into its endpoint."""
    async with serving(handler) as (url, requests), open_wire("target", endpoint(url, **more), Limits()) as wire:
        events: list[RetryEvent] = []
        time = StoppedTime()
        gate = Gate(retry or Retry(), time.time())
        yield Side(stacked(wire, endpoint(url, **more), gate, events.append), requests, events, time)


@asynccontextmanager
async def raw_server(answer: bytes, *, reset: bool = False) -> AsyncIterator[str]:
    """Serve exactly these bytes to every connection once its request arrived, then close or reset it."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            head = await reader.readuntil(b"\r\n\r\n")
            length = next((line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), b":0")
            await reader.readexactly(int(length.partition(b":")[2]))
            writer.write(answer)
            await writer.drain()
        if reset:
            writer.transport.abort()
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def answers(*replies: web.Response | Exception | dict[str, Any]) -> Handler:
    """Return a handler that gives these replies in turn, the last one for ever; a dict is JSON."""
    left = list(replies)

    async def handler(_request: web.Request) -> web.StreamResponse:
        await anyio.lowlevel.checkpoint()
        reply = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(reply, Exception):
            raise reply
        if isinstance(reply, dict):
            return web.json_response(reply)
        return web.Response(status=reply.status, body=reply.body, headers=reply.headers)

    return handler


def page(status: int = 200, text: str = "<html><title>Sign In</title></html>", **headers: str) -> web.Response:
    """Return a web page."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return web.Response(status=status, text=text, content_type="text/html", headers=named)
