"""Which versions can be moved, and what is done to rows."""

from typing import Any

import pytest

from transfer.errors import UnsupportedError
from transfer.mapping import check_versions, fit
from transfer.model import ServerInfo

KNOWN = ServerInfo("2.11.2", "2.10.1")


@pytest.mark.parametrize("version", ["2.11.0", "2.11.2", "2.11.2+astro.1"])
def test_supported_versions(version: str) -> None:
    """Every patch release of 2.11 is moved to every other."""
    check_versions(ServerInfo(version, "2.10.1"), KNOWN)
    check_versions(KNOWN, ServerInfo(version, "2.10.1"))


@pytest.mark.parametrize("version", ["2.10.5", "3.1.8", "2.1", "", "unknown", "2.110.0"])
@pytest.mark.parametrize("side", ["source", "target"])
def test_other_versions_are_refused(side: str, version: str) -> None:
    """Any other version is refused with the side and the version it has."""
    other = ServerInfo(version, "2.10.1")
    with pytest.raises(UnsupportedError, match=f"{side}: Airflow {version} is not supported"):
        check_versions(*((other, KNOWN) if side == "source" else (KNOWN, other)))


def test_triggers_are_left_behind() -> None:
    """The id of a trigger that the target does not have becomes null; nothing else changes."""
    rows: list[dict[str, Any]] = [{"trigger_id": 5, "pid": 1}, {"trigger_id": None, "pid": 2}, {"pid": 3}]
    fit(rows)
    assert rows == [{"trigger_id": None, "pid": 1}, {"trigger_id": None, "pid": 2}, {"pid": 3}]
