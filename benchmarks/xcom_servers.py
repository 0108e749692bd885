"""A source with XComs and a target that takes them, in a process of their own; each has so many workers that take time.

The history is that of ``canned_rows``. Every second task instance has one small XCom. A request about XComs holds a
worker for ``REQUEST_SECONDS``; all others cost next to nothing. Both sides count what they were asked about XComs, and
note when the first came and the last was answered.
"""

import argparse
import asyncio
import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit
from urllib.request import Request, urlopen

from benchmarks.canned import INFO, Source, Target
from benchmarks.canned_rows import DAG, TASKS

WORKERS: Final = 2
"""Requests at once that a side works on, as the web server of the smallest deployments."""

REQUEST_SECONDS: Final = 0.01
"""What a request takes: about what Airflow's web server needs for one of these on an idle machine."""

HOLDING: Final = range(0, TASKS, 2)
"""The task instances of a run that have an XCom."""

_VALUE: Final = "eyJhIjogWzEsIDJdfQ=="
_ABOUT: Final = frozenset({"xcom", "xcomEntries"})


@dataclass(slots=True)
class Seen:
    """Requests about XComs, and the seconds from the first to the last answer."""

    requests: int = 0
    values: int = 0
    first: float = 0.0
    last: float = 0.0

    @property
    def rate(self) -> float:
        """Return requests per second."""
        return self.requests / (self.last - self.first) if self.requests > 1 else 0.0


class Server:
    """One side."""

    def __init__(self, side: Source | Target, runs: int) -> None:
        self._side = side
        self._runs = runs
        self._workers = asyncio.Semaphore(WORKERS)
        self._seen = Seen()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection, one after the other."""
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError), contextlib.closing(writer):
            while True:
                method, path, length = _head(await reader.readuntil(b"\r\n\r\n"))
                body = await reader.readexactly(length)
                answer = await self._answer(method, path, body)
                status = b"200 OK" if answer else b"204 NO CONTENT"
                size = b"Content-Length: %d\r\n" % len(answer) if answer else b""
                head = b"HTTP/1.1 %s\r\nContent-Type: application/json\r\n%s\r\n" % (status, size)
                writer.writelines((head, answer))
                await writer.drain()

    async def _answer(self, method: str, path: str, body: bytes) -> bytes:
        parts = urlsplit(path)
        route, query = parts.path.rpartition("/")[2], dict(parse_qsl(parts.query))
        if route == "seen":
            seen, self._seen = self._seen, Seen()
            return json.dumps(asdict(seen)).encode()
        if route == "info":
            return INFO
        if route not in _ABOUT:
            return self._side.answer(method, route, query, body)
        began = time.monotonic()
        async with self._workers:
            await asyncio.sleep(REQUEST_SECONDS)
        seen = self._seen
        seen.requests, seen.values = seen.requests + 1, seen.values + (method == "POST")
        seen.first, seen.last = seen.first or began, time.monotonic()
        if method == "POST":
            return b""
        return self._list(parts.path) if route == "xcomEntries" else self._values(query)

    def _list(self, path: str) -> bytes:
        run_id = unquote(path.split("/")[6])
        slots = [] if run_id == "~" else HOLDING
        rows = [{"task_id": _task(slot), "map_index": _index(slot), "key": "return_value"} for slot in slots]
        total = len(rows) if rows else self._runs * len(HOLDING)
        return json.dumps({"xcom_entries": rows, "total_entries": total}).encode()

    def _values(self, query: dict[str, str]) -> bytes:
        has = query["dag_id"] == DAG and query["task_id"] in {_task(slot) for slot in HOLDING}
        row = {"dag_id": DAG, "run_id": query["run_id"], "task_id": query["task_id"], "map_index": query["map_index"]}
        return json.dumps([row | {"key": "return_value", "value": _VALUE}] if has else []).encode()


def _task(slot: int) -> str:
    return f"transform_step_{slot}"


def _index(slot: int) -> int:
    return -1 if slot else 0


def _head(head: bytes) -> tuple[str, str, int]:
    first, *lines = head.decode().split("\r\n")
    method, path, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
    return method, path, int(headers.get("content-length", "0"))


async def serve(runs: int) -> None:
    """Serve both on free ports of loopback, print these as a JSON list, and go on until standard input ends."""
    async with contextlib.AsyncExitStack() as stack:
        ports = []
        for side in (Source(runs), Target(echo=True)):
            server = await asyncio.start_server(Server(side, runs).serve, "127.0.0.1", 0)
            await stack.enter_async_context(server)
            ports.append(server.sockets[0].getsockname()[1])
        print(json.dumps(ports), flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


@dataclass(frozen=True, slots=True)
class Servers:
    """The addresses of both."""

    source: str
    target: str

    def seen(self) -> tuple[Seen, Seen]:
        """Return what source and target were asked since the last call."""
        left, right = (_seen(url) for url in (self.source, self.target))
        return left, right


def _seen(url: str) -> Seen:
    with urlopen(Request(f"{url}/api/starship/seen")) as answer:  # noqa: S310  our own server
        return Seen(**json.load(answer))


@contextmanager
def xcom_servers(runs: int) -> Iterator[Servers]:
    """Run both servers while the context is open."""
    command = [sys.executable, "-m", "benchmarks.xcom_servers", str(runs)]
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
    parser = argparse.ArgumentParser(prog="python -m benchmarks.xcom_servers", description=__doc__)
    parser.add_argument("runs", type=int, help="DAG runs of the source")
    asyncio.run(serve(parser.parse_args().runs))


if __name__ == "__main__":
    main()
