"""The emulator as the server under contract."""

from collections.abc import AsyncIterator

import pytest

from transfer.emulator import Behaviour, Emulator, LoginForm, TableHistory, TokenRoute, User
from transfer.emulator.columns import DEFAULT, MODERN, release_of
from transfer.emulator.maker import RowMaker

from .releases import fits
from .server import Caller, Server, calling

_USERS = (User("admin", "a-canary"), User("viewer", "v-canary", "Viewer"))


class _Emulated:
    """An emulator with an empty table."""

    def __init__(self, emulator: Emulator, table: TableHistory, door: LoginForm | TokenRoute) -> None:
        self.url = emulator.url
        self.version = table.version
        self._table = table
        self._door = door

    def cookie(self, user: str) -> str:
        """Return the Cookie header of a logged-in user."""
        credential = self._door.let_in(user)
        return f"session={credential}" if isinstance(self._door, LoginForm) else f"Bearer {credential}"

    def password(self, user: str) -> str:
        """Return the user's password."""
        return next(known.password for known in _USERS if known.username == user)

    def list_dag(self, dag_id: str) -> None:
        """Give the DAG a row in table ``dag``."""
        self._table.list_dag(RowMaker(self.version).dag(dag_id))

    def parse_dag(self, dag_id: str) -> str:
        """Give a DAG a (next) version."""
        return self._table.dag_versions.parse(dag_id)

    def expire_sessions(self) -> None:
        """End every login."""
        self._door.expire()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Take out the tests of a class that are not about the version which the class is run for."""
    strange = [item for item in items if isinstance(item, pytest.Function) and not _about(item)]
    if strange:
        config.hook.pytest_deselected(items=strange)
        items[:] = [item for item in items if item not in strange]


def _about(item: pytest.Function) -> bool:
    """Tell whether a test, be it of the contract or any other of the session, is about its version."""
    if not any(base.__module__.startswith(__package__ or "") for base in getattr(item.cls, "__mro__", ())):
        return True
    callspec = getattr(item, "callspec", None)
    version = callspec.params.get("version") if callspec else None
    return version is None or fits(item.function, item.cls, release_of(version))


@pytest.fixture
def version() -> str:
    """The Airflow that is played, unless a class of tests is run for others."""
    return DEFAULT


@pytest.fixture
async def server(version: str) -> AsyncIterator[Server]:
    """An empty emulator."""
    table = TableHistory(version=version)
    door = LoginForm(_USERS) if release_of(version) < MODERN else TokenRoute(_USERS, simple=True)
    async with Emulator(table, Behaviour(door=door, airflow_version=version)) as emulator:
        yield _Emulated(emulator, table, door)


@pytest.fixture
async def admin(server: Server) -> AsyncIterator[Caller]:
    """A caller with the administrator's cookie."""
    async with calling(server, server.cookie("admin")) as caller:
        yield caller
