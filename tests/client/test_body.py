"""Bodies in memory and on disk."""

import os
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transfer.client.body import SpooledBody
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
