"""Holds real Airflow to the same contract as the emulator: where they differ, the emulator is wrong."""

from collections.abc import AsyncIterator

import pytest

from tests.contract.access import AccessContract
from tests.contract.objects import ObjectsContract
from tests.contract.reading import ReadingContract
from tests.contract.refusing import RefusingContract
from tests.contract.removing import RemovingContract
from tests.contract.server import Caller, Server, calling
from tests.contract.writing import WritingContract
from tests.contract.xcoms import XComContract

from .real_server import RealServer
from .rig import Rig


@pytest.fixture(scope="session")
def cookies() -> dict[str, str]:
    """The logins so far: the server allows only a few in a minute."""
    return {}


@pytest.fixture
def server(rig: Rig, cookies: dict[str, str]) -> Server:
    """An empty target."""
    return RealServer(rig.target, cookies)


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


class TestObjects(ObjectsContract):
    """Variables, connections and the environment."""


class TestXComs(XComContract):
    """XComs."""
