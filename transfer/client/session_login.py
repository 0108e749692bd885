"""The login form of open-source Airflow 2.

``GET /login/`` gives a cookie and a form with a CSRF token, ``POST`` of the form answers 302: to anything but the login
page when the password was right. From then on the cookie counts, which the session of the side keeps and shares.
"""

import html
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode, urlsplit

from transfer.client.auth import Renewable, resolved
from transfer.client.base import Request
from transfer.client.status import judge, problem
from transfer.client.wire import Reply, Wire
from transfer.config.settings import SessionAuth
from transfer.errors import AuthError, NotStarshipError, ThrottledError
from transfer.secrets_registry import hide

RATE_LIMIT_SECONDS: Final = 40.0
"""Airflow allows 5 logins per 40 seconds and does not say so in a Retry-After."""

_MORE: Final = "[^<>]{0,400}"
"""Of a tag; bounded, because a page made of half tags would take for ever."""

_INPUT: Final = rf"<input\b{_MORE}"
_CSRF: Final = (
    re.compile(rf"{_INPUT}\bname=[\"']csrf_token[\"']{_MORE}\bvalue=[\"']([^\"'<>]{{1,2000}})"),
    re.compile(rf"{_INPUT}\bvalue=[\"']([^\"'<>]{{1,2000}})[\"']{_MORE}\bname=[\"']csrf_token[\"']"),
)
_PASSWORD_FIELD: Final = re.compile(rf"{_INPUT}\bname=[\"']password[\"']")

_WHICH_KIND: Final = (
    "check the URL; if it is right, this server seems to use single sign-on: use a token (auth kind bearer or api_key),"
    " or for Airflow 3 kind airflow3"
)
LARGEST_PAGE: Final = 1_048_576

_PAGE: Final = Request("GET", "/login/", "login page", headers={"Accept": "text/html"}, most_bytes=LARGEST_PAGE)
_FORM: Final = Request(
    "POST", "/login/", "login", content_type="application/x-www-form-urlencoded", most_bytes=LARGEST_PAGE
)
"""Not marked as writing: a login that went wrong may always be repeated."""


class SessionLogin(Renewable):
    """A session cookie from the login form."""

    def __init__(self, wire: Wire, auth: SessionAuth) -> None:
        super().__init__()
        self._wire = wire
        self._auth = auth

    def headers(self) -> Mapping[str, str]:
        """Implement ``Credentials``: the cookie goes by itself."""
        return {}

    async def _fetch(self) -> bool:
        password = await resolved(self._auth.password)
        fresh = self._wire.without_cookies()  # a login page that still knows us would redirect, not show the form
        fields = {"username": self._auth.username, "password": password, **await self._token(fresh)}
        # Over https the CSRF protection wants a Referer of the same origin.
        headers = {"Referer": f"{self._wire.base_url}/login/", "Accept": "text/html"}
        reply = await fresh.exchange(_FORM, headers, urlencode(fields).encode())
        fresh.hide_cookies()
        try:
            self._check(reply)
        finally:
            reply.body.close()
        self._wire.take_cookies(fresh)
        return True

    async def _token(self, fresh: Wire) -> dict[str, str]:
        reply = await fresh.exchange(_PAGE, {})
        fresh.hide_cookies()
        try:
            return self._token_of(reply)
        finally:
            reply.body.close()

    def _token_of(self, reply: Reply) -> dict[str, str]:
        about = (self._wire.side, _PAGE, reply)
        if reply.status >= 300:  # noqa: PLR2004 - the end of the 2xx class
            raise judge(*about) or problem(NotStarshipError, about)
        text = reply.text()
        if not _PASSWORD_FIELD.search(text):
            raise problem(AuthError, about, detail="the page has no form for user and password", hint=_WHICH_KIND)
        found = next(filter(None, (pattern.search(text) for pattern in _CSRF)), None)
        if found is None:
            return {}
        token = html.unescape(found[1])
        hide(token)
        return {"csrf_token": token}

    def _check(self, reply: Reply) -> None:
        about = (self._wire.side, _FORM, reply)
        if reply.status in {302, 303} and not _is_login_page(reply.headers.get("Location", "/login")):
            return
        if reply.status in {200, 302, 303}:
            hint = f'check username ("{self._auth.username}") and password'
            raise problem(AuthError, about, detail="the login was refused", hint=hint)
        if reply.status == 400:  # noqa: PLR2004 - what Airflow answers when the form's token does not fit
            raise problem(AuthError, about, hint="the login form was refused; use the https address if there is one")
        error = judge(*about) or problem(NotStarshipError, about)
        if isinstance(error, ThrottledError) and error.retry_after is None:
            error.retry_after = RATE_LIMIT_SECONDS
        raise error


def _is_login_page(location: str) -> bool:
    try:
        return urlsplit(location).path.rstrip("/").endswith("/login")
    except ValueError:
        return True
