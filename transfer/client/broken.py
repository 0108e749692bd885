"""Which error a failed connection is: a table, like the one for status codes.

The line that matters runs between "nothing was sent" and "something may have been carried out".
"""

from dataclasses import dataclass
from typing import Final

import aiohttp

from transfer.client.base import Request
from transfer.errors import ConnectError, LostAnswerError, SideError, TransientError, UnexpectedAnswerError
from transfer.model import SideName
from transfer.redact import redact

_REACH: Final = "check the URL, the network and whether the webserver runs"
_AGAIN: Final = "if this goes on, look at the webserver's log and at what stands in between (proxy, load balancer)"


@dataclass(frozen=True, slots=True)
class Failure:
    """One row of the table: what kind of exception means what for a read and for a write."""

    exception: type[Exception]
    read: type[SideError]
    write: type[SideError]
    meaning: str
    hint: str


FAILURES: Final = (
    Failure(
        aiohttp.ClientConnectorCertificateError,
        UnexpectedAnswerError,
        UnexpectedAnswerError,
        "its TLS certificate is not trusted",
        "if the certificate is your company's own, name its authority in ca_file",
    ),
    Failure(aiohttp.ConnectionTimeoutError, ConnectError, ConnectError, "no connection in time", _REACH),
    Failure(aiohttp.ClientHttpProxyError, ConnectError, ConnectError, "the proxy refused", "check HTTPS_PROXY"),
    Failure(aiohttp.ClientConnectorError, ConnectError, ConnectError, "no connection", _REACH),
    Failure(aiohttp.InvalidURL, UnexpectedAnswerError, UnexpectedAnswerError, "this is no URL", "correct the URL"),
    Failure(
        TimeoutError,
        TransientError,
        LostAnswerError,
        "no answer in time",
        "raise read_timeout if requests really take that long",
    ),
    Failure(aiohttp.ClientError, TransientError, LostAnswerError, "the connection broke", _AGAIN),
    Failure(OSError, TransientError, LostAnswerError, "the connection broke", _AGAIN),
)
"""The first row that matches counts."""


def failure(side: SideName, request: Request, exception: Exception) -> SideError:
    """Return the error for ``exception``, which is one of the table's."""
    row = next(row for row in FAILURES if isinstance(exception, row.exception))
    error = row.write if request.writes else row.read
    said = "" if request.private else redact(_said(exception), 200)
    detail = f"{row.meaning} ({said})" if said else row.meaning
    return error(side, request.what, detail, hint=row.hint, dag_id=request.dag_id)


def _said(exception: Exception) -> str:
    """Return what ``exception`` says: not the headers of half an answer, nor a status that no server has sent."""
    if isinstance(exception, aiohttp.ServerDisconnectedError) and not isinstance(exception.message, str):
        return "Server disconnected"
    if isinstance(exception, aiohttp.ClientResponseError) and not isinstance(exception, aiohttp.ClientHttpProxyError):
        return " ".join(exception.message.split())
    return str(exception)
