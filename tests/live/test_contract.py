"""Holds real Airflow to the same contract as the emulator: where they differ, the emulator is wrong."""

from collections.abc import AsyncIterator

import pytest

from tests.contract.access import AccessContract
from tests.contract.reading import ReadingContract
from tests.contract.refusing import RefusingContract
from tests.contract.removing import RemovingContract
from tests.contract.server import Caller, Server, calling
from tests.contract.writing import WritingContract

from .rig import Rig, Side
from .seed import register_dags


class _Real:
    """One side of the rig, emptied."""

    def __init__(self, side: Side, cookies: dict[str, str]) -> None:
        self.url = side.url
        self._side = side
        self._cookies = cookies

    def cookie(self, user: str) -> str:
        """Return the Cookie header of a logged-in user."""
        if user not in self._cookies:
            self._cookies[user] = self._side.log_in(user)
        return self._cookies[user]

    def password(self, user: str) -> str:
        """Return the user's password."""
        return self._side.users[user].password

    def list_dag(self, dag_id: str) -> None:
        """Give the DAG a row in table ``dag``."""
        with self._side.connect() as conn:
            register_dags(conn, [dag_id])

    def expire_sessions(self) -> None:
        """End every login."""
        self._side.expire_sessions()
        self._cookies.clear()


@pytest.fixture(scope="session")
def cookies() -> dict[str, str]:
    """The logins so far: the server allows only a few in a minute."""
    return {}


@pytest.fixture
def server(rig: Rig, cookies: dict[str, str]) -> Server:
    """An empty target."""
    return _Real(rig.target, cookies)


@pytest.fixture
async def admin(server: Server) -> AsyncIterator[Caller]:
    """A caller with the administrator's cookie."""
    async with calling(server, server.cookie("admin")) as caller:
        yield caller


class TestReading(ReadingContract):
    """Pages."""


class TestRefusing(RefusingContract):
    """Refused batches."""


class TestWriting(WritingContract):
    """Accepted batches."""


class TestRemoving(RemovingContract):
    """Single runs in the stable REST API."""


class TestAccess(AccessContract):
    """Logins and routes."""
