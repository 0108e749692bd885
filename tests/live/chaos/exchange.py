"""One request on its way through the proxy, and everything that a fault can do with it."""

import asyncio
import contextlib
import socket
import struct
from asyncio import StreamReader, StreamWriter
from dataclasses import dataclass, field
from random import Random

from .message import HEAD_BYTES, Message, read_answer

FORWARD_SECONDS = 150.0
"""How long a server may take: gunicorn kills a worker that is silent for 120 s."""

_NOW = struct.pack("ii", 1, 0)


class NoAnswerError(Exception):
    """Raised when the server itself refused, broke or outlasted the connection: that is no fault of ours."""


@dataclass(frozen=True, slots=True)
class Upstream:
    """Where requests are forwarded to; `cookies` collects the secrets that answers carry."""

    host: str
    port: int
    cookies: set[str] = field(default_factory=set)

    async def ask(self, request: Message) -> Message:
        """Send a request over a connection of its own and return the complete answer.

        Raises:
            NoAnswerError: there is none.
        """
        try:
            async with asyncio.timeout(FORWARD_SECONDS):
                got = await self._ask(request)
        except (OSError, EOFError) as error:
            raise NoAnswerError(str(error)) from error
        for value in got.values("set-cookie"):
            self.cookies.add(value.partition(";")[0].partition("=")[2])
        return got

    async def _ask(self, request: Message) -> Message:
        reader, writer = await asyncio.open_connection(self.host, self.port, limit=HEAD_BYTES)
        try:
            writer.write(request.encoded(keep=False))
            with contextlib.suppress(ConnectionError):  # refused half-way, it may have answered all the same
                await writer.drain()
            return await read_answer(reader)
        finally:
            writer.close()


@dataclass(slots=True)
class Exchange:
    """A request that was read, its client's connection, and the way to the server.

    Args:
        request: what the client wants.
        upstream: the server.
        client: the client's connection.
        random: where chance comes from.
        patience: seconds after which a silence ends although the client still waits.
    """

    request: Message
    upstream: Upstream
    client: tuple[StreamReader, StreamWriter]
    random: Random
    patience: float
    kept: bool = False
    """Whether the client's connection is still good for another request."""

    async def forward(self, request: Message | None = None) -> Message:
        """Let the server carry the request out, or another one in its place, and return its answer."""
        return await self.upstream.ask(request or self.request)

    async def send(self, data: bytes) -> None:
        """Send bytes to the client."""
        writer = self.client[1]
        writer.write(data)
        await writer.drain()

    async def reply(self, answer: Message) -> None:
        """Answer the client in the usual way; most connections are kept, as a load balancer does."""
        keep = self.random.random() < 0.8
        await self.send(answer.encoded(keep=keep))
        self.kept = keep

    def reset(self) -> None:
        """Reset the client's connection."""
        reset(self.client[1])

    async def abandoned(self) -> None:
        """Be silent until the client has gone away, but no longer than `patience`."""
        with contextlib.suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(self.patience):
                while await self.client[0].read(1):
                    pass


def reset(writer: StreamWriter) -> None:
    """End a connection with a TCP reset instead of a farewell."""
    connection: socket.socket = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):  # the other side was faster
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NOW)
    writer.transport.abort()
