"""The login form of Airflow 2: a csrf token, a session cookie, a rate limit, and redirects for every refusal."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from aiohttp import web

from transfer.emulator.door import USERS, User
from transfer.emulator.wire import page, redirect, short_error, to_login

_RATE: Final = 5
_RATE_SECONDS: Final = 40.0
_MONTH_SECONDS: Final = 30 * 86_400


@dataclass(slots=True)
class _Session:
    """What the server knows about a cookie: its csrf token, and who it is once logged in."""

    csrf: str
    user: User | None = None


class LoginForm:
    """Airflow 2's session login as FAB does it.

    ``clock`` gives seconds for the rate limit (5 posts in 40 s, then 429), which there is when ``limited``: since 2.6;
    ``token`` makes cookies and csrf tokens.
    """

    def __init__(
        self,
        users: tuple[User, ...] = USERS,
        *,
        clock: Callable[[], float] = time.monotonic,
        token: Callable[[], str] = lambda: secrets.token_urlsafe(32),
        limited: bool = True,
    ) -> None:
        self._users = {user.username: user for user in users}
        self._clock = clock
        self._token = token
        self._limited = limited
        self._sessions: dict[str, _Session] = {}
        self._window_start = -_RATE_SECONDS
        self._posts = 0
        self.logins = 0
        """Successful logins so far."""

    def expire(self) -> None:
        """End all sessions: every cookie given so far is as good as none."""
        self._sessions.clear()

    def let_in(self, username: str) -> str:
        """Log a user in without a form and return the cookie; KeyError for somebody unknown."""
        cookie = self._token()
        self._sessions[cookie] = _Session(self._token(), self._users[username])
        self.logins += 1
        return cookie

    def routes(self) -> list[web.AbstractRouteDef]:
        """Return the login page, the form's target and the page behind it."""
        return [
            web.get("/login/", self._show, allow_head=False),
            web.post("/login/", self._log_in),
            web.get("/home", self._home, allow_head=False),
        ]

    def refuse(self, request: web.Request) -> web.Response | None:
        """Redirect a stranger to the login page, and a user who may not use Starship to the home page."""
        user = self._user(request)
        if user is None:
            return to_login(request)
        return None if user.may_transfer else redirect("/home")

    def sign(self, request: web.Request, response: web.StreamResponse) -> None:
        """Send the cookie of a logged-in request again, as the server does."""
        cookie = request.cookies.get("session", "")
        if "session" not in response.cookies and self._user(request) is not None:
            _set_cookie(response, cookie)

    def _user(self, request: web.Request) -> User | None:
        session = self._sessions.get(request.cookies.get("session", ""))
        return session.user if session else None

    async def _show(self, request: web.Request) -> web.Response:
        if self._user(request) is not None:
            return redirect("/home")
        cookie, session = self._token(), _Session(self._token())
        self._sessions[cookie] = session
        answer = page(HTTPStatus.OK, _FORM.format(csrf=session.csrf))
        _set_cookie(answer, cookie)
        return answer

    async def _home(self, request: web.Request) -> web.Response:
        if self._user(request) is None:
            return to_login(request)
        return page(HTTPStatus.OK, "<!DOCTYPE html>\n<html><head><title>DAGs - Airflow</title></head></html>")

    async def _log_in(self, request: web.Request) -> web.Response:
        form = await request.post()
        session = self._sessions.get(request.cookies.get("session", ""))
        complaint = _csrf_complaint(form.get("csrf_token"), session)
        if complaint:
            return short_error(HTTPStatus.BAD_REQUEST, complaint)
        if self._too_many():
            return short_error(HTTPStatus.TOO_MANY_REQUESTS, "5 per 40 second")
        user = self._users.get(str(form.get("username")))
        if user is None or user.password != form.get("password"):
            return redirect("/login/?next=/home")
        self._sessions.pop(request.cookies["session"], None)
        answer = redirect("/home")
        _set_cookie(answer, self.let_in(user.username))
        return answer

    def _too_many(self) -> bool:
        now = self._clock()
        if now - self._window_start >= _RATE_SECONDS:
            self._window_start, self._posts = now, 0
        self._posts += 1
        return self._limited and self._posts > _RATE


def _csrf_complaint(sent: object, session: _Session | None) -> str:
    if not sent:
        return "The CSRF token is missing."
    if session is None:
        return "The CSRF session token is missing."
    return "" if sent == session.csrf else "The CSRF tokens do not match."


def _set_cookie(response: web.StreamResponse, cookie: str) -> None:
    response.set_cookie("session", cookie, max_age=_MONTH_SECONDS, httponly=True, samesite="Lax")


_FORM: Final = """<!-- extend base layout -->
<!DOCTYPE html>
<html>
  <head>
    <title>Sign In - Airflow
</title>
  </head>
  <body>
            <form class="form" action="" method="post" name="login">
                    <input id="csrf_token" name="csrf_token" type="hidden" value="{csrf}">
                <input autofocus class="form-control" id="username" name="username" size="80" type="text" value="">
                <input class="form-control" id="password" name="password" size="80" type="password" value="">
                <input class="btn btn-primary btn-block" type="submit" value="Sign In">
            </form>
    <script>
    var csrfToken = '{csrf}';
    </script>
  </body>
</html>"""
