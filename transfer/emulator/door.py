"""Who may come in: the ways of logging in that a deployment may have."""

import base64
import hmac
from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol

from aiohttp import web

from transfer.emulator.wire import Wire, to_login

_WIRE = Wire()


class Door(Protocol):
    """Lets requests in or answers them."""

    def routes(self) -> list[web.AbstractRouteDef]:
        """Return the routes that logging in needs; they stand before the door."""
        ...

    def refuse(self, request: web.Request) -> web.Response | None:
        """Return the answer for a request that may not use Starship, None when it may."""
        ...

    def sign(self, request: web.Request, response: web.StreamResponse) -> None:
        """Add to a response what the login adds to every one."""
        ...


class Open:
    """No login at all: a deployment behind a proxy that adds it."""

    def routes(self) -> list[web.AbstractRouteDef]:
        """Return no route."""
        return []

    def refuse(self, request: web.Request) -> web.Response | None:
        """Let everybody in."""
        del request
        return None

    def sign(self, request: web.Request, response: web.StreamResponse) -> None:
        """Add nothing."""
        del request, response


class Unchosen(Open):
    """Stands for the login that the Airflow has which is played, until it is known which that is."""


class Header(Open):
    """One exact value of the Authorization header.

    Without the header the answer is Airflow 2's redirect to the login page; with a wrong one it is a gateway's 401.
    """

    def __init__(self, value: str) -> None:
        self._value = value

    @classmethod
    def bearer(cls, token: str) -> "Header":
        """Return the door that wants ``Authorization: Bearer TOKEN``."""
        return cls(f"Bearer {token}")

    @classmethod
    def api_key(cls, key: str) -> "Header":
        """Return the door that wants the raw key in ``Authorization``."""
        return cls(key)

    @classmethod
    def basic(cls, username: str, password: str) -> "Header":
        """Return the door that wants basic authentication."""
        return cls(f"Basic {base64.b64encode(f'{username}:{password}'.encode()).decode()}")

    def refuse(self, request: web.Request) -> web.Response | None:
        """Return a redirect or 401 unless the header is right."""
        sent = request.headers.get("Authorization")
        if sent is None:
            return to_login(request)
        if hmac.compare_digest(sent.encode(), self._value.encode()):
            return None
        return _WIRE.answer({"detail": "Unauthorized"}, HTTPStatus.UNAUTHORIZED)


@dataclass(frozen=True, slots=True)
class User:
    """Somebody with a password; of the roles only Admin and Op may use Starship."""

    username: str
    password: str
    role: str = "Admin"

    @property
    def may_transfer(self) -> bool:
        """Whether the role can read the configuration, which is what Starship asks for."""
        return self.role in {"Admin", "Op"}


USERS = (User("admin", "admin"), User("op", "op", "Op"), User("viewer", "viewer", "Viewer"))
"""Who can log in unless a test says otherwise."""
