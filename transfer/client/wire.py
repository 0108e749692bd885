"""The aiohttp session to one side: carries a request and reads the whole answer, whatever it is."""

import re
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from copy import copy
from dataclasses import dataclass
from http import HTTPStatus
from io import BytesIO
from typing import Final
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import anyio

from transfer import __version__
from transfer.client.base import Request
from transfer.client.body import EchoedBody, SpooledBody
from transfer.client.broken import failure
from transfer.client.sent import LEAST_EARNED, StreamedBody
from transfer.config.settings import MOST_AT_ONCE, Endpoint, Limits
from transfer.errors import BrokenOffError, ConfigError, LostAnswerError, TransientError, UnavailableError
from transfer.model import SideName
from transfer.secrets_registry import hide

ERROR_BYTES: Final = 65_536
"""How much of the body of an answer other than 2xx is kept."""

DRAINED_BYTES: Final = 4_194_304
"""How much of it is read to keep the connection, since refused batches are echoed in full; beyond, it is closed."""

IDLE_SECONDS: Final = 4
"""How long a connection is kept unused: less than uvicorn's 5 s, so that the server is not the first to close it
just when a request is written to it, which would look like a lost answer."""

SECRET_LENGTH: Final = 20
"""A configured header or a cookie with a value as long as this may be a credential, and is masked like one."""

SLOWEST: Final = 1_024
"""Bytes per second that an exchange must come to beyond its time-outs: each of a trickle's bytes would be in time."""

_TELLING: Final = re.compile(r"auth|cookie|key|token|secret|pass", re.IGNORECASE)
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Reply:
    """Any complete answer; the body of one other than 2xx is cut after ``ERROR_BYTES``."""

    status: int
    url: str
    headers: Mapping[str, str]
    body: SpooledBody
    sent: int = 0
    """Bytes that were sent of a body of no known length."""

    @property
    def media_type(self) -> str:
        """Return the content type without its parameters, in lower case."""
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()

    def text(self) -> str:
        """Return the body as text; for errors and web pages."""
        return self.body.read().decode("utf-8", "replace")


