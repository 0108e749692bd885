"""A server under contract, and the smallest client that can ask it anything."""

import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, Protocol

import aiohttp
import pytest

from transfer.emulator.columns import DEFAULT, release_of
from transfer.emulator.maker import RowMaker
from transfer.kinds import DAG_RUNS, TASK_INSTANCE_HISTORY, TASK_INSTANCES, Kind, Row

from .releases import fits

ECHOES_BYTES: Final = (2, 6)
"""The first release that can answer a batch with ``executor_config``."""
KEEPS_TRIES: Final = (2, 10)
"""The first release that keeps the earlier tries of task instances."""


class Server(Protocol):
    """An empty deployment with the users admin and viewer, each with a password of their own.

    One of another version than 2.11.2 says so in an attribute ``version``, such as "2.8.4".
    """

    url: str

    def cookie(self, user: str) -> str:
        """Return the Cookie header of a logged-in user; on Airflow 3 ``Bearer`` and a token of theirs."""
        ...

    def password(self, user: str) -> str:
        """Return the user's password."""
        ...

    def list_dag(self, dag_id: str) -> None:
        """Give the DAG a row in table ``dag``."""
        ...

    def expire_sessions(self) -> None:
        """End every login."""
        ...


class ModernServer(Server, Protocol):
    """The same of Airflow 3, with the simple auth manager."""

    def parse_dag(self, dag_id: str) -> str:
        """Give a DAG that has a row a (next) version, as parsing its file does, and return the id of that version."""
        ...


def version_of(server: Server) -> str:
    """Return the version of a server, "2.11.2" unless it says otherwise."""
    return str(getattr(server, "version", DEFAULT))


@dataclass(frozen=True, slots=True)
class Said:
    """An answer, read to its end."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def kind(self) -> str:
        """The content type without its charset."""
        return self.headers["Content-Type"].partition(";")[0]

    def json(self) -> Any:
        """Return the body, which must be JSON."""
        assert self.kind == "application/json", self.body[:300]
        return json.loads(self.body)


class Caller:
    """Asks a server with one user's cookie; follows no redirect."""

    def __init__(self, server: Server, session: aiohttp.ClientSession, cookie: str | None) -> None:
        self.server = server
        self.release = release_of(version_of(server))
        self.make = RowMaker(version_of(server))
        self._session = session
        self._headers = {"Accept-Encoding": "identity"}  # Airflow 3 compresses whatever it may
        if cookie:
            self._headers["Authorization" if cookie.startswith("Bearer ") else "Cookie"] = cookie

    def tried(self, run: Row, task_id: str, **changes: Any) -> Row:
        """Return an earlier try; where none are kept, what else could be taken for one."""
        make = self.make.tried if self.release >= KEEPS_TRIES else self.make.task
        return make(run, task_id, **changes)

    async def ask(
        self, method: str, path: str, *, body: Any = None, headers: dict[str, str] | None = None, **params: Any
    ) -> Said:
        """Send one request; ``params`` are those of the query, ``body`` is bytes or a stream of them."""
        url = f"{self.server.url}{path}"
        sent = self._headers | (headers or {})
        query = {key: str(value) for key, value in params.items()}
        async with self._session.request(
            method, url, params=query, data=body, headers=sent, allow_redirects=False
        ) as answer:
            return Said(answer.status, dict(answer.headers), await answer.read())

    async def get(self, route: str, **params: Any) -> Said:
        """Read from one of Starship's routes."""
        return await self.ask("GET", f"/api/starship/{route}", **params)

    async def rows(self, kind: Kind, dag_id: str = "d", **params: Any) -> list[Row]:
        """Read a page and return its rows."""
        said = await self.get(kind.route, dag_id=dag_id, **params)
        rows: list[Row] = said.json()[kind.envelope]
        return rows

    async def post(self, route: str, body: Any) -> Said:
        """Send JSON to one of Starship's routes: bytes as they are, anything else is dumped."""
        sent = (
            body
            if hasattr(body, "__aiter__")
            else io.BytesIO(body if isinstance(body, bytes) else json.dumps(body).encode())
        )
        headers = {"Content-Type": "application/json"}
        return await self.ask("POST", f"/api/starship/{route}", body=sent, headers=headers)

    async def insert(self, kind: Kind, *rows: Row) -> Said:
        """Send a batch; without ``executor_config`` to an Airflow that cannot echo it."""
        sent = [without(row, "executor_config") for row in rows] if self.release < ECHOES_BYTES else list(rows)
        return await self.post(kind.route, {kind.envelope: sent})

    async def store(self, kind: Kind, *rows: Row) -> None:
        """Send a batch that must be accepted."""
        said = await self.insert(kind, *rows)
        assert said.status == 200, said.body[:300]


@asynccontextmanager
async def calling(server: Server, cookie: str | None) -> AsyncIterator[Caller]:
    """Open a caller with a cookie, or with none."""
    jar = aiohttp.DummyCookieJar()
    async with aiohttp.ClientSession(cookie_jar=jar, auto_decompress=False) as session:
        yield Caller(server, session, cookie)


def without(row: Row, *names: str) -> Row:
    """Return ``row`` without some of its columns."""
    return {name: value for name, value in row.items() if name not in names}


async def one_of_each(caller: Caller, dag_id: str = "d") -> tuple[Row, Row, Row]:
    """Store a run with one task instance and one earlier try of it, and return the three rows.

    An Airflow that keeps no tries gets one, too: it has to ignore it.
    """
    run = caller.make.run(dag_id, 1)
    task = caller.make.task(run, "t", try_number=2)
    earlier = caller.tried(run, "t", try_number=1, state="failed")
    await caller.store(DAG_RUNS, run)
    await caller.store(TASK_INSTANCES, task)
    await caller.store(TASK_INSTANCE_HISTORY, earlier)
    return run, task, earlier


class Contract:
    """What the classes of tests share."""

    @pytest.fixture(autouse=True)
    def _about(self, request: pytest.FixtureRequest, server: Server) -> None:
        """Leave out what is not about the release of this server."""
        if not fits(request.function, request.cls, release_of(version_of(server))):
            pytest.skip(f"not about Airflow {version_of(server)}")

    async def count(self, caller: Caller, kind: Kind, dag_id: str = "d") -> int:
        """Return how many rows of ``kind`` a DAG has on the server."""
        return len(await caller.rows(kind, dag_id, limit=1000))
