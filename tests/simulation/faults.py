"""The trouble on the way of a request: one row per kind. A new kind is a new row.

A fault changes the ``Trip`` that a request is about to make: when the server gets it, whether it carries it out, what
the client hears and when. Exceptions are those of aiohttp, which the real wire translates.
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Final

import aiohttp
from aiohttp.client_reqrep import ConnectionKey


@dataclass(frozen=True, slots=True)
class Canned:
    """An answer that does not come from the server behind."""

    status: int
    body: bytes
    content_type: str
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class Trip:
    """One request on its way; seconds.

    It ``arrives`` and is ``carried`` out, and ``returns`` seconds later the client hears: that it ``breaks``, what is
    ``said`` instead, or the server's answer, of which it gets the ``share``. Of a cut answer the client knows that more
    should have come if it was ``announced``. ``timeout`` is the client's patience.
    """

    arrives: float
    returns: float
    timeout: float
    carried: bool = True
    breaks: Exception | None = None
    said: Canned | None = None
    share: float = 1.0
    announced: bool = True
    forgets_session: bool = False
    waits_for_repetition: bool = False
    """Whether it comes to the server just before the same request comes again, should that be earlier."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A kind of trouble: how likely beside the others, for which methods, and what it does."""

    name: str
    weight: int
    strike: Callable[[Trip, Random], None]
    methods: frozenset[str] = frozenset({"GET", "POST", "DELETE", "PATCH"})


_KEY: Final = ConnectionKey(
    "deployment.test", 80, is_ssl=False, ssl=True, proxy=None, proxy_auth=None, proxy_headers_hash=None
)
_HTML: Final = b"<!doctype html>\n<title>Sign In</title><h1>it is not well</h1>"
_WRITES: Final = frozenset({"POST", "DELETE", "PATCH"})
_LATE: Final = frozenset({"GET", "POST"})
"""A removal that is carried out long after its client has gone takes away what was sent since: nobody can help that."""


def _never(trip: Trip) -> None:
    trip.carried = False


def _refused(trip: Trip, _random: Random) -> None:
    _never(trip)
    trip.breaks = aiohttp.ClientConnectorError(_KEY, OSError(111, "refused"))


def _no_connection_in_time(trip: Trip, _random: Random) -> None:
    _never(trip)
    trip.arrives, trip.returns = trip.timeout / 2, 0
    trip.breaks = aiohttp.ConnectionTimeoutError("no connection in time")


def _lost_request(trip: Trip, _random: Random) -> None:
    _never(trip)
    trip.breaks = aiohttp.ServerDisconnectedError()


def _reset(trip: Trip, random: Random) -> None:
    trip.carried = random.random() < 0.5
    trip.breaks = aiohttp.ClientOSError(104, "reset by peer")


def _lost_answer(trip: Trip, _random: Random) -> None:
    trip.breaks = aiohttp.ServerDisconnectedError()


def _stalled(trip: Trip, random: Random) -> None:
    """The server is slow: it carries the request out after the client has given up."""
    trip.breaks = aiohttp.SocketTimeoutError("stalled")
    late = random.choice((-0.01, 0.0, random.uniform(0, 2), random.uniform(0, 2), random.uniform(0, 20)))
    trip.arrives = trip.timeout + late
    trip.returns = trip.timeout - trip.arrives


def _stalled_until_repeated(trip: Trip, _random: Random) -> None:
    """The request is carried out when its client has asked what is there, and sends it once more."""
    trip.breaks = aiohttp.SocketTimeoutError("stalled")
    trip.arrives, trip.returns = 2 * trip.timeout, -trip.timeout
    trip.waits_for_repetition = True


def _stalled_answer(trip: Trip, _random: Random) -> None:
    trip.breaks = aiohttp.SocketTimeoutError("stalled")
    trip.returns = trip.timeout - trip.arrives


def _vanished(trip: Trip, _random: Random) -> None:
    _never(trip)
    trip.breaks = aiohttp.SocketTimeoutError("stalled")
    trip.returns = trip.timeout


def _truncated(trip: Trip, random: Random) -> None:
    trip.share = random.choice((random.random(), 0.9))


def _cut_unannounced(trip: Trip, random: Random) -> None:
    """An answer without a length stops in the middle: the end of the connection looks like the end of the answer."""
    trip.share, trip.announced = random.choice((random.random(), 0.9)), False


def _slow(trip: Trip, random: Random) -> None:
    trip.arrives += random.random() * trip.timeout / 3


def _says(
    status: int, *, page: bool = True, after: bool = False, headers: tuple[tuple[str, str], ...] = ()
) -> Callable[[Trip, Random], None]:
    kind = "text/html; charset=utf-8" if page else "application/json"
    body = _HTML if page else b'{"error": "it is not well", "error_message": "try again"}'

    def strike(trip: Trip, _random: Random) -> None:
        trip.carried = after
        trip.said = Canned(status, body, kind, headers)

    return strike


def _gateway_timeout(trip: Trip, random: Random) -> None:
    """A proxy gives up; the server behind it carries on."""
    trip.said = Canned(504, _HTML, "text/html")
    wait = trip.timeout / 2
    trip.arrives = wait + random.choice((-1.0, random.uniform(0, 2), random.uniform(0, 20)))
    trip.returns = wait - trip.arrives


def _database_down(trip: Trip, _random: Random) -> None:
    _never(trip)
    said = b'{"error": "SQL Error", "error_message": "OperationalError(\'too many clients already\')"}'
    trip.said = Canned(400, said, "application/json")


def _session_gone(trip: Trip, _random: Random) -> None:
    trip.forgets_session = True


FAULTS: Final = (
    Fault("refused", 2, _refused),
    Fault("no connection in time", 1, _no_connection_in_time),
    Fault("lost request", 3, _lost_request),
    Fault("reset", 3, _reset),
    Fault("lost answer", 6, _lost_answer),
    Fault("stalled, late commit", 6, _stalled, _LATE),
    Fault("stalled until repeated", 4, _stalled_until_repeated, frozenset({"POST"})),
    Fault("stalled answer", 2, _stalled_answer),
    Fault("vanished", 2, _vanished),
    Fault("truncated", 3, _truncated),
    Fault("cut unannounced", 8, _cut_unannounced),
    Fault("slow", 3, _slow),
    Fault("429", 2, _says(429, headers=(("Retry-After", "3"),))),
    Fault("429 without a word", 1, _says(429, page=False)),
    Fault("500 page", 2, _says(500)),
    Fault("500 json", 2, _says(500, page=False)),
    Fault("500 after commit", 3, _says(500, after=True)),
    Fault("502", 2, _says(502)),
    Fault("502 after commit", 3, _says(502, page=False, after=True)),
    Fault(
        "503",
        2,
        _says(
            503, headers=(("Retry-After", "Sat, 01 Mar 2025 06:00:09 GMT"), ("Date", "Sat, 01 Mar 2025 06:00:04 GMT"))
        ),
    ),
    Fault("504, late commit", 3, _gateway_timeout, _LATE),
    Fault("413", 1, _says(413), _WRITES),
    Fault("database down", 2, _database_down),
    Fault("200 page", 3, _says(200), _WRITES),
    Fault("200 page after commit", 3, _says(200, after=True), _WRITES),
    Fault("200 json of something else", 2, _says(200, page=False), _WRITES),
    Fault("session gone", 3, _session_gone),
)
BY_NAME: Final = {fault.name: fault for fault in FAULTS}
