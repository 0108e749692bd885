"""The aiohttp session to one side: carries a request and reads the whole answer, whatever it is."""

import re
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from copy import copy
from dataclasses import dataclass
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
from transfer.config.settings import MOST_AT_ONCE, Endpoint, Limits
from transfer.errors import ConfigError, LostAnswerError, UnavailableError
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
        try:
            with anyio.fail_after(self._patience + len(payload or b"") / SLOWEST) as patience:
                async with self.session.request(
                    request.method,
                    self.base_url + request.path,
                    params=request.params,
                    data=_payload(payload),
                    headers=self._headers(request, headers),
                    allow_redirects=False,
                    proxy=self._proxy,
                ) as response:
                    body = await self._body(request, response, patience)
                    return Reply(response.status, str(response.url), response.headers, body)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            lost = failure(self.side, request, error)
        raise lost  # outside of the except: aiohttp's errors carry the request's headers, which hold credentials

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
        content_type = {"Content-Type": request.content_type} if request.method == "POST" else {}
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
        has_end = "Content-Length" in response.headers or "Transfer-Encoding" in response.headers
        if request.writes and has_end:
            return EchoedBody(ERROR_BYTES)
        return SpooledBody(self._limits.memory_bytes)

    def _check_size(self, request: Request, size: int) -> None:
        most = min(request.most_bytes or self._limits.answer_bytes, self._limits.answer_bytes)
        if size <= most:
            return
        kind = LostAnswerError if request.writes else UnavailableError
        hint = "" if request.most_bytes else "raise limits.answer_bytes if there really is so much in one answer"
        detail = f"the answer is larger than {most} bytes"
        raise kind(self.side, request.what, detail, hint=hint, dag_id=request.dag_id)


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


def _payload(body: bytes | None) -> BytesIO | None:
    """Wrap a body so that aiohttp sends it in pieces, with its Content-Length."""
    return None if body is None else BytesIO(body)


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
