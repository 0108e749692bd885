"""Holds the emulator to the contract, whichever Airflow it plays."""

import pytest

from transfer.emulator import VERSIONS

from .access import AccessContract
from .access3 import ModernAccessContract
from .logs import LogsContract
from .objects import ObjectsContract
from .opaque import OpaqueContract
from .reading import ReadingContract
from .reading3 import ModernReadingContract
from .refusing import RefusingContract
from .refusing3 import ModernRefusingContract
from .removing import RemovingContract
from .removing3 import ModernRemovingContract
from .writing import WritingContract
from .writing3 import ModernWritingContract
from .xcoms import NoXComContract, XComContract

_AIRFLOW_2 = pytest.mark.parametrize("version", VERSIONS[:-1])
_AIRFLOW_3 = pytest.mark.parametrize("version", VERSIONS[-1:])


@_AIRFLOW_2
class TestAccess(AccessContract):
    """Logins and routes."""


@_AIRFLOW_2
class TestReading(ReadingContract):
    """Pages."""


@_AIRFLOW_2
class TestRefusing(RefusingContract):
    """Refused batches."""


@_AIRFLOW_2
class TestOpaque(OpaqueContract):
    """Answers of releases that cannot say what is wrong."""


@pytest.mark.parametrize("version", VERSIONS)
class TestObjects(ObjectsContract):
    """Variables, connections and the environment."""


@_AIRFLOW_2
class TestLogs(LogsContract):
    """Task logs."""


@_AIRFLOW_2
class TestRemoving(RemovingContract):
    """Single runs in the stable REST API."""


@_AIRFLOW_2
class TestWriting(WritingContract):
    """Accepted batches."""


@_AIRFLOW_3
class TestModernAccess(ModernAccessContract):
    """Logins and routes of Airflow 3."""


@_AIRFLOW_3
class TestModernReading(ModernReadingContract):
    """Pages of Airflow 3."""


@_AIRFLOW_3
class TestModernRefusing(ModernRefusingContract):
    """Batches that Airflow 3 refuses."""


@_AIRFLOW_3
class TestModernRemoving(ModernRemovingContract):
    """Single runs in the stable REST API of Airflow 3."""


@_AIRFLOW_3
class TestModernWriting(ModernWritingContract):
    """Batches that Airflow 3 accepts."""


@_AIRFLOW_2
class TestXComs(XComContract):
    """XComs."""


@_AIRFLOW_2
class TestNoXComs(NoXComContract):
    """Where there are none."""