class Wire:
    """Carries requests to one side as they are: follows no redirect, judges no status, retries nothing.

    aiohttp itself sends a GET once more when a kept connection turns out to be closed; never a POST.
    """

    def __init__(
        self, side: SideName, endpoint: Endpoint, limits: Limits, new_session: Callable[[], aiohttp.ClientSession]
    ) -> None:
        self.side: Final = side
        self.base_url: Final = endpoint.url
        self._limits = limits
        self._patience = endpoint.connect_timeout + 2 * endpoint.read_timeout
        self._new_session = new_session
        self.session = new_session()
        self._proxy = environment_proxy(endpoint.url)

    async def exchange(self, request: Request, headers: Mapping[str, str], secret_body: bytes | None = None) -> Reply:
        """Send ``request`` with ``headers`` added; the caller closes the reply's body.

        ``secret_body`` goes instead of the request's own body, which may be shown. Raises what the table of
        ``broken`` says when there is no complete answer, ``UnavailableError`` (``LostAnswerError`` after a write) when
        it is too large to be taken, and ``StateFullError``.
        """
        payload = secret_body or request.body
        stream = None if request.pieces is None else StreamedBody(request.pieces(), self._patience)
        try:
            with anyio.fail_after(self._patience + len(payload or b"") / SLOWEST) as patience:
                if stream is not None:
                    stream.scope = patience
                async with self.session.request(
                    request.method,
                    self.base_url + request.path,
                    params=request.params,
                    data=stream or (None if payload is None else _Pieces(payload)),
                    headers=self._headers(request, headers),
                    allow_redirects=False,
                    proxy=self._proxy,
                ) as response:
                    body = await self._taken(request, response, patience) or await self._body(
                        request, response, patience
                    )
                    return Reply(
                        response.status, str(response.url), response.headers, body, stream.size if stream else 0
                    )
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            lost = failure(self.side, request, error)
            if stream is not None and stream.broken:
                detail = "broken off: what was to be sent did not come to its end"
                lost = BrokenOffError(self.side, request.what, detail, dag_id=request.dag_id)
        raise lost  # outside of the except: aiohttp's errors carry the request's headers, which hold credentials

    async def _taken(
        self, request: Request, response: aiohttp.ClientResponse, patience: anyio.CancelScope
    ) -> SpooledBody | None:
        """Hand the body to the request's taker; None if it has none, or if this is not the answer that it is for."""
        if request.taker is None or response.status != HTTPStatus.OK or response.content_type != "text/plain":
            return None
        seen = EchoedBody(0)
        try:
            # Not to be closed by us: when everything is stopped, what it is sent on with may still be waiting in it.
            await request.taker(self._arriving(request, response, seen, patience))
        except BaseException:  # also a cancellation must free the body
            seen.close()
            raise
        if not response.content.at_eof():
            response.close()  # nobody wants the rest
        return seen

    async def _arriving(
        self, request: Request, response: aiohttp.ClientResponse, seen: SpooledBody, patience: anyio.CancelScope
    ) -> AsyncGenerator[bytes]:
        """Yield the body as it arrives; the time that the taker takes is not the server's.

        An end that nothing tells from that of a broken connection is none.
        """
        earned = 0.0
        async for piece in response.content.iter_any():
            seen.write(piece)
            self._check_size(request, seen.size)
            before = anyio.current_time()
            yield piece
            earned += anyio.current_time() - before + len(piece) / SLOWEST
            if earned > LEAST_EARNED:  # each change of a deadline costs as much as a small piece
                patience.deadline, earned = patience.deadline + earned, 0.0
        if not _has_end(response):
            detail = f"the answer of {seen.size} bytes has no end that could be told from a broken connection"
            raise TransientError(self.side, request.what, detail, dag_id=request.dag_id)

    def without_cookies(self) -> "Wire":
        """Return a wire over the same connections that has no cookies yet and keeps what it gets to itself."""
        other = copy(self)
        other.session = self._new_session()
        return other

    def take_cookies(self, other: "Wire") -> None:
        """Go on with the cookies of ``other`` instead of our own.

        Answers to requests that are still under way do not touch them: Airflow repeats the session's cookie in each
        answer, so a late one would bring an old session back.
        """
        self.session = other.session

    def hide_cookies(self) -> None:
        """Mask from now on what the cookies hold that there are."""
        for cookie in self.session.cookie_jar:
            if len(cookie.value) >= SECRET_LENGTH:
                hide(cookie.value)

    @staticmethod
    def _headers(request: Request, more: Mapping[str, str]) -> dict[str, str]:
        content_type = {"Content-Type": request.content_type} if request.method in {"POST", "PATCH"} else {}
        return {**content_type, **request.headers, **more}

    async def _body(
        self, request: Request, response: aiohttp.ClientResponse, patience: anyio.CancelScope
    ) -> SpooledBody:
        body = self._new_body(request, response)
        try:
            if response.ok and response.status < 300:  # noqa: PLR2004 - the end of the 2xx class
                async for piece in response.content.iter_any():
                    patience.deadline += len(piece) / SLOWEST
                    body.write(piece)
                    self._check_size(request, body.size)
            else:
                await _read_error(response, body)
        except BaseException:  # also a cancellation must free the body
            body.close()
            raise
        return body

    def _new_body(self, request: Request, response: aiohttp.ClientResponse) -> SpooledBody:
        """Return what keeps the answer: of one to a write, which repeats all that was sent, no more than is looked at.

        One whose end only the connection's end shows has to be parsed, and is kept.
        """
        if request.writes and _has_end(response):
            return EchoedBody(ERROR_BYTES)
        return SpooledBody(2**63 if request.private else self._limits.memory_bytes)

    def _check_size(self, request: Request, size: int) -> None:
        most = min(request.most_bytes or self._limits.answer_bytes, self._limits.answer_bytes)
        if size <= most:
            return
        kind = LostAnswerError if request.writes else UnavailableError
        hint = "" if request.most_bytes else "raise limits.answer_bytes if there really is so much in one answer"
        detail = f"the answer is larger than {most} bytes"
        raise kind(self.side, request.what, detail, hint=hint, dag_id=request.dag_id)


