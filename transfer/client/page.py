"""A page of task rows, taken apart piece by piece: the document may be far larger than what should be in memory.

The rows of ``{"dag_run_count": 3, "task_instances": [{...}, {...}]}`` are cut between two of them wherever enough bytes
have come together. A cut is tried where ``}`` ``,`` ``{`` follow each other and is right exactly if what stands before
it is valid JSON: inside of a string or of a nested list something would still be open. So the parser, which has to see
the bytes anyway, does all the work.
"""

import json
import re
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Final

import orjson

from transfer.client.base import Body, Request
from transfer.client.shape import DEEPEST, is_shallow
from transfer.errors import UnexpectedAnswerError
from transfer.kinds import Kind, Row
from transfer.model import SideName

PARSED_BYTES: Final = 67_108_864
"""The largest document that is parsed as a whole, which takes several times as much memory."""

LARGEST_ROW: Final = 33_554_432
"""Bytes; targets take far smaller ones only, and a row has to be held in memory."""

HEAD_BYTES: Final = 128
"""Where the list of rows must have begun, when the document is that long."""

CUTS_TRIED: Final = 8
"""How many places for a cut are tried before more bytes are fetched: a row may hold thousands that are none."""

BRACES_TRIED: Final = 4_096
"""How many braces are looked at for one: a text may be made of them."""

_HEAD: Final = re.compile(rb'\s*\{\s*(?:"dag_run_count"\s*:\s*(\d{1,18})\s*,\s*)?"([a-z_]+)"\s*:\s*\[')
_TAIL: Final = re.compile(rb'\]\s*(?:,\s*"dag_run_count"\s*:\s*(\d{1,18})\s*)?\}\s*')
_CUT: Final = re.compile(rb"\}\s*,\s*\Z")
_OPENING, _CLOSING = b"[]"
_CUT_BYTES: Final = 256
"""How far apart the braces around a comma may be."""


def _any_rows(rows: Sequence[Any]) -> bool:
    return all(type(row) is dict for row in rows)


class StarshipPage:
    """The body of a GET of task instances or their history; implements ``ChildPage``.

    ``are_rows`` tells whether all objects of a list can be worked with as rows.
    """

    def __init__(
        self,
        side: SideName,
        kind: Kind,
        request: Request,
        body: Body,
        are_rows: Callable[[Sequence[Any]], bool] = _any_rows,
        *,
        seconds: float = 0.0,
    ) -> None:
        self.kind = kind
        self.size = body.size
        self.seconds = seconds
        self.run_count: int | None = None
        self.fresh = True
        self._side: SideName = side
        self._request = request
        self._body = body
        self._are_rows = are_rows

    async def rows(self, chunk_bytes: int = 131_072) -> AsyncIterator[list[Row]]:
        """Yield the rows in order, in lists of roughly ``chunk_bytes`` of JSON; may be called again.

        Raises ``UnexpectedAnswerError`` when the body is not the envelope it should be.
        """
        held = bytearray(b"[")  # what is parsed is always a list, and need not be copied to become one
        begun = False
        wanted = chunk_bytes
        async for piece in self._body.chunks(chunk_bytes):
            held += piece
            if not begun and len(held) > min(HEAD_BYTES, self.size):
                held, begun = self._after_head(held), True
            if not begun or len(held) < wanted:
                continue
            rows, held = _cut(held)
            wanted = chunk_bytes if rows else 2 * len(held)
            if len(held) > LARGEST_ROW:
                raise self._malformed(f"holds a row of more than {LARGEST_ROW} bytes")
            if rows:
                yield self._checked(rows)
        rest = self._last_rows(held[1:])
        if rest:
            yield rest

    def close(self) -> None:
        """Free what is behind it; harmless when repeated."""
        self._body.close()

    def _after_head(self, held: bytearray) -> bytearray:
        head = _HEAD.match(held, 1)
        if head is None or head[2] != self.kind.envelope.encode():
            raise self._malformed(f'does not begin with a list "{self.kind.envelope}"')
        if head[1] is not None:
            self.run_count = int(head[1])
        return held[head.end() - 1 :]

    def _last_rows(self, held: bytearray) -> list[Row]:
        end = held.rfind(b"]")
        tail = _TAIL.fullmatch(held, end) if end >= 0 else None
        if tail is None:
            raise self._malformed("stops in the middle")
        if tail[1] is not None:
            self.run_count = int(tail[1])
        return self._checked(parsed_list(held[:end]))

    def _checked(self, rows: list[Any] | None) -> list[Row]:
        if rows is None or not self._are_rows(rows):
            raise self._malformed("holds something else than rows")
        return rows

    def _malformed(self, how: str) -> UnexpectedAnswerError:
        return UnexpectedAnswerError(
            self._side,
            self._request.what,
            f"the answer of {self.size} bytes {how}",
            hint="run it again; if it stays, something between us and the server changes its answers",
            dag_id=self._request.dag_id,
        )


def _cut(held: bytearray) -> tuple[list[Any], bytearray]:
    """Return the rows before the last place where ``held`` can be cut, and the rest; no rows if there is no place.

    Both begin with the bracket of a list.
    """
    brace = len(held)
    for _ in range(CUTS_TRIED):
        brace, end = _place(held, brace)
        if brace < 0:
            break
        behind, held[end] = held[end], _CLOSING
        rows = _parsed(held, end + 1)
        held[end] = behind
        if rows is not None:
            held[brace - 1] = _OPENING
            return rows, held[brace - 1 :]
    return [], held


def parsed_list(inside: bytes | bytearray) -> list[Any] | None:
    """Parse what stands between the brackets of a list, None when it is not JSON or nested too deeply."""
    text = b"".join((b"[", inside, b"]"))
    return _parsed(text, len(text))


def _parsed(text: bytes | bytearray, end: int) -> list[Any] | None:
    """Parse a list that ends before ``end``, None when it is not JSON or nested too deeply.

    orjson refuses NaN and lone surrogates, which Starship sends; the standard library takes them.
    """
    try:
        with memoryview(text) as view, view[:end] as part:
            rows: list[Any] = orjson.loads(part)
    except orjson.JSONDecodeError:
        try:
            rows = json.loads(text[:end])
        except (ValueError, RecursionError):
            return None
    return rows if _has_few_brackets(text, end, len(rows)) or is_shallow(rows) else None


def _has_few_brackets(text: bytes | bytearray, end: int, rows: int) -> bool:
    """Tell whether a list of ``rows`` objects opens so few others that none can be nested too deeply.

    Looking for the next one is several times as fast as counting all.
    """
    if text.find(b"[", 1, end) >= 0:
        return text.count(b"[", 0, end) + text.count(b"{", 0, end) - rows <= DEEPEST
    at = -1
    for _ in range(rows + DEEPEST + 1):
        at = text.find(b"{", at + 1, end)
        if at < 0:
            return True
    return False


def _place(held: bytearray, before: int) -> tuple[int, int]:
    """Return where ``{`` stands in the last ``}, {`` before ``before`` and the place behind its ``}``; -1 for none."""
    for _ in range(BRACES_TRIED):
        before = held.rfind(b"{", 0, before)
        if before <= 0:
            break
        start = max(before - _CUT_BYTES, 0)
        gap = _CUT.search(held, start, before)
        if gap:
            return before, gap.start() + 1
    return -1, -1
