"""A proxy on loopback before one web server that lets most requests pass and does mischief with the others."""

import asyncio
import contextlib
import socket
from asyncio import StreamReader, StreamWriter
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio

from .exchange import Exchange, NoAnswerError, Upstream, reset
from .faults import Fault, Schedule
from .message import HEAD_BYTES, Message, read_request

HOST = "127.0.0.1"
RESET_AT_ONCE = "connection reset before anything was read"
NO_ANSWER = "the server itself gave no answer"


class Proxy:
    """Serves one side while `serving` is entered; its port stays the same even while it refuses connections.

    Args:
        upstream: the web server behind it.
        schedule: what goes wrong.
        patience: seconds that a silence lasts at most.
    """

    def __init__(self, upstream: Upstream, schedule: Schedule, patience: float = 30.0) -> None:
        self.upstream = upstream
        self.schedule = schedule
        self.requests: Counter[str] = Counter()
        self.injected: Counter[str] = Counter()
        self._patience = patience
        self._handlers: set[asyncio.Task[None]] = set()
        self._guard = _bound()
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """Where clients find it."""
        return f"http://{HOST}:{self._guard.getsockname()[1]}"

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["Proxy"]:
        """Take connections until the block is left."""
        with contextlib.closing(self._guard):
            await self._listen()
            try:
                yield self
            finally:
                self._refuse()
                for handler in self._handlers:
                    handler.cancel()
                await asyncio.gather(*self._handlers, return_exceptions=True)

    async def refuse(self, seconds: float) -> None:
        """Refuse new connections for a while; those that stand go on."""
        self._refuse()
        try:
            await asyncio.sleep(seconds)
        finally:
            with anyio.CancelScope(shield=True):
                await self._listen()

    async def drained(self) -> None:
        """Wait until nothing is on its way any more, late requests included; the clients must have gone away."""
        while self._handlers:
            await asyncio.wait(self._handlers)

    async def _listen(self) -> None:
        port = self._guard.getsockname()[1]
        self._server = await asyncio.start_server(self._handle, HOST, port, reuse_port=True, limit=HEAD_BYTES)

    def _refuse(self) -> None:
        if self._server is not None:
            self._server.close()
        self._server = None

    async def _handle(self, reader: StreamReader, writer: StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._handlers.add(task)
        try:
            await self._converse(reader, writer)
        except (OSError, EOFError):
            pass  # the client went away
        finally:
            writer.close()
            self._handlers.discard(task)

    async def _converse(self, reader: StreamReader, writer: StreamWriter) -> None:
        if self.schedule.resets_at_once():
            self.injected[RESET_AT_ONCE] += 1
            reset(writer)
            return
        kept = True
        while kept:
            kept = await self._pass_on(await read_request(reader), (reader, writer))

    async def _pass_on(self, request: Message, client: tuple[StreamReader, StreamWriter]) -> bool:
        """Deal with one request; return whether the connection is good for another one."""
        self.requests[f"{request.method} {request.route}"] += 1
        fault = self.schedule.draw(request)
        exchange = Exchange(request, self.upstream, client, self.schedule.random, self._patience)
        try:
            await self._act(exchange, fault)
        except NoAnswerError:
            self.injected[NO_ANSWER] += 1
            exchange.reset()
        return exchange.kept

    async def _act(self, exchange: Exchange, fault: Fault | None) -> None:
        if fault is None:
            await exchange.reply(await exchange.forward())
            return
        with contextlib.suppress(OSError):  # the client went away in the middle of it
            await fault.act(exchange)
        self.injected[fault.name] += 1


def _bound() -> socket.socket:
    """Return a socket that holds a port without listening on it, so that nobody takes it during an outage."""
    guard = socket.socket()
    guard.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    guard.bind((HOST, 0))
    return guard
