"""Bodies in memory and on disk."""

import os
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transfer.client.body import CRUMB, EchoedBody, SpooledBody
from transfer.errors import StateFullError


async def pieces(body: SpooledBody, size: int) -> list[bytes]:
    """Return the chunks of a body."""
    return [chunk async for chunk in body.chunks(size)]


@given(st.lists(st.binary(max_size=50)), st.integers(1, 60), st.integers(1, 30))
async def test_what_was_written_is_read(written: list[bytes], memory: int, size: int) -> None:
    """A body gives back its bytes, whole or in chunks, more than once, in memory or in a file."""
    body = SpooledBody(memory)
    for piece in written:
        body.write(piece)
    content = b"".join(written)
    assert (body.size, body.read()) == (len(content), content)
    assert b"".join(await pieces(body, size)) == content == b"".join(await pieces(body, size))
    assert all(len(piece) <= size for piece in await pieces(body, size))
    body.close()
    body.close()


async def test_two_readers_do_not_disturb_each_other() -> None:
    """Chunks may be read by two at the same time, from memory and from a file."""
    body = SpooledBody(4)
    body.write(b"abcdef")
    one, two = body.chunks(2), body.chunks(3)
    assert [await anext(one), await anext(two), await anext(one), await anext(two)] == [b"ab", b"abc", b"cd", b"def"]
    await one.aclose()
    await two.aclose()
    body.close()


def test_a_large_body_leaves_memory() -> None:
    """A body over the limit lies in a file that has no name."""
    body = SpooledBody(10)
    body.write(b"x" * 11)
    assert os.fstat(body._file.fileno()).st_nlink == 0
    body.close()


def test_a_full_disk_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the temporary directory is full the error says so."""

    def full(*_args: Any) -> None:
        raise OSError(28, "No space left on device")

    body = SpooledBody(10)
    monkeypatch.setattr(body._file, "rollover", full)
    with pytest.raises(StateFullError, match="No space left"):
        body.write(b"x" * 11)
    body.close()


@pytest.mark.parametrize(("text", "whole"), [(b'{"a":1}\n', True), (b"[]", True), (b'{"a":1', False), (b"", False)])
def test_the_end_of_a_document_is_recognised(text: bytes, whole: bool) -> None:  # noqa: FBT001 - a parameter of the table
    """The last byte that is not white space decides."""
    body = SpooledBody(100)
    body.write(text)
    assert body.ends_with((b"}", b"]")) is whole
    body.close()


def test_crumbs_are_put_together() -> None:
    """An answer that comes byte by byte takes no more pieces of memory than its size accounts for."""
    body = SpooledBody(1_000_000)
    for _ in range(3 * CRUMB):
        body.write(b"x")
    assert body._held is not None
    assert len(body._held) == 3
    assert body.read() == b"x" * 3 * CRUMB
    body.close()


@given(st.lists(st.binary(max_size=600), max_size=12), st.integers(1, 700))
def test_an_echo_keeps_its_beginning_and_its_end(written: list[bytes], kept: int) -> None:
    """All of it is counted; at least the first bytes are there, and its end is that of the whole."""
    echo, whole = EchoedBody(kept), SpooledBody(1_000_000)
    for piece in written:
        echo.write(piece)
        whole.write(piece)
    assert echo.size == whole.size
    assert echo.head(kept) == whole.head(kept)
    assert whole.read().startswith(echo.read())
    assert len(echo.read()) < 2 * kept
    for ending in (b"a", b"}", whole.read()[-1:]):
        assert echo.ends_with((ending,)) == whole.ends_with((ending,))
    echo.close()
    whole.close()


async def test_reading_all_of_it_does_not_disturb_who_reads_in_pieces() -> None:
    """What lay in pieces is put together then, and whoever was half through them goes on behind."""
    body = SpooledBody(1_000_000)
    written = [bytes([number]) * CRUMB for number in range(4)]
    for piece in written:
        body.write(piece)
    chunks = body.chunks(CRUMB)
    first = [await anext(chunks), await anext(chunks)]
    assert body.read() == b"".join(written)
    assert first + [chunk async for chunk in chunks] == written
    body.close()


def test_the_head_and_the_end_are_looked_at_without_a_second_copy() -> None:
    """The pieces of a body stay as they came until somebody wants all of it."""
    body = SpooledBody(1_000_000)
    for piece in (b"{" * CRUMB, b"x" * CRUMB, b"}" * CRUMB):
        body.write(piece)
    assert (body.head(2), body.ends_with((b"}",)), body.ends_with((b"x",))) == (b"{{", True, False)
    assert body._held is not None
    assert len(body._held) == 3
    body.close()
