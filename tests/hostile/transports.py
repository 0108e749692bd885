"""The table of answers that are wrong as HTTP, or hold something that is no document of Starship."""

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Any

from .deployment import Reply, answer, as_json

FINE, AUTH, PLUGIN = "fine", "AuthError", "NotStarshipError"
UNEXPECTED = "UnexpectedAnswerError"
GAVE_UP = "UnavailableError"
"""After all attempts; where only one DAG is concerned it is not complete, and the others go on."""

NESTED = 100_000
CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
LENGTH = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n{}\r\n\r\n{{}}"


@dataclass(frozen=True, slots=True)
class Answered:
    """One row: what comes back in place of the honest document, and how the job ends for it.

    ``pages`` is the end when it happens to a page of task instances, where that differs; ``slow`` ones are only over
    when a time-out is.
    """

    name: str
    outcome: str
    reply: Callable[[Any], Reply]
    pages: str = ""
    slow: bool = False


def _text(text: bytes) -> Callable[[Any], Reply]:
    return lambda _honest: answer(text)


def _raw(wire: bytes) -> Callable[[Any], Reply]:
    return lambda _honest: wire


def _lengths(*headers: str) -> Callable[[Any], Reply]:
    return _raw(LENGTH.format("\r\n".join(headers)).encode())


def _status(status: str) -> Callable[[Any], Reply]:
    return lambda honest: answer(json.dumps(honest).encode(), status)


def _written(write: Callable[[str], bytes], *headers: str) -> Callable[[Any], Reply]:
    """Answer with the honest document, written in another way."""
    return lambda honest: answer(write(json.dumps(honest)), "200 OK", "application/json", *headers)


def _error(body: bytes, status: str = "500 Oops", content_type: str = "application/json") -> Callable[[Any], Reply]:
    return lambda _honest: answer(body, status, content_type)


def _headers(status: str, *headers: str) -> Callable[[Any], Reply]:
    return lambda _honest: answer(b"{}", status, "application/json", *headers)


def _endless(start: bytes, piece: bytes) -> Callable[[Any], Reply]:
    return lambda _honest: chain([start], repeat(piece))


