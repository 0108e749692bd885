"""Bytes as Airflow 2.11's webserver writes them: Flask's JSON with Airflow's encoder, and the few web pages."""

import codecs
import json
import pickle
import warnings
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import orjson
from aiohttp import web

from transfer.emulator.refusal import Refusal
from transfer.kinds import Row

_PICKLED_NOTHING = "\x80\x04}\x94."
_ROWS = web.ResponseKey("rows of history", int)


class Wire:
    """Reads and writes JSON; ``exact`` to the byte as the server, otherwise compact, several times as fast.

    Without ``exact`` whole numbers over 64 bits are rounded when read and cannot be written, nor can lone surrogates.
    """

    def __init__(self, *, exact: bool = True) -> None:
        self._exact = exact

    def load(self, body: bytes) -> Any:
        """Return what ``body`` says; ValueError when it is not JSON."""
        return json.loads(body) if self._exact else orjson.loads(body)

    def dump(self, value: Any) -> bytes:
        """Return ``value`` as JSON with sorted keys."""
        if self._exact:
            return json.dumps(value, sort_keys=True).encode()
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)

    def answer(self, value: Any, status: int = 200) -> web.Response:
        """Return a JSON answer."""
        return respond(status, self.dump(value), "application/json")

    def refusal(self, refusal: Refusal, kwargs: dict[str, Any]) -> web.Response:
        """Return the answer that passes a refusal on; it echoes what was sent, whatever that is."""
        answer: dict[str, Any] = {"error": refusal.error, "error_message": refusal.message()}
        if refusal.status == HTTPStatus.INTERNAL_SERVER_ERROR:
            answer["error_type"] = f"<class '{refusal.exception}'>"
            answer["kwargs"] = json.dumps(kwargs, default=str)
        else:
            answer["kwargs"] = _web(kwargs)
        return self.answer(answer, refusal.status)


def _web(value: Any) -> Any:
    """Return ``value`` as Airflow's encoder writes it: bytes become the text that their escapes spell."""
    if isinstance(value, dict):
        return {key: _web(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_web(item) for item in value]
    return _unescaped(value) if isinstance(value, bytes) else value


def _unescaped(data: bytes) -> str:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            return codecs.decode(data, "unicode_escape")
    except UnicodeDecodeError:
        return repr(data)


def prepared(row: Row) -> Row:
    """Return the row as the plugin changes it before the INSERT, and echoes it after a refusal."""
    row = {key: value for key, value in row.items() if key != "id"}
    if "conf" in row:
        row["conf"] = pickle.dumps(row["conf"])
    if "executor_config" in row:
        row["executor_config"] = pickle.dumps({})
    return row


def echoed(row: Row) -> Row:
    """Return the row as the plugin echoes it after a successful INSERT."""
    if "id" in row or "executor_config" in row:
        row = {key: value for key, value in row.items() if key != "id"}
        if "executor_config" in row:
            row["executor_config"] = _PICKLED_NOTHING
    return row


def respond(status: int, body: bytes, content_type: str) -> web.Response:
    """Return an answer with the reason phrase in capitals, as werkzeug writes it."""
    reason = HTTPStatus(status).phrase.upper()
    return web.Response(status=status, reason=reason, body=body, headers={"Content-Type": content_type})


def counted(answer: web.Response, rows: int) -> web.Response:
    """Return ``answer``, noting of how many rows of history it speaks."""
    answer[_ROWS] = rows
    return answer


def rows_of(answer: web.Response) -> int:
    """Return of how many rows of history an answer speaks."""
    rows: int = answer.get(_ROWS, 0)
    return rows


def page(status: int, body: str) -> web.Response:
    """Return a web page."""
    return respond(status, body.encode(), "text/html; charset=utf-8")


def redirect(location: str) -> web.Response:
    """Return the redirect that Flask sends, with its little page."""
    answer = page(
        HTTPStatus.FOUND,
        "<!doctype html>\n<html lang=en>\n<title>Redirecting...</title>\n<h1>Redirecting...</h1>\n"
        "<p>You should be redirected automatically to the target URL: "
        f'<a href="{location}">{location}</a>. If not, click the link.\n',
    )
    answer.headers["Location"] = location
    return answer


def to_login(request: web.Request, *, name: str = "next", quoted: bool = False) -> web.Response:
    """Return the redirect of a request without a valid login; ``name`` is the parameter with the way back."""
    back = quote(str(request.url.human_repr()), safe="") if quoted else quote(str(request.url), safe=":/?%")
    return redirect(f"/login/?{name}={back}")


def short_error(status: int, said: str) -> web.Response:
    """Return werkzeug's plain error page."""
    phrase = HTTPStatus(status).phrase
    return page(
        status, f"<!doctype html>\n<html lang=en>\n<title>{status} {phrase}</title>\n<h1>{phrase}</h1>\n<p>{said}</p>\n"
    )


def airflow_error(status: int, said: str) -> web.Response:
    """Return Airflow's own error page: unknown paths and methods."""
    return page(
        status,
        f'\n\n<!DOCTYPE html>\n<html lang="en">\n  <head>\n    <title>Airflow {status}</title>\n'
        '    <link rel="icon" type="image/png" href="/static/pin_32.png">\n  </head>\n  <body>\n'
        '    <div style="font-family: verdana; text-align: center; margin-top: 200px;">\n'
        '      <img src="/static/pin_100.png" width="50px" alt="pin-logo" />\n'
        f"      <h1>Airflow {status}</h1>\n      <p>{said}</p>\n"
        '      <a href="/">Return to the main page</a>\n      <p></p>\n    </div>\n  </body>\n</html>',
    )


def ooops() -> web.Response:
    """Return the page of an exception that nobody caught (shortened)."""
    return page(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        '\n\n<!DOCTYPE html>\n<html lang="en">\n  <body>\n    <div class="container">\n      <h1> Ooops! </h1>\n'
        "      <div>\n          <pre>\nSomething bad has happened. For security reasons detailed information about the "
        "error is not logged.\n\n  * You should check your webserver logs and retrieve details of this error.\n\n"
        "Python version: 3.11.7\nAirflow version: 2.11.2\nNode: redacted\n"
        "Error! Please contact server admin.</pre>\n      </div>\n    </div>\n  </body>\n</html>",
    )
