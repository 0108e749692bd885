"""Holds a real Airflow 3 to the same contract as the emulator that plays it."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.contract.access3 import ModernAccessContract
from tests.contract.objects import ObjectsContract
from tests.contract.reading3 import ModernReadingContract
from tests.contract.refusing3 import ModernRefusingContract
from tests.contract.removing3 import ModernRemovingContract
from tests.contract.server import Caller, Server, calling
from tests.contract.writing3 import ModernWritingContract

from .conftest import available
from .install import AIRFLOW_3
from .real_server import RealServer
from .rig import Side, boot_side


@pytest.fixture(scope="module")
def side() -> Iterator[Side]:
    """An Airflow 3."""
    with available(boot_side(AIRFLOW_3)) as running:
        yield running


@pytest.fixture(scope="module")
def logins() -> dict[str, str]:
    """The logins so far."""
    return {}


@pytest.fixture
def server(side: Side, logins: dict[str, str]) -> Server:
    """The server, empty."""
    side.reset()
    return RealServer(side, logins)


@pytest.fixture
async def admin(server: Server) -> AsyncIterator[Caller]:
    """A caller with the administrator's token."""
    async with calling(server, server.cookie("admin")) as caller:
        yield caller


class TestAccess(ModernAccessContract):
    """Logins and routes."""


class TestReading(ModernReadingContract):
    """Pages."""


class TestRefusing(ModernRefusingContract):
    """Refused batches."""


class TestRemoving(ModernRemovingContract):
    """Single runs in the stable REST API."""


class TestWriting(ModernWritingContract):
    """Accepted batches."""


class TestObjects(ObjectsContract):
    """Variables, connections and the environment."""
