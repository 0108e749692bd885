"""Answers that are too large for memory or disk, or never end: bounded, and ended by an error that says so.

Each job runs as a process of its own, whose peak of memory is measured.
"""

import json
import os
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import repeat
from pathlib import Path
from threading import Event
from typing import Any

import pytest

import transfer as package
from transfer.emulator.rows import task_row

from .deployment import Asked, Deployment, Reply, as_json
from .running import between

MEGABYTE = 1_000_000
SCRIPT = """
import sys
from transfer.cli.main import invoke
code = invoke(sys.argv[1:])
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(int(peak.split()[1]) // 1024)
sys.exit(code)
"""
"""Says at last how many MiB the program had in memory at most (``ru_maxrss`` would be that of whoever started it)."""

JSON = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
PAGE = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"


@dataclass(frozen=True, slots=True)
class Huge:
    """What comes back for a route, the exit code and words that it leads to, and the most MiB that it may take."""

    name: str
    route: str
    reply: Callable[[Any], Reply]
    said: str
    most: int
    code: int = 1
    seconds: float = 5.0


def filled(path: tuple[str | int, ...], size: int) -> Callable[[Any], Iterator[bytes]]:
    """Return the honest document with a text of ``size`` bytes in one field, in pieces."""

    def reply(honest: Any) -> Iterator[bytes]:
        at = document = json.loads(json.dumps(honest))
        if not document or not at[path[0]]:
            return
        for key in path[:-1]:
            at = at[key]
        at[path[-1]] = "@@"
        before, after = json.dumps(document).encode().split(b"@@")
        yield JSON + b"Content-Length: %d\r\n\r\n" % (len(before) + size + len(after)) + before
        yield from repeat(b"x" * MEGABYTE, size // MEGABYTE)
        yield after

    return reply


def many_tasks(rows: int, *, measured: bool) -> Callable[[Any], Iterator[bytes]]:
    """Return a page of ``rows`` task instances of one run, ``measured`` or ended by the end of the connection."""

    def reply(honest: Any) -> Iterator[bytes]:
        if not honest["task_instances"]:
            yield as_json(honest)
            return
        run = honest["task_instances"][0]
        tasks = [task_row(run, f"t{number}") for number in range(rows)]
        body = json.dumps(honest | {"task_instances": tasks}).encode()
        length = b"Content-Length: %d\r\n" % len(body) if measured else b""
        yield JSON + length + b"\r\n" + body

    return reply


def endless(start: bytes, piece: bytes) -> Callable[[Any], Iterator[bytes]]:
    """Return an answer that goes on until nobody listens."""

    def reply(_honest: Any) -> Iterator[bytes]:
        yield start
        yield from repeat(piece)

    return reply


def trickle(_honest: Any) -> Iterator[bytes]:
    """Return an answer of which a byte comes now and then, in time for any time-out between two of them."""
    yield JSON + b"\r\n"
    never = Event()
    while not never.wait(0.1):
        yield b" "


@cache
def packed() -> tuple[bytes, bytes]:
    """Return how a document begins and goes on for 16 MB, packed: the second may be repeated at will."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    start = packer.compress(b'{"task_instances": [' + b" " * 16 * MEGABYTE) + packer.flush(zlib.Z_FULL_FLUSH)
    return start, packer.compress(b" " * 16 * MEGABYTE) + packer.flush(zlib.Z_FULL_FLUSH)


def bomb(head: bytes, size: int = 10_000 * MEGABYTE) -> Callable[[Any], Iterator[bytes]]:
    """Return an answer of some 10 MB that unpacks to ``size`` bytes."""

    def reply(_honest: Any) -> Iterator[bytes]:
        yield head + b"Content-Encoding: gzip\r\n\r\n\x1f\x8b\x08\0\0\0\0\0\0\3" + packed()[0]
        yield from repeat(packed()[1], size // (16 * MEGABYTE))

    return reply


ENDLESS_LIST = b'{"dag_run_count": 3, "task_instances": ['
CASES = (
    Huge("100 MB of a version", "info", filled(("airflow_version",), 100 * MEGABYTE), "larger than", 100),
    Huge("60 MB of a DAG id", "dags", filled((0, "dag_id"), 60 * MEGABYTE), "something else than DAGs", 350),
    Huge("100 MB of a DAG id", "dags", filled((0, "dag_id"), 100 * MEGABYTE), "larger than", 100),
    Huge("60 MB of a run id", "dag_runs", filled(("dag_runs", 0, "run_id"), 60 * MEGABYTE), "not a list of runs", 350),
    Huge("60 MB of a conf", "dag_runs", filled(("dag_runs", 0, "conf"), 60 * MEGABYTE), "complete", 500, 0),
    Huge("100 MB of a conf", "dag_runs", filled(("dag_runs", 0, "conf"), 100 * MEGABYTE), "larger than", 100),
    Huge(
        "100 MB of a task id",
        "task_instances",
        filled(("task_instances", 0, "task_id"), 100 * MEGABYTE),
        "a row of more",
        250,
    ),
    Huge("50,000 tasks of one run", "task_instances", many_tasks(50_000, measured=True), "complete", 120, 0),
    Huge("50,000 tasks, length unknown", "task_instances", many_tasks(50_000, measured=False), "complete", 400, 0),
    Huge("white space without end", "info", endless(JSON + b"\r\n", b" " * 65_536), "larger than", 100),
    Huge(
        "rows without end",
        "task_instances",
        endless(JSON + b"\r\n" + ENDLESS_LIST, b"{}," * 20_000),
        "larger than",
        120,
    ),
    Huge("a trickle without end", "info", trickle, "no answer in time", 100, seconds=0.5),
    Huge("a bomb for versions", "info", bomb(JSON), "larger than", 100),
    Huge("a bomb for runs", "dag_runs", bomb(JSON), "larger than", 100),
    Huge("a bomb for rows", "task_instances", bomb(JSON), "larger than", 100),
    Huge("a bomb of an error", "info", bomb(b"HTTP/1.1 500 Oops\r\nContent-Type: text/html\r\n"), "HTTP 500", 120),
    Huge("a bomb for a login page", "login", bomb(PAGE), "larger than", 100),
    Huge(
        "a login page of half tags",
        "login",
        endless(PAGE + b"\r\n", b"<input name='csrf_token' " * 2_000),
        "larger than",
        100,
    ),
)


def environment() -> dict[str, str]:
    """Return the environment of the job."""
    return os.environ | {"PYTHONPATH": str(Path(package.__file__).parents[1]), "CANARY": "a-password"}


@pytest.mark.parametrize("huge", CASES, ids=lambda huge: huge.name)
def test_memory_is_bounded(tmp_path: Path, huge: Huge) -> None:
    """However much comes, memory and disk hold a bounded part of it, and the job says what was wrong."""

    def script(asked: Asked, honest: Any) -> Reply | None:
        return huge.reply(honest) if (asked.method, asked.route) == ("GET", huge.route) else None

    source, target = Deployment.of(3), Deployment.of(0)
    source.script = script
    login = '{ kind = "session", username = "admin", password = { env = "CANARY" } }'
    auth = {"auth": login} if huge.route == "login" else {}
    with between(tmp_path, source, target, answer_bytes=200 * MEGABYTE, seconds=huge.seconds, **auth) as config:
        command = [sys.executable, "-c", SCRIPT, "run", "--config", str(config)]
        done = subprocess.run(command, capture_output=True, text=True, env=environment(), check=False)  # noqa: S603  the program under test
    assert (done.returncode, huge.said in done.stdout + done.stderr) == (huge.code, True), done.stderr
    assert int(done.stdout.splitlines()[-1]) < huge.most
