"""Just enough of HTTP/1.1 to know what a request wants, and where a message ends."""

from asyncio import StreamReader
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

HEAD_BYTES = 65_536
_FRAMING = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length"})

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Message:
    """A complete request or answer; `headers` are without those that say how it was framed on its way."""

    start: str
    headers: Headers
    body: bytes

    @property
    def method(self) -> str:
        """Of a request, its method."""
        return self.start.split(" ", 1)[0]

    @property
    def path(self) -> str:
        """Of a request, its path without the query."""
        return urlsplit(self.start.split(" ")[1]).path

    @property
    def route(self) -> str:
        """Of a request, the last part of its path: `dag_runs`, `info`, `login` and so on."""
        return self.path.rstrip("/").rpartition("/")[2]

    @property
    def status(self) -> int:
        """Of an answer, its status."""
        return int(self.start.split(" ")[1])

    def values(self, name: str) -> list[str]:
        """Return the values of a header."""
        return [value for known, value in self.headers if known.lower() == name]

    def without(self, name: str) -> "Message":
        """Return the message without a header."""
        return replace(self, headers=tuple(pair for pair in self.headers if pair[0].lower() != name))

    def head(self, *framing: tuple[str, str]) -> bytes:
        """Return start line and headers as bytes, with `framing` added to them."""
        lines = [self.start, *(f"{name}: {value}" for name, value in (*self.headers, *framing)), "", ""]
        return "\r\n".join(lines).encode("latin-1")

    def encoded(self, *, keep: bool) -> bytes:
        """Return the whole message; `keep` says whether the connection is to stay open after it."""
        framing = [("Connection", "keep-alive" if keep else "close")]
        bodiless = self.start.startswith("HTTP/") and self.status in {204, 304}
        if not bodiless:
            framing.append(("Content-Length", str(len(self.body))))
        return self.head(*framing) + (b"" if bodiless else self.body)


def answer(status: int, body: str, *headers: tuple[str, str]) -> Message:
    """Return an answer with a web page."""
    named = (("Content-Type", "text/html; charset=utf-8"), ("Server", "chaos"), *headers)
    return Message(f"HTTP/1.1 {status} Chaos", named, body.encode())


async def read_request(reader: StreamReader) -> Message:
    """Read one request.

    Raises:
        EOFError: the connection ended before it was complete.
    """
    start, headers = await _read_head(reader)
    return Message(start, _unframed(headers), await _read_body(reader, dict(headers), until_end=False))


async def read_answer(reader: StreamReader) -> Message:
    """Read one answer; where it does not say how long it is, the end of the connection ends it.

    Raises:
        EOFError: the connection ended before it was complete.
    """
    start, headers = await _read_head(reader)
    bodiless = start.split(" ")[1] in {"204", "304"}
    body = b"" if bodiless else await _read_body(reader, dict(headers), until_end=True)
    return Message(start, _unframed(headers), body)


def _unframed(headers: Headers) -> Headers:
    return tuple(pair for pair in headers if pair[0].lower() not in _FRAMING)


async def _read_head(reader: StreamReader) -> tuple[str, Headers]:
    lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines[1:] if line)
    return lines[0], tuple((name, value.strip()) for name, _, value in pairs)


async def _read_body(reader: StreamReader, headers: dict[str, str], *, until_end: bool) -> bytes:
    lower = {name.lower(): value for name, value in headers.items()}
    if lower.get("transfer-encoding", "").lower() == "chunked":
        return await _read_chunks(reader)
    if "content-length" in lower:
        return await reader.readexactly(int(lower["content-length"]))
    return await reader.read() if until_end else b""


async def _read_chunks(reader: StreamReader) -> bytes:
    pieces = []
    while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        pieces.append(await reader.readexactly(size))
        await reader.readexactly(2)
    while await reader.readuntil(b"\r\n") != b"\r\n":
        pass  # trailers
    return b"".join(pieces)
