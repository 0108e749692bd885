"""Which error a failed connection is."""

import errno
import ssl
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest

from transfer.client.base import Request
from transfer.client.broken import failure
from transfer.errors import ConnectError, LostAnswerError, SideError, TransientError, UnexpectedAnswerError

KEY: Any = SimpleNamespace(host="h", port=443, ssl=True, is_ssl=True)
GET = Request("GET", "/x", "info", dag_id="d")
POST = Request("POST", "/x", "insert", writes=True)
REFUSED = OSError(errno.ECONNREFUSED, "Connection refused")
CERTIFICATE = aiohttp.ClientConnectorCertificateError(KEY, ssl.SSLCertVerificationError("self-signed"))

CASES: list[tuple[Exception, type[SideError], type[SideError]]] = [
    (CERTIFICATE, UnexpectedAnswerError, UnexpectedAnswerError),
    (aiohttp.ClientConnectorSSLError(KEY, ssl.SSLError("wrong version")), ConnectError, ConnectError),
    (aiohttp.ClientConnectorDNSError(KEY, OSError("unknown name")), ConnectError, ConnectError),
    (aiohttp.ClientConnectorError(KEY, REFUSED), ConnectError, ConnectError),
    (aiohttp.ClientProxyConnectionError(KEY, REFUSED), ConnectError, ConnectError),
    (aiohttp.ConnectionTimeoutError("Connection timeout"), ConnectError, ConnectError),
    (aiohttp.InvalidURL("http://"), UnexpectedAnswerError, UnexpectedAnswerError),
    (aiohttp.SocketTimeoutError("Timeout on reading"), TransientError, LostAnswerError),
    (TimeoutError(), TransientError, LostAnswerError),
    (aiohttp.ServerDisconnectedError(), TransientError, LostAnswerError),
    (aiohttp.ClientOSError(errno.ECONNRESET, "Connection reset by peer"), TransientError, LostAnswerError),
    (aiohttp.ClientPayloadError("not completed"), TransientError, LostAnswerError),
    (ConnectionResetError("Cannot write to closing transport"), TransientError, LostAnswerError),
]


@pytest.mark.parametrize(("exception", "read", "write"), CASES)
def test_every_failure_has_its_error(exception: Exception, read: type[SideError], write: type[SideError]) -> None:
    """What was certainly not sent may be sent again; what may have arrived is lost for a write."""
    assert type(failure("target", GET, exception)) is read
    assert type(failure("target", POST, exception)) is write


def test_a_failure_says_what_to_do() -> None:
    """The error names side, request and DAG, and its hint the setting to look at."""
    error = failure("target", GET, CERTIFICATE)
    assert str(error).startswith("target: info (DAG d): its TLS certificate is not trusted (")
    assert "ca_file" in error.hint


def test_details_are_redacted() -> None:
    """A password in what a library says is masked."""
    error = failure("target", GET, aiohttp.ClientError("proxy http://u:canary@h:1 failed"))
    assert "canary" not in str(error)


def test_half_an_answer_is_not_quoted() -> None:
    """When the connection ends within the headers, these are none of the user's business."""
    half: Any = SimpleNamespace(raw_headers=((b"Set-Cookie", b"session=canary"),))
    said = str(failure("target", GET, aiohttp.ServerDisconnectedError(half)))
    assert said.endswith("the connection broke (Server disconnected)")


def test_what_is_no_http_has_no_status() -> None:
    """The library's own status 400 is not shown, since no server has sent it."""
    nonsense = aiohttp.ClientResponseError(KEY, (), status=400, message="Bad status line:\n\n  b'\\x15'")
    assert "(Bad status line: b'\\x15')" in str(failure("target", GET, nonsense))
