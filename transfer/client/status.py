"""Which error an answer is: one table from status, content type and text to an error class.

Measured on Airflow 2.4 to 2.11 and 3.1 with Starship 2.10.1. Starship answers 409 for everything that breaks a
constraint, 400 for values of the wrong type and for a database that is down, 500 with JSON for what it did not expect;
the web framework around it answers with pages.
"""

import json
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, TypeAlias
from urllib.parse import unquote, urlsplit

from transfer.client.base import Request
from transfer.client.known_words import known_words
from transfer.client.retry_after import retry_after
from transfer.client.wire import Reply
from transfer.config.settings import SAFE_BODY_BYTES
from transfer.errors import (
    AbsentError,
    AuthError,
    ConflictError,
    ForbiddenError,
    InvalidRowError,
    LostAnswerError,
    NotStarshipError,
    SideError,
    ThrottledError,
    TooLargeError,
    TransientError,
    UnexpectedAnswerError,
)
from transfer.model import SideName
from transfer.redact import redact, redact_url

Condition: TypeAlias = Callable[[Request, Reply], bool]


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table; ``read`` and ``write`` are the error for either kind of request, None for success."""

    statuses: Collection[int]
    read: type[SideError] | None
    write: type[SideError] | None
    hint: str = ""
    when: Condition | None = None

    def fits(self, request: Request, reply: Reply) -> bool:
        """Tell whether this row is about ``reply``."""
        return reply.status in self.statuses and (self.when is None or self.when(request, reply))


def _json(_request: Request, reply: Reply) -> bool:
    return reply.media_type == "application/json"


def _removes(request: Request, _reply: Reply) -> bool:
    return request.method == "DELETE"


def _no_such_run(request: Request, reply: Reply) -> bool:
    """Recognise the stable REST API's own word that the run is not there: it names the run.

    A path that there is not is a 404 in the same JSON.
    """
    if not request.path.startswith(_STABLE) or reply.media_type not in _PROBLEM:
        return False
    try:
        detail = json.loads(reply.text())["detail"]
    except (ValueError, KeyError, TypeError):
        return False
    run_id = unquote(request.path.rpartition("/")[2])
    return isinstance(detail, str) and bool(_NO_RUN.search(detail)) and any(f"{q}{run_id}{q}" in detail for q in "'`")


def _passed(request: Request, reply: Reply) -> bool:
    """Recognise a task log, and the empty answer to one, or to an XCom, that was stored or removed."""
    if request.path == LOG_PATH and request.method == "GET":
        return reply.media_type == "text/plain"
    return request.path in {LOG_PATH, XCOM_PATH} and reply.status == HTTPStatus.NO_CONTENT


def _no_such_log(request: Request, reply: Reply) -> bool:
    return request.path == LOG_PATH and _json(request, reply) and "Task log at" in reply.text()


def _no_run_for_xcom(request: Request, reply: Reply) -> bool:
    return request.path == XCOM_PATH and _json(request, reply) and '"DagRun with dag_id=' in reply.text()


def _unreadable_xcom(request: Request, reply: Reply) -> bool:
    """Recognise an XCom that the deployment itself cannot read: pickled, or the work of another XCom backend.

    It makes the list of its run a web page, which does not say why.
    """
    if request.path.startswith(_STABLE):
        return request.path.endswith(XCOM_LIST)
    return request.path == XCOM_PATH and _json(request, reply) and "deserialize_value" in reply.text()


def _unpresentable(_request: Request, reply: Reply) -> bool:
    """Recognise a row that the stable REST API has, and that breaks its own schema (a run without a state)."""
    return reply.media_type in _PROBLEM and "Response body does not conform" in reply.text()


def _page(_request: Request, reply: Reply) -> bool:
    return reply.media_type == "text/html"


def _target_path(reply: Reply) -> str:
    """Return the path that a redirect leads to, without a trailing slash."""
    try:
        return urlsplit(reply.headers.get("Location", "?")).path.rstrip("/")
    except ValueError:
        return "?"


def _goes_home(request: Request, reply: Reply) -> bool:
    base = urlsplit(reply.url).path.removesuffix(request.path).rstrip("/")
    return "Location" in reply.headers and _target_path(reply) in {base, f"{base}/home", "", "/home"}


def _goes_elsewhere(_request: Request, reply: Reply) -> bool:
    """Recognise the same page at another address: http to https, a new host name, a trailing slash."""
    return _target_path(reply) == urlsplit(reply.url).path.rstrip("/")


def _says(*words: str) -> Condition:
    """Return a condition that the answer is JSON and names one of ``words`` at the start of its message.

    Not further on, where values of the rows are quoted: these stand behind a quotation mark.
    """
    pattern = re.compile(r'"(?:error_message|detail)"\s*:\s*"[^"\\]{0,200}?(?:' + "|".join(map(re.escape, words)) + ")")

    def condition(request: Request, reply: Reply) -> bool:
        return _json(request, reply) and bool(pattern.search(reply.text().partition('"kwargs"')[0]))

    return condition


def _cannot_decrypt(request: Request, reply: Reply) -> bool:
    """Recognise a secret of the deployment that its own Fernet key does not open."""
    return request.private and "fernet.InvalidToken" in reply.text()


def _unread(request: Request, reply: Reply) -> bool:
    """Recognise a body over the limit that a float limit on Airflow 2.11 turns into a 500 page."""
    return len(request.body or b"") > SAFE_BODY_BYTES and not _json(request, reply)


LOG_PATH: Final = "/api/starship/task_log"
XCOM_PATH: Final = "/api/starship/xcom"
XCOM_LIST: Final = "/taskInstances/~/xcomEntries"
_STABLE: Final = ("/api/v1/", "/api/v2/")
_PROBLEM: Final = frozenset({"application/problem+json", "application/json"})
_NO_RUN: Final = re.compile(r"dag ?run with dag[_ ]id\b.*\bnot found", re.IGNORECASE | re.DOTALL)
_ABOUT_ROWS: Final = ("Unconsumed column names", "is explicitly rendered as a bound", "cannot contain NUL")
"""What Starship's 500 says when it could not even build the statement: nothing was sent to the database."""

