"""A source with task logs and a target that takes them, which cost next to nothing, in a process of their own.

The history is that of ``canned_rows``. Every try has a log of the same size; with ``large`` a single one has, of that
size. The source serves them in chunks, as Airflow does; the target throws away what it gets, and notes how much of it
came, and when the first began and the last ended. One large log costs them as little as can be; where there are many,
each request takes ``REQUEST_SECONDS``.
"""

import argparse
import asyncio
import contextlib
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Final
from urllib.parse import parse_qsl, urlsplit
from urllib.request import Request, urlopen

from benchmarks.canned import Source, Target

PIECE: Final = 65_536
REQUEST_SECONDS: Final = 0.005
"""What a request takes where there are many logs: less than half of what Airflow's webserver needs for one."""

INFO: Final = b'{"airflow_version": "2.10.5", "starship_version": "2.10.1"}'
LARGE_TASK: Final = "transform_step_1"
PROBE: Final = "transfer_probe"
_MISSING: Final = b'{"error": "Task log at /logs not found"}'
_CHUNK: Final = b"%x\r\n%s\r\n" % (PIECE, bytes(PIECE))


@dataclass(slots=True)
class Seen:
    """What came to the target: logs, their bytes, and the seconds from the first request to the last answer."""

    logs: int = 0
    size: int = 0
    first: float = 0.0
    last: float = 0.0
    probes: set[str] = field(default_factory=set)

    @property
    def seconds(self) -> float:
        """Return how long it took."""
        return self.last - self.first


@dataclass(slots=True)
class Asked:
    """One request whose body is still to be read."""

    method: str
    route: str
    query: dict[str, str]
    headers: dict[str, str]
    reader: asyncio.StreamReader

    async def body(self) -> AsyncIterator[int]:
        """Yield how many bytes came, until the body is over."""
        if self.headers.get("transfer-encoding") == "chunked":
            while size := int((await self.reader.readline()).split(b";")[0], 16):
                await self._skip(size + 2)
                yield size
            await self.reader.readline()
        elif left := int(self.headers.get("content-length", "0")):
            await self._skip(left)
            yield left

    async def _skip(self, left: int) -> None:
        while left:
            got = len(await self.reader.read(min(left, 262_144)))
            if not got:
                raise ConnectionError
            left -= got

    async def text(self) -> bytes:
        """Return the body; for those that are no logs, and have a length."""
        return await self.reader.readexactly(int(self.headers.get("content-length", "0")))


class Server:
    """One side; the source has ``size`` bytes in each log, or in one."""

    def __init__(self, side: Source | Target, size: int, *, large: bool) -> None:
        self._side = side
        self._seconds = 0.0 if large else REQUEST_SECONDS
        self._size = size
        self._large = large
        self._seen = Seen()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection, one after the other."""
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError), contextlib.closing(writer):
            while (head := await reader.readuntil(b"\r\n\r\n")) != b"":
                await self._answer(_request(head, reader), writer)
                await writer.drain()

    async def _answer(self, request: Asked, writer: asyncio.StreamWriter) -> None:
        if request.route == "seen":
            seen, self._seen = self._seen, Seen()
            _send(writer, json.dumps(asdict(seen) | {"probes": []}).encode())
        elif request.route == "info":
            _send(writer, INFO)
        elif request.route != "task_log":
            body = await request.text()
            _send(writer, self._side.answer(request.method, request.route, request.query, body))
        else:
            await asyncio.sleep(self._seconds)
            await (self._take if request.method == "POST" else self._log)(request, writer)

    async def _take(self, request: Asked, writer: asyncio.StreamWriter) -> None:
        seen, began = self._seen, time.monotonic()
        size = 0
        async for piece in request.body():
            size += piece
        if request.query["dag_id"] == PROBE:
            seen.probes.add(request.query["run_id"])
        else:
            seen.logs, seen.size = seen.logs + 1, seen.size + size
            seen.first, seen.last = seen.first or began, time.monotonic()
        _send(writer, b"", status=b"204 NO CONTENT")

    async def _log(self, request: Asked, writer: asyncio.StreamWriter) -> None:
        """Serve a log; a probe that was written is there."""
        wanted = not self._large or (request.query["task_id"], request.query["try_number"]) == (LARGE_TASK, "1")
        is_probe = request.query["dag_id"] == PROBE
        if isinstance(self._side, Target) or is_probe or not wanted:
            there = is_probe and request.query["run_id"] in self._seen.probes
            _send(writer, b"" if there else _MISSING, status=b"200 OK" if there else b"404 NOT FOUND", text=there)
            return
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(self._size // PIECE):
            writer.write(_CHUNK)
            await writer.drain()
        if rest := self._size % PIECE:
            writer.write(b"%x\r\n%s\r\n" % (rest, bytes(rest)))
        writer.write(b"0\r\n\r\n")


def _request(head: bytes, reader: asyncio.StreamReader) -> Asked:
    first, *lines = head.decode().split("\r\n")
    method, path, _ = first.split(" ")
    parts = urlsplit(path)
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
    return Asked(method, parts.path.rpartition("/")[2], dict(parse_qsl(parts.query)), headers, reader)


def _send(writer: asyncio.StreamWriter, body: bytes, *, status: bytes = b"200 OK", text: bool = False) -> None:
    kind = b"text/plain" if text else b"application/json"
    length = b"" if status.startswith(b"204") else b"Content-Length: %d\r\n" % len(body)
    writer.write(b"HTTP/1.1 %s\r\nContent-Type: %s\r\n%s\r\n%s" % (status, kind, length, body))


async def serve(runs: int, size: int, *, large: bool) -> None:
    """Serve both on free ports of loopback, print these as a JSON list, and go on until standard input ends."""
    async with contextlib.AsyncExitStack() as stack:
        ports = []
        for side in (Source(runs), Target(echo=True)):
            server = await asyncio.start_server(Server(side, size, large=large).serve, "127.0.0.1", 0)
            await stack.enter_async_context(server)
            ports.append(server.sockets[0].getsockname()[1])
        print(json.dumps(ports), flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


@dataclass(frozen=True, slots=True)
class Servers:
    """The addresses of both."""

    source: str
    target: str

    def seen(self) -> Seen:
        """Return what came to the target since the last call."""
        request = Request(f"{self.target}/api/starship/seen")  # noqa: S310  our own server
        with urlopen(request) as answer:  # noqa: S310  our own server
            return Seen(**json.load(answer))


@contextmanager
def log_servers(runs: int, size: int, *, large: bool) -> Iterator[Servers]:
    """Run both servers while the context is open."""
    command = [sys.executable, "-m", "benchmarks.log_servers", str(runs), str(size), *(["--large"] if large else [])]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:  # noqa: S603  ourselves
        assert process.stdin is not None  # noqa: S101  for the type checker
        assert process.stdout is not None  # noqa: S101  as above
        source, target = json.loads(process.stdout.readline())
        try:
            yield Servers(f"http://127.0.0.1:{source}", f"http://127.0.0.1:{target}")
        finally:
            process.stdin.close()


def main() -> None:
    """Serve."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.log_servers", description=__doc__)
    parser.add_argument("runs", type=int, help="DAG runs of the source")
    parser.add_argument("size", type=int, help="bytes of a log")
    parser.add_argument("--large", action="store_true", help="only one log is there")
    arguments = parser.parse_args()
    asyncio.run(serve(arguments.runs, arguments.size, large=arguments.large))


if __name__ == "__main__":
    main()