DOCUMENTS = (
    Answered("an empty body", GAVE_UP, _text(b"")),
    Answered("white space", GAVE_UP, _text(b" \n\t ")),
    Answered("a NUL", GAVE_UP, _text(b"\0")),
    Answered("null", GAVE_UP, _text(b"null")),
    Answered("a number", GAVE_UP, _text(b"5")),
    Answered("a string", GAVE_UP, _text(b'"x"')),
    Answered("a list", UNEXPECTED, _text(b"[]")),
    Answered("an object", UNEXPECTED, _text(b"{}")),
    Answered("100,000 nested lists", UNEXPECTED, _text(b"[" * NESTED + b"]" * NESTED)),
    Answered("100,000 nested objects", UNEXPECTED, _text(b'{"a":' * NESTED + b"1" + b"}" * NESTED)),
    Answered("bytes that are no UTF-8", UNEXPECTED, _text(b'{"airflow_version": "\xff\xfe"}')),
    Answered("a byte order mark", FINE, _written(lambda text: b"\xef\xbb\xbf" + text.encode()), UNEXPECTED),
    Answered("UTF-16", GAVE_UP, _written(lambda text: text.encode("utf-16"))),
    Answered("UTF-16, big-endian", FINE, _written(lambda text: text.encode("utf-16-be")), UNEXPECTED),
    Answered("a key twice", FINE, _written(lambda text: text.replace("{", '{"dag_run_count":3,', 1).encode())),
    Answered("an unknown key", FINE, _written(lambda text: text.replace("}", ',"x":[{}]}', 1).encode())),
    Answered("half of a document", GAVE_UP, _written(lambda text: text[: len(text) // 2].encode() + b",")),
    Answered("text/plain", UNEXPECTED, lambda honest: answer(json.dumps(honest).encode(), content_type="text/plain")),
    Answered("no content type", UNEXPECTED, _raw(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")),
    Answered("a web page", PLUGIN, lambda _honest: answer(b"<html>", content_type="text/html"), AUTH),
)

STATUSES = (
    Answered("204", UNEXPECTED, _raw(b"HTTP/1.1 204 No Content\r\n\r\n")),
    Answered("205", GAVE_UP, _raw(b"HTTP/1.1 205 Reset\r\nContent-Type: application/json\r\n\r\n")),
    Answered("206 with everything", FINE, _status("206 Partial Content")),
    Answered("304", UNEXPECTED, _raw(b"HTTP/1.1 304 Not Modified\r\n\r\n")),
    Answered("101", UNEXPECTED, _raw(b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n")),
    Answered("000", UNEXPECTED, _status("000 Odd")),
    Answered("600", UNEXPECTED, _status("600 Odd")),
    Answered("999", UNEXPECTED, _status("999 Odd")),
    Answered("99999", GAVE_UP, _status("99999 Odd")),
    Answered("-1", GAVE_UP, _status("-1 Odd")),
    Answered("a few 100s", FINE, lambda honest: b"HTTP/1.1 100 Continue\r\n\r\n" * 5 + as_json(honest)),
    Answered("100s without end", GAVE_UP, _endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000), slow=True),
    Answered("a redirect to nowhere", AUTH, _raw(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n")),
    Answered("a redirect to half an address", AUTH, _headers("302 Found", "Location: http://[::1")),
    Answered(
        "a redirect of bytes", AUTH, _raw(b"HTTP/1.1 302 F\r\nLocation: //\xff\x1b]0;x\r\nContent-Length: 0\r\n\r\n")
    ),
    Answered("Retry-After of 5,000 digits", GAVE_UP, _headers("429 Slow", "Retry-After: " + "9" * 5_000)),
    Answered(
        "Retry-After in a year of 20 digits",
        GAVE_UP,
        _headers("503 X", f"Retry-After: Mon, 01 Jan {'9' * 20} 00:00:00 GMT"),
    ),
    Answered(
        "Retry-After in an odd zone", GAVE_UP, _headers("503 X", "Retry-After: Mon, 01 Jan 2024 00:00:00 +9999999999")
    ),
    Answered(
        "Retry-After at the end of time", GAVE_UP, _headers("503 X", "Retry-After: Fri, 31 Dec 9999 23:59:59 -2359")
    ),
    Answered("an error of nested lists", GAVE_UP, _error(b"[" * NESTED + b"]" * NESTED)),
    Answered("an error of half tags", GAVE_UP, _error(b"<input " * 100_000, content_type="text/html")),
    Answered("an error of backslashes", UNEXPECTED, _error(b'{"error": "' + b"\\" * 60_000 + b'"', "409 X")),
    Answered(
        "an error without end", GAVE_UP, _endless(b"HTTP/1.1 500 X\r\nContent-Type: text/html\r\n\r\n", b"<p>" * 20_000)
    ),
)

FRAMING = (
    Answered("garbage", GAVE_UP, _raw(b"\x00\x01\x02 garbage\r\n\r\n")),
    Answered("no HTTP at all", GAVE_UP, _raw(b"hello")),
    Answered("a closed connection", GAVE_UP, _raw(b"")),
    Answered("a status line of 10 MB", GAVE_UP, _raw(b"HTTP/1.1 200 " + b"x" * 10_000_000 + b"\r\n\r\n")),
    Answered("a header without end", GAVE_UP, _endless(b"HTTP/1.1 200 OK\r\nX: ", b"x" * 65_536)),
    Answered("headers without end", GAVE_UP, _endless(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * 1_000)),
    Answered(
        "100,000 cookies", GAVE_UP, _headers("200 OK", *(f"Set-Cookie: c{number}=v" for number in range(100_000)))
    ),
    Answered("two lengths", GAVE_UP, _lengths("Content-Length: 2", "Content-Length: 5")),
    Answered("a negative length", GAVE_UP, _lengths("Content-Length: -2")),
    Answered("a length of 23 digits", GAVE_UP, _lengths(f"Content-Length: {'9' * 23}")),
    Answered("less than the length", GAVE_UP, _lengths("Content-Length: 1000")),
    Answered("length and chunks", GAVE_UP, _lengths("Content-Length: 2", "Transfer-Encoding: chunked")),
    Answered("a chunk of no size", GAVE_UP, _raw(CHUNKED + b"ZZ\r\n{}\r\n0\r\n\r\n")),
    Answered("a chunk of 2**76 bytes", GAVE_UP, _raw(CHUNKED + b"F" * 19 + b"\r\n{}\r\n0\r\n\r\n")),
    Answered("chunks without their end", GAVE_UP, _raw(CHUNKED + b"2\r\n{}\r\n")),
    Answered("a chunk extension without end", GAVE_UP, _endless(CHUNKED + b"5;", b"x" * 65_536), slow=True),
    Answered("trailers without end", GAVE_UP, _endless(CHUNKED + b"2\r\n{}\r\n0\r\n", b"X: y\r\n" * 1_000)),
    Answered("gzip that is none", GAVE_UP, _written(str.encode, "Content-Encoding: gzip")),
    Answered("gzip as promised", FINE, _written(lambda text: gzip.compress(text.encode()), "Content-Encoding: gzip")),
    Answered(
        "half of a gzip", GAVE_UP, _written(lambda text: gzip.compress(text.encode())[:40], "Content-Encoding: gzip")
    ),
    Answered("an encoding that nobody asked for", GAVE_UP, _written(str.encode, "Content-Encoding: br")),
)

TABLE = (*DOCUMENTS, *STATUSES, *FRAMING)
