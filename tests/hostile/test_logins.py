"""Login pages, forms and tokens that are none: an error that says what to look at, and never a second guess."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from transfer.client.token_login import LIFE_SECONDS, LONGEST_LIFE_SECONDS, life_of

from .deployment import Asked, Reply, answer
from .running import ending

SESSION = '{ kind = "session", username = "admin", password = { env = "PASSWORD" } }'
AIRFLOW3 = '{ kind = "airflow3", username = "admin", password = { env = "PASSWORD" } }'
PAGE = "text/html"
FORM = b'<form><input name="csrf_token" value="t"><input name="password"></form>'
NESTED = b"[" * 30_000 + b"]" * 30_000

AUTH, NOT_STARSHIP, UNEXPECTED, GAVE_UP = "AuthError", "NotStarshipError", "UnexpectedAnswerError", "UnavailableError"

PAGES: dict[str, tuple[bytes, str]] = {
    "an empty page": (answer(b"", content_type=PAGE), AUTH),
    "half tags": (answer(b"<input " * 140_000, content_type=PAGE), AUTH),
    "half fields": (answer(b"<input name='csrf_token' " * 40_000, content_type=PAGE), AUTH),
    "one endless tag": (answer(b"<input " + b"x" * 1_000_000, content_type=PAGE), AUTH),
    "bytes": (answer(bytes(range(256)) * 100, content_type=PAGE), AUTH),
    "more than 1 MiB": (answer(FORM + b" " * 1_100_000, content_type=PAGE), GAVE_UP),
    "JSON": (answer(b"{}"), AUTH),
    "500": (answer(b"", "500 Oops", PAGE), GAVE_UP),
    "404": (answer(b"", "404 No", PAGE), NOT_STARSHIP),
    "a redirect in circles": (answer(b"", "302 Found", PAGE, "Location: /login/"), "NotStarshipError"),
    "a form that is refused": (answer(FORM, content_type=PAGE), AUTH),
}

TOKENS: dict[str, tuple[bytes, str]] = {
    "an empty body": (answer(b""), UNEXPECTED),
    "nested lists": (answer(NESTED), UNEXPECTED),
    "a list": (answer(b"[]"), UNEXPECTED),
    "a number": (answer(b'{"access_token": 5}'), UNEXPECTED),
    "null": (answer(b'{"access_token": null}'), UNEXPECTED),
    "a header": (answer(b'{"access_token": "a\\r\\nX-Evil: 1"}'), UNEXPECTED),
    "no ASCII": (answer(b'{"access_token": "\\u00fc"}'), UNEXPECTED),
    "a lone surrogate": (answer(b'{"access_token": "\\ud800"}'), UNEXPECTED),
    "more than 64 KiB": (answer(b'{"access_token": "%s"}' % (b"x" * 70_000)), GAVE_UP),
    "a page": (answer(b"<html>", content_type=PAGE), AUTH),
    "404": (answer(b"", "404 No", PAGE), NOT_STARSHIP),
}


@pytest.fixture(autouse=True)
def _password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PASSWORD", "a-password")


@pytest.mark.parametrize("name", PAGES)
def test_a_login_page(tmp_path: Path, name: str) -> None:
    """Whatever stands in place of the login form, the job ends before anything else is asked."""
    reply, expected = PAGES[name]
    asked: list[str] = []

    def script(one: Asked, _honest: Any) -> Reply | None:
        asked.append(one.route)
        return reply if one.route == "login" else None

    assert ending(tmp_path, script, auth=SESSION, seconds=5) == expected
    assert set(asked) == {"login"}


@pytest.mark.parametrize("name", TOKENS)
def test_a_token(tmp_path: Path, name: str) -> None:
    """Whatever stands in place of the token, the job ends before anything else is asked."""
    reply, expected = TOKENS[name]
    asked: list[str] = []

    def script(one: Asked, _honest: Any) -> Reply | None:
        asked.append(one.route)
        return reply if one.route == "token" else None

    assert ending(tmp_path, script, auth=AIRFLOW3, seconds=5) == expected
    assert set(asked) == {"token"}


def token(claims: bytes) -> str:
    """Return a JWT with these claims."""
    return f"e30.{base64.urlsafe_b64encode(claims).decode().rstrip('=')}.x"


@pytest.mark.parametrize(
    ("claims", "seconds"),
    [
        (b"{}", LIFE_SECONDS),
        (NESTED, LIFE_SECONDS),
        (b"\xff\xfe", LIFE_SECONDS),
        (b'{"iat": "x", "exp": []}', LIFE_SECONDS),
        (b'{"iat": NaN, "exp": NaN}', LIFE_SECONDS),
        (b'{"iat": 9, "exp": 1}', LIFE_SECONDS),
        (b'{"iat": 0, "exp": Infinity}', LONGEST_LIFE_SECONDS),
        (b'{"iat": 0, "exp": 1e999}', LONGEST_LIFE_SECONDS),
        (json.dumps({"iat": 0, "exp": 10**400}).encode(), LONGEST_LIFE_SECONDS),
        (b'{"iat": 0, "exp": %s}' % (b"9" * 5_000), LIFE_SECONDS),
    ],
)
def test_the_life_of_an_odd_token(claims: bytes, seconds: float) -> None:
    """What a token says of itself is taken within reason."""
    assert life_of(token(claims)) == seconds
