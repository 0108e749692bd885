"""What all tests share: a repair of aioresponses, and an environment that is nobody's."""

import inspect
import os
from types import SimpleNamespace
from typing import Any

import aiohttp
import aioresponses.core
import pytest

# aioresponses 0.7.9 builds responses as aiohttp did before 3.14: without a stream writer, and with a parser missing,
# which bodies over 64 KiB ask to pause. Its pin in pyproject.toml says when this can go.


class _Response(aiohttp.ClientResponse):
    """A response that can be built without the writer of its request."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("stream_writer", SimpleNamespace(output_size=0))
        super().__init__(*args, **kwargs)


class _Parser:
    """The parser of a connection that there is not."""

    def pause_reading(self) -> None:
        """Do nothing."""

    def resume_reading(self) -> None:
        """Do nothing."""

    def feed_data(self, _data: bytes) -> tuple[()]:
        """Parse nothing."""
        return ()

    def feed_eof(self) -> None:
        """Do nothing."""


_core: Any = aioresponses.core
_stream_reader = _core.stream_reader_factory


def _stream_reader_with_parser(loop: Any = None) -> Any:
    reader: Any = _stream_reader(loop)
    reader._protocol._parser = _Parser()
    return reader


if "stream_writer" in inspect.signature(aiohttp.ClientResponse.__init__).parameters:
    _core.ClientResponse = _Response
    _core.stream_reader_factory = _stream_reader_with_parser


@pytest.fixture(autouse=True)
def nobodys_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep settings and proxies of whoever runs the tests out of them."""
    for name in [name for name in os.environ if name.startswith("TRANSFER_") and not name.startswith("TRANSFER_LIVE_")]:
        monkeypatch.delenv(name)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1,localhost")
