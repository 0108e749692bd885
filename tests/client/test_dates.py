"""How a target's database takes dates, and which DAGs it has parsed."""

from typing import Any

import orjson
import pytest
from aiohttp import web

from transfer.capabilities import Dates
from transfer.config.settings import Retry
from transfer.errors import AuthError

from .serving import INFO, Handler, Side, page, side

THREE = INFO | {"airflow_version": "3.1.8"}


def replying(reply: web.Response, info: dict[str, Any] = INFO) -> Handler:
    """Return a handler that knows its version and gives ``reply`` to everything else."""

    async def handler(request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/info"):
            return web.json_response(info)
        return web.Response(status=reply.status, body=reply.body, headers=reply.headers)

    return handler


def refusal(status: int, error: str, message: str) -> web.Response:
    """Return a refusal as Starship words it."""
    return web.json_response({"error": error, "error_type": "x", "error_message": message, "kwargs": {}}, status=status)


NULLS = refusal(409, "Integrity Error (Duplicate Record?)", "IntegrityError('(psycopg2.errors.NotNullViolation) null')")
OFFSET = refusal(
    400,
    "SQL Error",
    "OperationalError('(pymysql.err.OperationalError) (1292, \"Incorrect datetime value: \\'2000-01-01",
)
UNWRITTEN = web.json_response(
    {
        "error": "Unknown Error",
        "error_type": "<class 'sqlalchemy.exc.UnsupportedCompilationError'>",
        "error_message": "Compiler <sqlalchemy.dialects.mysql.mysqldb.MySQLCompiler_mysqldb object at 0x7f> can't"
        " render element of type <class 'sqlalchemy.dialects.postgresql.dml.OnConflictDoNothing'>",
        "kwargs": {},
    },
    status=500,
)
"""An Airflow 3 on MySQL: not seen on a server, but what SQLAlchemy says, in Starship's envelope."""

SQLITE = refusal(
    400,
    "SQL Error",
    "StatementError('(builtins.TypeError) SQLite DateTime type only accepts Python datetime and date objects as input.",
)


@pytest.mark.parametrize(
    ("reply", "dates"),
    [
        (NULLS, Dates.AS_SERVED),
        (OFFSET, Dates.WITHOUT_OFFSET),
        (SQLITE, Dates.NOT_AT_ALL),
        (UNWRITTEN, Dates.NO_INSERTS),
    ],
    ids=["PostgreSQL", "MariaDB", "SQLite", "MariaDB behind Airflow 3"],
)
async def test_databases_are_told_apart(reply: web.Response, dates: Dates) -> None:
    """By what they have against a row that none of them can store."""
    async with side(replying(reply)) as target:
        assert await target.starship.probe_dates() is dates


def null_refused(words: str) -> web.Response:
    """Return what a database says that has taken the date."""
    return refusal(409, "Integrity Error (Duplicate Record?)", f"IntegrityError('{words}')")


LAX = [
    "(pymysql.err.IntegrityError) (1048, \"Column 'run_id' cannot be null\")",
    "(MySQLdb.IntegrityError) (1048, \"Column 'run_id' cannot be null\")",
    "(mysql.connector.errors.IntegrityError) 1048 (23000): Column 'run_id' cannot be null",
]


def knowing_dates(takes: web.Response, impossible: web.Response) -> Handler:
    """Return a handler with one answer to a date that there is, and another one to a date that there is not."""

    async def handler(request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/info"):
            return web.json_response(INFO)
        reply = impossible if b"2000-13-45" in await request.read() else takes
        return web.Response(status=reply.status, body=reply.body, headers=reply.headers)

    return handler


@pytest.mark.parametrize("words", LAX)
async def test_a_mysql_that_is_not_strict(words: str) -> None:
    """It has nothing against a date that there is not, and says so only of the nulls."""
    reply = null_refused(words)
    async with side(knowing_dates(reply, reply)) as target:
        assert await target.starship.probe_dates() is Dates.UNCHECKED
        assert [row["run_id"] for row in sent(target)] == [None, None]
        assert [row["execution_date"] for row in sent(target)] == ["2000-01-01 00:00:00+00:00", "2000-13-45 00:00:00"]


@pytest.mark.parametrize("words", LAX)
async def test_a_mysql_that_takes_offsets_and_is_strict(words: str) -> None:
    """It refuses the date that there is not: dates go without their offset, which is right for any MySQL."""
    async with side(knowing_dates(null_refused(words), OFFSET)) as target:
        assert await target.starship.probe_dates() is Dates.WITHOUT_OFFSET


@pytest.mark.parametrize("reply", [NULLS, OFFSET, SQLITE], ids=["PostgreSQL", "MariaDB", "SQLite"])
async def test_who_is_known_after_one_row_is_asked_no_more(reply: web.Response) -> None:
    """The date that there is not is for the others."""
    async with side(replying(reply)) as target:
        await target.starship.probe_dates()
        assert len(sent(target)) == 1


def sent(target: Side) -> list[Any]:
    """Return the rows of all POSTs."""
    bodies = [request._read_bytes for request in target.requests if request.method == "POST"]
    return [row for body in bodies if body for row in orjson.loads(body)["dag_runs"]]


@pytest.mark.parametrize(("info", "date"), [(INFO, "execution_date"), (THREE, "logical_date")])
async def test_the_probe_cannot_be_stored(info: dict[str, Any], date: str) -> None:
    """It lacks a run id and a type, both of which no Airflow allows, whatever the mode of its database."""
    async with side(replying(NULLS, info)) as target:
        await target.starship.probe_dates()
        (row,) = sent(target)
        assert (row["run_id"], row["run_type"], row[date]) == (None, None, "2000-01-01 00:00:00+00:00")


async def test_versions_that_never_say_why_are_not_asked() -> None:
    """2.4 and 2.5 answer every refusal with the same page."""
    async with side(replying(page(500), INFO | {"airflow_version": "2.5.3"})) as target:
        assert await target.starship.probe_dates() is Dates.AS_SERVED
        assert [request.method for request in target.requests] == ["GET"]


async def test_a_probe_that_is_no_refusal_is_an_error() -> None:
    """A login page says nothing about a database."""
    async with side(replying(page(401))) as target:
        with pytest.raises(AuthError):
            await target.starship.probe_dates()


def dags(*names: str, total: int | None = None, parsed: bool = True) -> web.Response:
    """Return a list of DAGs as Airflow 3 answers it."""
    rows = [{"dag_id": name, "last_parsed_time": "2026-01-01T00:00:00Z" if parsed else None} for name in names]
    return web.json_response({"dags": rows, "total_entries": len(rows) if total is None else total})


def listing(count: int, most: int) -> Handler:
    """Return an Airflow 3 with ``count`` DAGs that gives at most ``most`` of them at once."""
    names = [f"d{number:04}" for number in range(count)]

    async def handler(request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/info"):
            return web.json_response(THREE)
        first = int(request.query["offset"])
        return dags(*names[first : first + min(most, int(request.query["limit"]))], total=count)

    return handler


@pytest.mark.parametrize(("most", "offsets"), [(1000, ["0", "100", "200"]), (90, ["0", "90", "180"])])
async def test_parsed_dags_are_read_page_by_page(most: int, offsets: list[str]) -> None:
    """Until the count that the server gives is reached, however few it gives at once."""
    async with side(listing(250, most)) as target:
        assert len(await target.starship.parsed_dags() or ()) == 250
        assert [request.query["offset"] for request in target.requests if request.path == "/api/v2/dags"] == offsets


async def test_an_api_that_fails_tells_nothing() -> None:
    """One page of an Airflow may be broken, or held back by a proxy, while Starship answers."""
    async with side(replying(page(500), THREE), Retry(attempts=2)) as target:
        assert await target.starship.parsed_dags() is None


async def test_dags_without_a_time_of_parsing_are_not_parsed() -> None:
    """They have a row, and nothing behind it."""
    async with side(replying(dags("a", parsed=False), THREE)) as target:
        assert await target.starship.parsed_dags() == frozenset()


@pytest.mark.parametrize("reply", [page(404), page(403), web.json_response([1]), web.json_response({"dags": [1]})])
async def test_a_closed_api_tells_nothing(reply: web.Response) -> None:
    """Whoever cannot ask it goes on without knowing."""
    async with side(replying(reply, THREE)) as target:
        assert await target.starship.parsed_dags() is None


async def test_on_airflow_2_nobody_asks() -> None:
    """There it does not matter."""
    async with side(replying(page(404))) as target:
        assert await target.starship.parsed_dags() is None
        assert [request.path for request in target.requests] == ["/api/starship/info"]