def _has_end(response: aiohttp.ClientResponse) -> bool:
    return "Content-Length" in response.headers or "Transfer-Encoding" in response.headers


async def _read_error(response: aiohttp.ClientResponse, body: SpooledBody) -> None:
    seen = 0
    try:
        async for piece in response.content.iter_any():
            body.write(piece[: max(ERROR_BYTES - seen, 0)])
            seen += len(piece)
            if seen > DRAINED_BYTES:
                response.close()
                return
    except (aiohttp.ClientError, TimeoutError):
        response.close()  # the status is known, and it is what counts


class _Pieces(BytesIO):
    """A body that aiohttp sends in pieces, with its Content-Length; it asks for the buffer to know how long it is.

    That would be a second copy of all of it, since what a ``BytesIO`` gives away could be written to.
    """

    def __init__(self, body: bytes) -> None:
        super().__init__(body)
        self._view = memoryview(body)

    def getbuffer(self) -> memoryview:
        """Return the body itself, which cannot be written to."""
        return self._view[:]


def environment_proxy(url: str) -> str | None:
    """Return the proxy that the environment names for ``url``, with its credentials, or None.

    Done once instead of through ``trust_env=True``, which reads ~/.netrc before every request and fails when that has
    an entry for the host while an Authorization header is set.
    """
    parts = urlsplit(url)
    proxy = getproxies().get(parts.scheme)
    if not proxy or proxy_bypass(parts.netloc):
        return None
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    password = urlsplit(proxy).password
    if password:
        hide(password)
        hide(unquote(password))
    return proxy


@asynccontextmanager
async def open_wire(side: SideName, endpoint: Endpoint, limits: Limits) -> AsyncIterator[Wire]:
    """Open the connections to a side; raises ``ConfigError`` when the ca_file cannot be used.

    How long a whole exchange may take grows with what it brings: large pages are no fault, a trickle is one.
    """
    async with AsyncExitStack() as stack:
        connector = await stack.enter_async_context(
            aiohttp.TCPConnector(
                # Whatever the limits become; one more than requests: a login must not wait for a page.
                limit=MOST_AT_ONCE + 1,
                ssl=_tls(side, endpoint),
                keepalive_timeout=IDLE_SECONDS,
            )
        )

        def new_session() -> aiohttp.ClientSession:
            session = _session(endpoint, connector)
            stack.push_async_callback(session.close)
            return session

        yield Wire(side, endpoint, limits, new_session)


def _session(endpoint: Endpoint, connector: aiohttp.BaseConnector) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=connector,
        connector_owner=False,
        headers=_session_headers(endpoint),
        timeout=aiohttp.ClientTimeout(
            total=None, sock_connect=endpoint.connect_timeout, sock_read=endpoint.read_timeout
        ),
        # Hosts may be addresses, and cookies of load balancers must come back as they were.
        cookie_jar=aiohttp.CookieJar(unsafe=True, quote_cookie=False),
    )


def _session_headers(endpoint: Endpoint) -> dict[str, str]:
    for name, value in endpoint.headers.items():
        if len(value) >= SECRET_LENGTH or _TELLING.search(name):
            hide(value)
    # Named explicitly: aiohttp would ask for whatever decoders happen to be installed. Unpacking costs time.
    encoding = "identity" if urlsplit(endpoint.url).hostname in _LOOPBACK else "gzip, deflate"
    own = {"User-Agent": f"transfer/{__version__}", "Accept": "application/json", "Accept-Encoding": encoding}
    return {**own, **endpoint.headers}


def _tls(side: SideName, endpoint: Endpoint) -> ssl.SSLContext | bool:
    if endpoint.ca_file is None:
        return True
    context = ssl.create_default_context()
    try:
        context.load_verify_locations(endpoint.ca_file.expanduser())
    except (OSError, RuntimeError) as error:
        problem = getattr(error, "strerror", None) or "it holds no certificate"
        raise ConfigError(
            [f"{side}.ca_file: {endpoint.ca_file} cannot be used: {problem}"],
            hint="it must be a readable file with certificates in PEM form",
        ) from error
    return context