_ABOUT_EXTRA: Final = ("Encountered non-JSON in `extra`", "Encountered JSON value in `extra`")
_DATABASE_DOWN: Final = ("OperationalError", "InterfaceError", "InternalError")
"""Also too many connections, a deadlock, a shutdown, and a standby that only reads."""

_BAD_VALUES: Final = ("OperationalError) (1292,", "OperationalError) (1366,")
"""A date that MySQL or MariaDB cannot read, and a text that its column has no characters for: this one with mysqlclient
only, pymysql says DataError."""

_DATABASE_WRONG: Final = ("errors.InsufficientPrivilege", "errors.UndefinedTable")
"""No fault of the rows, and not going to pass."""

_LOGIN: Final = (
    'check the credentials and the kind of auth; the account needs "can read on Configurations" (role Op or Admin)'
)
_AIRFLOW_2: Final = (
    "check the credentials and the kind of auth: open-source Airflow 2 takes only auth kind session, and the account"
    ' needs "can read on Configurations" (role Op or Admin)'
)
_AIRFLOW_3: Final = (
    "check the credentials, which may have expired, and the kind of auth: Airflow 3 takes user and password with auth"
    " kind airflow3, a token with auth kind bearer"
)
_RIGHTS: Final = 'the account needs "can read on Configurations": give it the role Op or Admin'
_PLUGIN: Final = (
    "check that the URL is the address of the Airflow webserver and that the plugin astronomer-starship is installed"
)
_MOVED: Final = "put the address that it redirects to into the URL of this side"
_LOST: Final = "wait until it is well; after a lost write the target is asked what it has before anything is sent again"
_LOGS: Final = "look at the webserver's log; please report an answer that this tool should understand"
_DATABASE: Final = "check the deployment's database: it is down, or has no connection left"
_ROWS: Final = "the rows are looked at one by one; those that cannot be stored are reported as rejected"
_SETUP: Final = "the deployment's own database user may not write there, or its tables are missing"
_SMALLER: Final = "lower limits.batch_bytes"
_GENTLER: Final = "lower concurrency or requests_per_second of this side"
_PROXY: Final = "put the proxy's user and password into HTTPS_PROXY"
_FERNET: Final = (
    "one of its objects was encrypted with another Fernet key, and stands in the way of all: find it in the"
    " deployment's own pages and enter it anew, or put the former key behind the present one in [core] fernet_key"
)
_EXTRA: Final = "Airflow 3 wants a JSON object in a connection's extra: correct the connection in its own pages"
_GONE: Final = "somebody removed it, or it never was there"
_LOOK: Final = "look at this run in the deployment's own pages: it lacks what every run has"
_VALUE: Final = "one of the XComs is pickled, or no JSON: delete it there, or let the deployment read it"
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})

