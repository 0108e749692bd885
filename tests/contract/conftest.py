"""The emulator as the server under contract."""

from collections.abc import AsyncIterator

import pytest

from transfer.emulator import Behaviour, Emulator, LoginForm, TableHistory, User
from transfer.emulator.rows import dag_row

from .server import Caller, Server, calling

_USERS = (User("admin", "a-canary"), User("viewer", "v-canary", "Viewer"))


class _Emulated:
    """An emulator with an empty table."""

    def __init__(self, emulator: Emulator, table: TableHistory, door: LoginForm) -> None:
        self.url = emulator.url
        self._table = table
        self._door = door

    def cookie(self, user: str) -> str:
        """Return the Cookie header of a logged-in user."""
        return f"session={self._door.let_in(user)}"

    def password(self, user: str) -> str:
        """Return the user's password."""
        return next(known.password for known in _USERS if known.username == user)

    def list_dag(self, dag_id: str) -> None:
        """Give the DAG a row in table ``dag``."""
        self._table.list_dag(dag_row(dag_id))

    def expire_sessions(self) -> None:
        """End every login."""
        self._door.expire()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """An empty emulator."""
    table, door = TableHistory(), LoginForm(_USERS)
    async with Emulator(table, Behaviour(door=door)) as emulator:
        yield _Emulated(emulator, table, door)


@pytest.fixture
async def admin(server: Server) -> AsyncIterator[Caller]:
    """A caller with the administrator's cookie."""
    async with calling(server, server.cookie("admin")) as caller:
        yield caller
