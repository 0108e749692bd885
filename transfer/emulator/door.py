"""Who may come in: the ways of logging in that a deployment may have."""

import base64
import hmac
import secrets
from collections.abc import Callable
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


class TokenRoute(Open):
    """Airflow 3's ``POST /auth/token`` with the FAB auth manager: 201 and a token for each good login."""

    def __init__(
        self, users: tuple[User, ...] = USERS, token: Callable[[], str] = lambda: secrets.token_urlsafe(32)
    ) -> None:
        self._users = {user.username: user for user in users}
        self._new_token = token
        self._tokens: dict[str, User] = {}
        self._expired: set[str] = set()

    def expire(self) -> None:
        """Let all tokens given so far expire."""
        self._expired |= self._tokens.keys()

    def routes(self) -> list[web.AbstractRouteDef]:
        """Return the token route."""
        return [web.post("/auth/token", self._token)]

    async def _token(self, request: web.Request) -> web.Response:
        try:
            form = _WIRE.load(await request.read())
            username, password = str(form["username"]), str(form["password"])
        except (ValueError, KeyError, TypeError):
            return _WIRE.answer({"detail": "Field required"}, HTTPStatus.UNPROCESSABLE_ENTITY)
        user = self._users.get(username)
        if user is None or user.password != password:
            return _WIRE.answer({"detail": "Invalid credentials"}, HTTPStatus.UNAUTHORIZED)
        token = self._new_token()
        self._tokens[token] = user
        return _WIRE.answer({"access_token": token}, HTTPStatus.CREATED)

    def refuse(self, request: web.Request) -> web.Response | None:
        """Return 401 without or with an expired token, 403 for an invalid one or a role that may not."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer":
            return _WIRE.answer({"detail": "Not authenticated"}, HTTPStatus.UNAUTHORIZED)
        if token in self._expired:
            return _WIRE.answer({"detail": "Token Expired"}, HTTPStatus.UNAUTHORIZED)
        user = self._tokens.get(token)
        if user is None:
            return _WIRE.answer({"detail": "Invalid JWT token"}, HTTPStatus.FORBIDDEN)
        return None if user.may_transfer else _WIRE.answer({"detail": "Forbidden"}, HTTPStatus.FORBIDDEN)
