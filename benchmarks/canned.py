"""A source and a target that cost next to nothing, in a process of their own, so that what is left is the client.

Both speak just enough HTTP/1.1 for the clients that are measured here. The source serves one DAG with as many runs as
it is told to have; the target takes everything and counts it. With ``close`` both end the connection after each answer,
as the web server of Airflow 2.11 does; with ``echo`` the target answers with what was sent, as Starship does.
"""

import argparse
import asyncio
import contextlib
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Final, TypeAlias
from urllib.parse import parse_qsl, urlsplit
from urllib.request import Request, urlopen

from benchmarks.canned_rows import DAG, KINDS, page

INFO: Final = b'{"airflow_version": "2.11.2", "starship_version": "2.10.1"}'

Query: TypeAlias = dict[str, str]
Answer: TypeAlias = Callable[[str, str, Query, bytes], bytes]
"""Returns the JSON for method, route, query and body."""


@dataclass(slots=True)
class Source:
    """Answers GETs out of a history of ``runs`` runs."""

    runs: int

    def answer(self, method: str, route: str, query: Query, body: bytes) -> bytes:
        """Return the answer as ``Answer`` says; a POST to it is a mistake of the client and stores nothing."""
        del method, body
        if route in KINDS:
            return page(route, self.runs, int(query.get("offset", "0")), int(query.get("limit", "10")))
        return _listing(route, self.runs)


@dataclass(slots=True)
class Target:
    """Takes POSTs and counts their rows; what it was sent it does not keep."""

    echo: bool
    counts: Counter[str] = field(default_factory=Counter)

    def answer(self, method: str, route: str, query: Query, body: bytes) -> bytes:
        """Return the answer as ``Answer`` says."""
        del query
        if route == "counts":
            return json.dumps(self._counts(forget=method == "POST")).encode()
        if method == "POST":
            rows = body.count(b'"run_id"') - body.count(b'"run_id": null')  # a probe has rows that cannot be stored
            self.counts[route] += rows
            self.counts["requests"] += rows > 0
            return body if self.echo else b'{"%s": []}' % KINDS[route].encode()
        if route in KINDS:
            return b'{"dag_run_count": %d, "%s": []}' % (self.counts["dag_runs"], KINDS[route].encode())
        return _listing(route, self.counts["dag_runs"])

    def _counts(self, *, forget: bool) -> dict[str, int]:
        counts = dict(self.counts)
        if forget:
            self.counts.clear()
        return counts


def _listing(route: str, runs: int) -> bytes:
    if route == "dags":
        return json.dumps([{"dag_id": DAG, "dag_run_count": runs, "is_paused": True}]).encode()
    return INFO


class Connection(asyncio.Protocol):
    """One connection: a request after the other, each answered at once."""

    def __init__(self, answer: Answer, *, close: bool) -> None:
        self._answer = answer
        self._close = close
        self._held = bytearray()
        self._wanted = 0
        """Bytes before the request at the front can be complete."""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Implement ``asyncio.Protocol``."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  for the type checker; asyncio gives no other
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Implement ``asyncio.Protocol``."""
        self._held += data
        while len(self._held) >= self._wanted and (request := self._next()) is not None:
            method, path, body = request
            parts = urlsplit(path)
            route = parts.path.rpartition("/")[2]
            self._send(self._answer(method, route, dict(parse_qsl(parts.query)), body))

    def _next(self) -> tuple[str, str, bytes] | None:
        """Take the first request off what was received; None if it is not whole yet."""
        end = self._held.find(b"\r\n\r\n")
        if end < 0:
            return None
        head = bytes(self._held[:end])
        self._wanted = end + 4 + _length(head)
        if len(self._held) < self._wanted:
            return None
        body = bytes(memoryview(self._held)[end + 4 : self._wanted])
        del self._held[: self._wanted]
        self._wanted = 0
        method, path, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
        return method, path, body

    def _send(self, body: bytes) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        keep = b"close" if self._close else b"keep-alive"
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: %s\r\n\r\n"
        self._transport.writelines((head % (len(body), keep), body))
        if self._close:
            self._transport.close()


def _length(head: bytes) -> int:
    _, found, rest = head.lower().partition(b"\r\ncontent-length:")
    return int(rest.split(b"\r\n", 1)[0]) if found else 0


async def serve(source: Source, target: Target, *, close: bool) -> None:
    """Serve both on free ports of loopback, print these as a JSON list, and go on until standard input ends."""
    loop = asyncio.get_running_loop()
    async with contextlib.AsyncExitStack() as stack:
        ports = []
        for side in (source, target):
            server = await loop.create_server(partial(Connection, side.answer, close=close), "127.0.0.1", 0)
            await stack.enter_async_context(server)
            ports.append(server.sockets[0].getsockname()[1])
        print(json.dumps(ports), flush=True)
        await loop.run_in_executor(None, sys.stdin.read)


@dataclass(frozen=True, slots=True)
class Canned:
    """The addresses of both servers."""

    source: str
    target: str

    def arrived(self) -> Counter[str]:
        """Return how many rows of each kind, and how many "requests", came to the target since the last call."""
        request = Request(f"{self.target}/api/starship/counts", data=b"", method="POST")  # noqa: S310  our own server
        with urlopen(request) as answer:  # noqa: S310  our own server
            return Counter(json.load(answer))


@contextmanager
def canned(runs: int, *, echo: bool = True, close: bool = False) -> Iterator[Canned]:
    """Run both servers while the context is open."""
    switches = [*(["--echo"] if echo else []), *(["--close"] if close else [])]
    command = [sys.executable, "-m", "benchmarks.canned", str(runs), *switches]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:  # noqa: S603  ourselves
        assert process.stdin is not None  # noqa: S101  for the type checker
        assert process.stdout is not None  # noqa: S101  as above
        source, target = json.loads(process.stdout.readline())
        try:
            yield Canned(f"http://127.0.0.1:{source}", f"http://127.0.0.1:{target}")
        finally:
            process.stdin.close()


def main() -> None:
    """Serve."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.canned", description=__doc__)
    parser.add_argument("runs", type=int, help="DAG runs of the source")
    parser.add_argument("--echo", action="store_true", help="answer a POST with all that was sent")
    parser.add_argument("--close", action="store_true", help="close the connection after each answer")
    arguments = parser.parse_args()
    asyncio.run(serve(Source(arguments.runs), Target(arguments.echo), close=arguments.close))


if __name__ == "__main__":
    main()
