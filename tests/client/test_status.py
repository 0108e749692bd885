"""The table from answers to errors: complete, and right where rows depend on it."""

import json
from typing import Any

import pytest

from transfer.client.base import Request
from transfer.client.body import SpooledBody
from transfer.client.status import RULES, judge
from transfer.client.wire import Reply
from transfer.config.settings import SAFE_BODY_BYTES
from transfer.errors import (
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

JSON = "application/json"
HTML = "text/html; charset=utf-8"
GET = Request("GET", "/api/starship/info", "info")
POST = Request("POST", "/api/starship/dag_runs", "insert 3 dag_runs", body=b"{}", writes=True, dag_id="d")
LARGE = Request("POST", "/api/starship/dag_runs", "insert", body=b" " * (SAFE_BODY_BYTES + 1), writes=True)
KWARGS = {"kwargs": {"dag_runs": [{"conf": "OperationalError Unconsumed column names"}]}}


def verdict(request: Request, status: int, text: str = "", kind: str = JSON, **headers: str) -> SideError | None:
    """Judge an answer with this body to ``request`` at a deployment below /base."""
    body = SpooledBody(65_536)
    body.write(text.encode())
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    error = judge(
        "target", request, Reply(status, f"https://h/base{request.path}", {"Content-Type": kind} | named, body)
    )
    body.close()
    return error


def starship(message: str, error: str = "SQL Error") -> str:
    """Return an error of Starship, which echoes the request."""
    return json.dumps({"error": error, "error_message": message, **KWARGS})


@pytest.mark.parametrize("kind", [JSON, HTML, "text/plain", ""])
@pytest.mark.parametrize("request_", [GET, POST, LARGE])
def test_every_answer_has_a_verdict(request_: Request, kind: str) -> None:
    """Each status gives success or an error that says side, request and status; only 2xx JSON is a success."""
    for status in range(100, 600):
        error = verdict(request_, status, "{}", kind)
        assert (error is None) == (status < 300 and status >= 200 and kind == JSON)
        if error is not None:
            assert str(error).startswith(f"target: {request_.what}")
            assert f"HTTP {status}" in str(error)
            assert error.hint or isinstance(error, TransientError | LostAnswerError)


@pytest.mark.parametrize("kind", [JSON, HTML, ""])
def test_no_write_is_sent_again_blindly(kind: str) -> None:
    """A write is only called transient by 425 and 429, which say that it was not carried out."""
    transient = [status for status in range(100, 600) if isinstance(verdict(POST, status, "", kind), TransientError)]
    assert transient == [425, 429]


def test_every_rule_has_a_hint_unless_it_succeeds() -> None:
    """Each row of the table tells the user what to do."""
    assert all(rule.hint for rule in RULES if rule.read is not None and rule is not RULES[7])


@pytest.mark.parametrize(
    ("status", "headers", "kind"),
    [(302, {"Location": "/base/login/?next=x"}, "session"), (401, {}, "airflow3"), (401, {}, "bearer")],
)
def test_a_refused_login_names_the_kinds_that_are_taken(status: int, headers: dict[str, str], kind: str) -> None:
    """A login form is what Airflow 2 shows to any other kind of auth, a 401 is what Airflow 3 says."""
    error = verdict(GET, status, "{}", **headers)
    assert isinstance(error, AuthError)
    assert f"auth kind {kind}" in error.hint


CASES: list[tuple[Request, int, str, str, type[SideError]]] = [
    (GET, 200, "", HTML, AuthError),
    (POST, 200, "", HTML, LostAnswerError),
    (POST, 204, "", "", LostAnswerError),
    (GET, 200, "OK", "text/plain", UnexpectedAnswerError),
    (GET, 400, '{"error": "Missing required key"}', JSON, UnexpectedAnswerError),
    (
        POST,
        400,
        starship("DataError('(psycopg2.errors.X) bad: \"OperationalError\"')", "Data Error"),
        JSON,
        InvalidRowError,
    ),
    (POST, 400, starship("StatementError('SQLite DateTime type only accepts')"), JSON, InvalidRowError),
    (POST, 400, starship("OperationalError('(psycopg2.OperationalError) too many clients')"), JSON, LostAnswerError),
    (POST, 400, starship("InternalError('(psycopg2.errors.ReadOnlySqlTransaction)')"), JSON, LostAnswerError),
    (GET, 400, starship("OperationalError('(psycopg2.OperationalError) down')"), JSON, TransientError),
    (POST, 400, starship("OperationalError('(pymysql.err.OperationalError) (1292, \"x\")')"), JSON, InvalidRowError),
    (POST, 400, starship("OperationalError('(MySQLdb.OperationalError) (1366, \"x\")')"), JSON, InvalidRowError),
    (POST, 400, starship("OperationalError('(MySQLdb.OperationalError) (1213, \"x\")')"), JSON, LostAnswerError),
    (POST, 400, starship("ProgrammingError('(psycopg2.errors.InsufficientPrivilege) x')"), JSON, UnexpectedAnswerError),
    (POST, 401, '{"detail":"Token Expired"}', JSON, AuthError),
    (GET, 403, '{"detail":"Forbidden"}', JSON, ForbiddenError),
    (GET, 403, '{"detail":"Invalid JWT token"}', JSON, AuthError),
    (GET, 404, "<title>Airflow 404</title>", HTML, NotStarshipError),
    (POST, 408, "", "", LostAnswerError),
    (POST, 409, starship("IntegrityError('...')"), JSON, ConflictError),
    (POST, 413, "", HTML, TooLargeError),
    (POST, 429, "", HTML, ThrottledError),
    (POST, 500, starship("Unconsumed column names: zz\nTraceback"), JSON, InvalidRowError),
    (POST, 500, starship("A string literal cannot contain NUL (0x00) characters.\nT"), JSON, InvalidRowError),
    (
        POST,
        500,
        starship("INSERT value for column dag_run.conf is explicitly rendered as a bound"),
        JSON,
        InvalidRowError,
    ),
    (POST, 500, starship("QueuePool limit of size 5 overflow 10 reached"), JSON, LostAnswerError),
    (GET, 500, starship("Unconsumed column names"), JSON, TransientError),
    (POST, 500, "", HTML, LostAnswerError),
    (LARGE, 500, "", HTML, TooLargeError),
    (LARGE, 500, starship("QueuePool limit"), JSON, LostAnswerError),
    (POST, 501, "", "", UnexpectedAnswerError),
    (GET, 503, "", HTML, ThrottledError),
    (POST, 503, "", HTML, LostAnswerError),
    (POST, 504, "", HTML, LostAnswerError),
]


@pytest.mark.parametrize(("request_", "status", "text", "kind", "error"), CASES)
def test_measured_answers(request_: Request, status: int, text: str, kind: str, error: type[SideError]) -> None:
    """What real servers answer becomes the error that says what to do about it."""
    assert type(verdict(request_, status, text, kind)) is error


@pytest.mark.parametrize("request_", [GET, POST])
@pytest.mark.parametrize(
    ("location", "error"),
    [
        ("/login/?next=http://h/x", AuthError),
        ("https://auth.example.com/authorize", AuthError),
        ("http://[broken", AuthError),
        ("/home", ForbiddenError),
        ("/base/home", ForbiddenError),
        ("https://h/", ForbiddenError),
        ("https://other/base{path}", NotStarshipError),
        ("/base{path}/", NotStarshipError),
    ],
)
def test_redirects(request_: Request, location: str, error: type[SideError]) -> None:
    """A redirect home means no rights, one to the same page a wrong URL, any other one that nobody knows us."""
    found = verdict(request_, 302, "", HTML, Location=location.format(path=request_.path))
    assert type(found) is error


def test_details_are_redacted() -> None:
    """Neither the echo of a request nor the query of a redirect gets into an error."""
    conflict = verdict(POST, 409, starship("IntegrityError('(x) duplicate key\\nDETAIL:  Key (run_id)=(r1)')"))
    moved = verdict(GET, 302, "", HTML, Location="https://u:canary@h/login?token=canary")
    assert "duplicate key DETAIL: Key (run_id)=(r1)" in str(conflict)
    assert "conf" not in str(conflict)
    assert "canary" not in str(moved)


@pytest.mark.parametrize(("status", "request_"), [(429, POST), (503, GET), (503, POST), (502, POST)])
def test_the_wait_that_was_asked_for_is_kept(status: int, request_: Request) -> None:
    """Throttled and lost answers carry their Retry-After."""
    error: Any = verdict(request_, status, "", HTML, Retry_After="7")
    assert error.retry_after == 7
