"""A deployment that logs its users in, and repeats all that it knows in whatever it is made to say."""

import html
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.hostile.deployment import Asked, Deployment, Reply, answer

from .canaries import CONF, CONNECTION, CSRF, SESSION, VARIABLE, found

FORM = f'<form><input name="csrf_token" value="{html.escape(CSRF)}"><input name="password" type="password"></form>'
COOKIE = f"Set-Cookie: session={SESSION}; HttpOnly; Path=/"
FOREIGN = "Set-Cookie: tracker=x; Domain=elsewhere.example; Path=/"


def known(asked: Asked) -> str:
    """Return everything that a careless server could repeat of a request, and of its own secrets."""
    sent = asked.head.decode("latin-1") + asked.body.decode("utf-8", "replace")
    credentials = " and ".join(found(asked.head + asked.body))
    return (
        f"Your id is {SESSION}, form {CSRF}, with {credentials}; no postgresql://airflow:{CONNECTION}@db/airflow,"
        f" Variable token={VARIABLE}, password: {VARIABLE}\n{sent}\n[parameters: {{'conf': '{CONF}'}}]"
    )


def as_starship(asked: Asked, status: str) -> bytes:
    """Return an error as Starship writes it: a message, and the request with all that came with it."""
    said = f"ValueError('(psycopg2.errors.X) {known(asked)}')"
    body = {"error": said, "error_type": "X", "error_message": said, "kwargs": asked.body.decode("utf-8", "replace")}
    return answer(json.dumps(body).encode(), status)


def as_page(asked: Asked, status: str, *more: str) -> bytes:
    """Return an error as a web page that shows the request."""
    page = f"<title>Oops</title><pre>{html.escape(known(asked))}</pre>"
    return answer(page.encode(), status, "text/html", *more)


def moved_away(asked: Asked) -> bytes:
    """Return a redirect that takes everything along."""
    return as_page(asked, "302 Found", f"Location: https://admin:{CONNECTION}@elsewhere.example/x?token={SESSION}")


TROUBLES: dict[str, Callable[[Asked], Reply | None]] = {
    "none": lambda _asked: None,
    "400": lambda asked: as_starship(asked, "400 Bad Request"),
    "401": lambda asked: as_starship(asked, "401 Unauthorized"),
    "403": lambda asked: as_page(asked, "403 Forbidden"),
    "404": lambda asked: as_page(asked, "404 Not Found"),
    "409": lambda asked: as_starship(asked, "409 Conflict"),
    "413": lambda asked: as_page(asked, "413 Too Large"),
    "418": lambda asked: as_page(asked, "418 Teapot"),
    "429": lambda asked: as_starship(asked, "429 Slow"),
    "500": lambda asked: as_starship(asked, "500 Oops"),
    "502": lambda asked: as_page(asked, "502 Bad Gateway"),
    "a redirect": moved_away,
    "a page with 200": lambda asked: as_page(asked, "200 OK"),
    "an echo with 200": lambda asked: answer(known(asked).encode(), "200 OK", f"text/{SESSION}"),
    "a lost answer": lambda _asked: b"",
    "no HTTP": lambda asked: known(asked).encode(),
    "half of an answer": lambda asked: as_starship(asked, "200 OK")[:-9],
}


@dataclass
class Leaky:
    """What goes wrong, and with which requests of a side."""

    trouble: Callable[[Asked], Reply | None] = TROUBLES["none"]
    where: str = "task_instances"
    wrong_password: bool = False

    def __call__(self, asked: Asked, _honest: Any) -> Reply | None:
        """Answer as a script does."""
        if asked.route == "login" and (self.where != "login" or asked.method == "GET"):
            return self._login(asked)
        return self.trouble(asked) if asked.route == self.where else None

    def _login(self, asked: Asked) -> bytes:
        if asked.method == "GET":
            return answer(FORM.encode(), "200 OK", "text/html", COOKIE)
        where = "/login/" if self.wrong_password else "/home"
        return as_page(asked, "302 Found", f"Location: {where}", COOKIE, FOREIGN)


def history() -> Deployment:
    """Return a deployment whose runs have a secret in their conf."""
    source = Deployment.of(3)
    for row in source.runs:
        row["conf"] = {"note": CONF}
    return source
