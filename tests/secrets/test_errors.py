"""What an error carries along, down to its causes: a crash report could show all of it."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.client.serving import BATCH, raw_server
from transfer.client.gate import Gate
from transfer.client.stack import stacked
from transfer.client.wire import open_wire
from transfer.config.settings import Endpoint, Limits, Retry
from transfer.errors import SideError

from .canaries import HEADER, TOKEN, found

BROKEN = {
    "no HTTP": b"\0\1\2 garbage\r\n\r\n",
    "a closed connection": b"",
    "half of an answer": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
    "a bad header": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 20_000 + b"\r\n\r\n",
    "gzip that is none": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
    "a page": b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n",
}


def carried(error: BaseException | None) -> Iterator[str]:
    """Yield all that a crash report could show of an error and of what led to it, the variables of each frame too."""
    while error is not None:
        yield from (str(error), repr(error), repr(vars(error)))
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize("answer", BROKEN.values(), ids=BROKEN)
async def test_a_broken_connection(answer: bytes) -> None:
    """The HTTP library's errors hold the headers of the request; none of them is carried along by ours."""
    settings: dict[str, Any] = {
        "auth": {"kind": "bearer", "token": {"env": "CANARY_TOKEN"}},
        "headers": {"X-Api-Key": HEADER},
    }
    async with raw_server(answer) as url:
        endpoint = Endpoint.model_validate({"url": url, **settings})
        async with open_wire("target", endpoint, Limits()) as wire:
            side = stacked(wire, endpoint, Gate(Retry(attempts=2, wait_initial=0.01, wait_max=0.01)))
            for request in (side.info(), side.insert(BATCH)):
                with pytest.raises(SideError) as caught:
                    await request
                assert found(*carried(caught.value)) == []
            assert found(repr(side), repr(wire), repr(endpoint)) == []


def test_the_search_finds_them() -> None:
    """The search itself tells a canary in any spelling from other text."""
    assert found(f"a {TOKEN}") == [TOKEN]
    assert found("nothing") == []
