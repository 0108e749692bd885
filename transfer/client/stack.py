"""Where the senders of a side are stacked, once and for all.

    Starship       rows <-> requests
    RetrySender    outermost: while it waits for another attempt it holds no slot and no place in the rate
    LoginSender    inside of retry: a login that fails in passing is tried again like any request;
                   outside of the limit: the one repetition after a new login waits for its turn like any request
    LimitSender    every request that really goes out is counted
    HttpSender     one request, one answer, one verdict
    Wire           one aiohttp session

Logins themselves go straight to the wire: they happen once, before anything else can go on.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from transfer.client.auth import Credentials, NoCredentials, api_key, basic, bearer
from transfer.client.gate import Gate
from transfer.client.http import HttpSender
from transfer.client.limit import LimitSender, SideLimit
from transfer.client.login import LoginSender
from transfer.client.retry import OnEvent, RetrySender, ignore
from transfer.client.session_login import SessionLogin
from transfer.client.starship import Starship
from transfer.client.token_login import TokenLogin
from transfer.client.wire import Wire, open_wire
from transfer.config.settings import (
    Airflow3Auth,
    ApiKeyAuth,
    Auth,
    BasicAuth,
    BearerAuth,
    Endpoint,
    Limits,
    NoAuth,
    Retry,
    SessionAuth,
)
from transfer.model import SideName


@asynccontextmanager
async def open_side(
    name: SideName,
    endpoint: Endpoint,
    retry: Retry,
    limits: Limits,
    *,
    on_event: OnEvent = ignore,
    limit: SideLimit | None = None,
) -> AsyncIterator[Starship]:
    """Open one deployment; nothing is sent before the first call. Its connections are closed on leaving.

    ``on_event`` is told of every failed attempt and the wait that follows. ``limit`` is how hard it is asked, for those
    who want to watch or change that; None for what the endpoint says. Raises ``ConfigError`` when the ca_file cannot be
    used.
    """
    async with open_wire(name, endpoint, limits) as wire:
        yield stacked(wire, endpoint, Gate(retry), on_event, limit=limit)


def stacked(
    wire: Wire, endpoint: Endpoint, gate: Gate, on_event: OnEvent = ignore, *, limit: SideLimit | None = None
) -> Starship:
    """Stack everything above the wire, as drawn on top of this file."""
    credentials = credentials_of(endpoint.auth, wire)
    limited = LimitSender(HttpSender(wire, credentials), limit or SideLimit(wire.side, endpoint.limits))
    known = LoginSender(limited, credentials)
    return Starship(wire.side, RetrySender(known, wire.side, gate, on_event))


def credentials_of(auth: Auth, wire: Wire) -> Credentials:
    """Return what proves who we are, for each kind of auth."""
    match auth:
        case SessionAuth():
            return SessionLogin(wire, auth)
        case Airflow3Auth():
            return TokenLogin(wire, auth)
        case BearerAuth():
            return bearer(auth)
        case ApiKeyAuth():
            return api_key(auth)
        case BasicAuth():
            return basic(auth)
        case NoAuth():
            return NoCredentials()
