"""A browser's login, with nothing but the standard library: the rig must not rest on the client it tests."""

import re
from collections.abc import Callable
from http.client import HTTPConnection, HTTPResponse
from urllib.parse import urlencode, urlsplit

from .users import User

TIMEOUT_SECONDS = 60.0
_TOKEN = re.compile(rb'name="csrf_token"[^>]*value="([^"]+)"')


class LoginFailedError(Exception):
    """Raised when a login did not end on the home page; says the status and where it was sent instead."""

    def __init__(self, url: str, user: User, status: int, location: str | None) -> None:
        super().__init__(f"login of {user.name} at {url} answered {status} {location or ''}".rstrip())


def fetch(
    url: str, path: str, *, method: str = "GET", body: bytes | None = None, headers: dict[str, str] | None = None
) -> tuple[HTTPResponse, bytes]:
    """Send one request over a connection of its own, follow no redirect, and return the answer with its body."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer, answer.read()
    finally:
        connection.close()


def log_in(url: str, user: User) -> str:
    """Log `user` in and return the `Cookie` header's value.

    Each gunicorn worker lets one address log in five times within 40 seconds.

    Raises:
        LoginFailedError: wrong password, or the limit above was hit.
    """
    answer, page = fetch(url, "/login/")
    token = _TOKEN.search(page)
    if answer.status != 200 or token is None:
        raise LoginFailedError(url, user, answer.status, answer.getheader("Location"))
    form = {"csrf_token": token[1].decode(), "username": user.name, "password": user.password}
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": _cookie(answer)}
    answer, _ = fetch(url, "/login/", method="POST", body=urlencode(form).encode(), headers=headers)
    location = answer.getheader("Location")
    if answer.status != 302 or location is None or "/login" in location:
        raise LoginFailedError(url, user, answer.status, location)
    return _cookie(answer)


def _cookie(answer: HTTPResponse) -> str:
    return (answer.getheader("Set-Cookie") or "").partition(";")[0]


def answers(url: str, path: str) -> Callable[[], bool]:
    """Return a check that tells whether the server answers `path` with 200 by now."""

    def ready() -> bool:
        try:
            answer, _ = fetch(url, path)
        except OSError:
            return False
        return answer.status == 200

    return ready
