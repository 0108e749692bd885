"""What a target may answer to an insert: it counts as stored only when it is asked for and found."""

from itertools import chain, repeat
from pathlib import Path
from typing import Any

import pytest

from .deployment import Asked, Deployment, Reply, answer
from .running import between, ending_of

GAVE_UP, REJECTED, LOST = "UnavailableError", "row rejected", "fine"

NESTED = b"[" * 100_000 + b"]" * 100_000
PAGE = "text/html"

TABLE: dict[str, tuple[Reply, str, str]] = {
    # what comes back: the answer, the end when nothing was stored, the end when everything was
    "an empty body": (answer(b""), GAVE_UP, LOST),
    "null": (answer(b"null"), GAVE_UP, LOST),
    "an object": (answer(b"{}"), GAVE_UP, LOST),
    "a list": (answer(b"[]"), GAVE_UP, LOST),
    "nested lists": (answer(NESTED), GAVE_UP, LOST),
    "a web page": (answer(b"<html>", content_type=PAGE), GAVE_UP, LOST),
    "text": (answer(b"ok", content_type="text/plain"), GAVE_UP, LOST),
    "204": (b"HTTP/1.1 204 No Content\r\n\r\n", GAVE_UP, LOST),
    "another list": (answer(b'{"dags": []}'), GAVE_UP, LOST),
    "half of an echo": (answer(b'{"task_instances": [{'), GAVE_UP, LOST),
    "an echo without end": (
        chain([b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"], repeat(b'{"task_instances": [' * 10_000)),
        GAVE_UP,
        LOST,
    ),
    "a closed connection": (b"", GAVE_UP, LOST),
    "400": (answer(b'{"error": "x"}', "400 Bad Request"), REJECTED, LOST),
    "409": (answer(b'{"error": "x"}', "409 Conflict"), REJECTED, LOST),
    "409 with nested lists": (answer(NESTED, "409 Conflict"), REJECTED, LOST),
    "413": (answer(b"", "413 Too Large", PAGE), REJECTED, LOST),
    "422": (answer(NESTED, "422 No"), REJECTED, LOST),
    "429": (answer(b"", "429 Slow", PAGE, "Retry-After: 99999"), GAVE_UP, GAVE_UP),
    "500": (answer(b"<h1>Oops", "500 Oops", PAGE), REJECTED, LOST),
    "502": (answer(b"<h1>Oops", "502 Oops", PAGE), GAVE_UP, LOST),
    "600": (answer(b"", "600 Odd"), "UnexpectedAnswerError", "UnexpectedAnswerError"),
    "a redirect": (b"HTTP/1.1 302 F\r\nLocation: /login/\r\nContent-Length: 0\r\n\r\n", "AuthError", "AuthError"),
}


def job(folder: Path, reply: Reply, *, stored: bool) -> tuple[str, Deployment]:
    """Run a job whose inserts of tasks are answered with ``reply``, ``stored`` or not."""
    source, target = Deployment.of(3), Deployment.of(0)

    def script(asked: Asked, _honest: Any) -> Reply | None:
        if (asked.method, asked.route) != ("POST", "task_instances"):
            return None
        if not stored:
            target.tasks.clear()
        return reply

    target.script = script
    with between(folder, source, target, answer_bytes=1_048_576) as config:
        return ending_of(config), target


@pytest.mark.parametrize("name", TABLE)
def test_an_answer_for_rows_that_were_not_stored(tmp_path: Path, name: str) -> None:
    """The job ends, and no row counts as moved that is not there."""
    reply, lost, _ = TABLE[name]
    found, target = job(tmp_path, reply, stored=False)
    assert (found, target.tasks) == (lost, [])


@pytest.mark.parametrize("name", TABLE)
def test_an_answer_for_rows_that_were_stored(tmp_path: Path, name: str) -> None:
    """Rows that are there are found, whatever was said about them."""
    reply, _, there = TABLE[name]
    found, _ = job(tmp_path, reply, stored=True)
    assert found == there
