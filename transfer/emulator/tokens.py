"""The logins of Airflow 3: a token for user and password, from one of the two auth managers."""

import secrets
from collections.abc import Callable
from http import HTTPStatus

from aiohttp import web

from transfer.emulator.door import USERS, Open, User
from transfer.emulator.wire import page
from transfer.emulator.wire3 import Wire3, unforeseen

_WIRE = Wire3()


class TokenRoute(Open):
    """``POST /auth/token``: 201 and a token for each good login.

    With the FAB auth manager, or, when ``simple``, the simple one with users: it takes forms as well, and every role
    may use Starship, viewers included.
    """

    def __init__(
        self,
        users: tuple[User, ...] = USERS,
        token: Callable[[], str] = lambda: secrets.token_urlsafe(32),
        *,
        simple: bool = False,
    ) -> None:
        self._users = {user.username: user for user in users}
        self._new_token = token
        self._simple = simple
        self._tokens: dict[str, User] = {}
        self._expired: set[str] = set()

    def expire(self) -> None:
        """Let all tokens given so far expire."""
        self._expired |= self._tokens.keys()

    def let_in(self, username: str) -> str:
        """Return a token for a user without a login; KeyError for somebody unknown."""
        token = self._new_token()
        self._tokens[token] = self._users[username]
        return token

    def routes(self) -> list[web.AbstractRouteDef]:
        """Return the token route."""
        return [web.post("/auth/token", self._token), web.get("/auth/token", self._no_get, allow_head=False)]

    async def _no_get(self, _request: web.Request) -> web.Response:
        if self._simple:
            said = "This method is only allowed if ``[core] simple_auth_manager_all_admins`` is True"
            return _WIRE.answer({"detail": said}, HTTPStatus.FORBIDDEN)
        return page(HTTPStatus.NOT_FOUND, "<!doctype html>\n<title>404 Not Found</title>")

    async def _token(self, request: web.Request) -> web.Response:
        try:
            form = await self._form(request)
        except ValueError:
            return unforeseen() if self._simple else self._incomplete()
        if not (isinstance(form, dict) and "username" in form and "password" in form):
            return self._incomplete()
        user = self._users.get(str(form["username"]))
        if user is None or user.password != str(form["password"]):
            return _WIRE.answer({"detail": "Invalid credentials"}, HTTPStatus.UNAUTHORIZED)
        return _WIRE.answer({"access_token": self.let_in(user.username)}, HTTPStatus.CREATED)

    async def _form(self, request: web.Request) -> object:
        """Return what was sent; ValueError when it cannot be read."""
        if self._simple and request.content_type == "application/x-www-form-urlencoded":
            return dict(await request.post())
        return _WIRE.load(await request.read())

    def _incomplete(self) -> web.Response:
        return _WIRE.answer({"detail": "Field required"}, HTTPStatus.UNPROCESSABLE_ENTITY)

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
        if self._simple or user.may_transfer:
            return None
        return _WIRE.answer({"detail": "Forbidden"}, HTTPStatus.FORBIDDEN)
