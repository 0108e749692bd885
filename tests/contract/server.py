"""A server under contract, and the smallest client that can ask it anything."""

import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import aiohttp

from transfer.emulator.rows import run_row, task_row
from transfer.kinds import DAG_RUNS, TASK_INSTANCE_HISTORY, TASK_INSTANCES, Kind, Row


class Server(Protocol):
    """An empty deployment with the users admin and viewer, each with a password of their own."""

    url: str

    def cookie(self, user: str) -> str:
        """Return the Cookie header of a logged-in user."""
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
        self._session = session
        self._headers = {"Cookie": cookie} if cookie else {}

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
        """Send a batch."""
        return await self.post(kind.route, {kind.envelope: list(rows)})

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


async def one_of_each(caller: Caller, dag_id: str = "d") -> tuple[Row, Row, Row]:
    """Store a run with one task instance and one earlier try of it, and return the three rows."""
    run = run_row(dag_id, 1)
    task = task_row(run, "t", try_number=2)
    earlier = task_row(run, "t", try_number=1, state="failed")
    await caller.store(DAG_RUNS, run)
    await caller.store(TASK_INSTANCES, task)
    await caller.store(TASK_INSTANCE_HISTORY, earlier)
    return run, task, earlier


class Contract:
    """What the classes of tests share."""

    async def count(self, caller: Caller, kind: Kind, dag_id: str = "d") -> int:
        """Return how many rows of ``kind`` a DAG has on the server."""
        return len(await caller.rows(kind, dag_id, limit=1000))