RULES: Final = (
    Rule(range(200, 300), None, None, when=_json),
    Rule({204}, None, None, when=_removes),
    Rule(range(200, 300), None, None, when=_passed),
    # A proxy's page may stand in front of a write that was carried out.
    Rule(range(200, 300), AuthError, LostAnswerError, _LOGIN, _page),
    Rule(range(200, 300), UnexpectedAnswerError, LostAnswerError, _PLUGIN),
    Rule(_REDIRECTS, ForbiddenError, ForbiddenError, _RIGHTS, _goes_home),
    Rule(_REDIRECTS, NotStarshipError, NotStarshipError, _MOVED, _goes_elsewhere),
    Rule(_REDIRECTS, AuthError, AuthError, _AIRFLOW_2),
    # MySQL's drivers report some bad values as operational errors.
    Rule({400}, UnexpectedAnswerError, InvalidRowError, _ROWS, _says(*_BAD_VALUES)),
    Rule({400}, TransientError, LostAnswerError, _DATABASE, _says(*_DATABASE_DOWN)),
    Rule({400}, UnexpectedAnswerError, UnexpectedAnswerError, _SETUP, _says(*_DATABASE_WRONG)),
    Rule({400, 422}, UnexpectedAnswerError, InvalidRowError, _ROWS),
    Rule({401}, AuthError, AuthError, _AIRFLOW_3),
    Rule({403}, AuthError, AuthError, _AIRFLOW_3, _says("Invalid JWT token", "Token Expired")),
    Rule({403}, ForbiddenError, ForbiddenError, _RIGHTS),
    Rule({404}, AbsentError, AbsentError, _GONE, _no_such_run),
    Rule({404}, AbsentError, AbsentError, _GONE, _no_such_log),
    Rule({404}, AbsentError, AbsentError, _GONE, _no_run_for_xcom),
    Rule({404, 405, 410}, NotStarshipError, NotStarshipError, _PLUGIN),
    Rule({407}, UnexpectedAnswerError, UnexpectedAnswerError, _PROXY),
    Rule({408}, TransientError, LostAnswerError, _LOST),
    Rule({409}, UnexpectedAnswerError, ConflictError, _ROWS),
    Rule({413}, UnexpectedAnswerError, TooLargeError, _SMALLER),
    Rule({425, 429}, ThrottledError, ThrottledError, _GENTLER),
    Rule(range(400, 500), UnexpectedAnswerError, UnexpectedAnswerError, _LOGS),
    Rule({500}, InvalidRowError, LostAnswerError, _LOOK, _unpresentable),
    Rule({500}, InvalidRowError, LostAnswerError, _VALUE, _unreadable_xcom),
    Rule({500}, UnexpectedAnswerError, LostAnswerError, _FERNET, _cannot_decrypt),
    Rule({500}, UnexpectedAnswerError, InvalidRowError, _EXTRA, _says(*_ABOUT_EXTRA)),
    Rule({500}, TransientError, InvalidRowError, _ROWS, _says(*_ABOUT_ROWS)),
    Rule({500}, TransientError, TooLargeError, _SMALLER, _unread),
    Rule({501}, UnexpectedAnswerError, UnexpectedAnswerError, _LOGS),
    Rule({503}, ThrottledError, LostAnswerError, _LOST),
    Rule(range(500, 600), TransientError, LostAnswerError, _LOST),
    Rule(range(1000), UnexpectedAnswerError, UnexpectedAnswerError, _LOGS),
)
"""The first row that fits counts; the last one fits everything."""


def judge(side: SideName, request: Request, reply: Reply) -> SideError | None:
    """Return the error that ``reply`` is, with its details redacted, or None for a success."""
    rule = next(rule for rule in RULES if rule.fits(request, reply))
    kind = rule.write if request.writes else rule.read
    return None if kind is None else problem(kind, (side, request, reply), hint=rule.hint)


def problem(
    kind: type[SideError], about: tuple[SideName, Request, Reply], *, detail: str = "", hint: str = ""
) -> SideError:
    """Build an error of ``kind`` about a reply; ``retry_after`` is filled in where the class has it.

    Without ``detail`` it says what the reply says, redacted.
    """
    side, request, reply = about
    detail = detail or _detail(request, reply)
    error = kind(side, request.what, detail, status=reply.status, hint=hint, dag_id=request.dag_id)
    if isinstance(error, ThrottledError | LostAnswerError):
        error.retry_after = retry_after(reply.headers)
    return error


def _detail(request: Request, reply: Reply) -> str:
    if reply.status in _REDIRECTS:
        return f"redirects to {redact_url(reply.headers.get('Location', '')) or 'nowhere'}"
    if reply.status < 300:  # noqa: PLR2004 - the end of the 2xx class; its bodies are rows
        # Not in lower case, in which a secret would not be known.
        kind = reply.headers.get("Content-Type", "").partition(";")[0]
        return f"answers with {redact(kind, 80) or 'nothing'} instead of JSON"
    if request.private:
        return known_words(reply.text())
    return redact(reply.text()) or "no explanation"
