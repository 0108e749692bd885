"""Holds older releases of Airflow 2 to the same contract as the emulator that plays them."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.contract.access import AccessContract
from tests.contract.objects import ObjectsContract
from tests.contract.opaque import OpaqueContract
from tests.contract.reading import ReadingContract
from tests.contract.refusing import RefusingContract
from tests.contract.removing import RemovingContract
from tests.contract.server import Caller, Server, calling
from tests.contract.writing import WritingContract
from tests.contract.xcoms import NoXComContract, XComContract

from .conftest import available
from .pairs import EVERYTHING
from .real_server import RealServer
from .rig import VERSIONS, Side, boot_side

_OLDER = [version for version in VERSIONS if version.startswith("2.") and version != "2.11.2"]
_SELDOM = pytest.mark.skipif(not EVERYTHING, reason="boots six more deployments: TRANSFER_LIVE_ALL=1")


@pytest.fixture(scope="module", params=[pytest.param(version, marks=_SELDOM) for version in _OLDER])
def version(request: pytest.FixtureRequest) -> str:
    """One release after the other."""
    return str(request.param)


@pytest.fixture(scope="module")
def side(version: str) -> Iterator[Side]:
    """A deployment of it, with any number of logins."""
    with available(boot_side(version)) as running:
        yield running


@pytest.fixture(scope="module")
def logins(side: Side) -> dict[str, str]:
    """The logins so far at this server."""
    assert side.url
    return {}


@pytest.fixture
def server(side: Side, logins: dict[str, str]) -> Server:
    """The server, empty."""
    side.reset()
    return RealServer(side, logins)


@pytest.fixture
async def admin(server: Server) -> AsyncIterator[Caller]:
    """A caller with the administrator's cookie."""
    async with calling(server, server.cookie("admin")) as caller:
        yield caller


class TestAccess(AccessContract):
    """Logins and routes."""


class TestReading(ReadingContract):
    """Pages."""


class TestRefusing(RefusingContract):
    """Refused batches."""


class TestOpaque(OpaqueContract):
    """Answers of releases that cannot say what is wrong."""


class TestRemoving(RemovingContract):
    """Single runs in the stable REST API."""


class TestWriting(WritingContract):
    """Accepted batches."""


class TestObjects(ObjectsContract):
    """Variables, connections and the environment."""


class TestXComs(XComContract):
    """XComs."""


class TestNoXComs(NoXComContract):
    """Where there are none."""
