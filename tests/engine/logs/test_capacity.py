"""How large a log the target takes, and in which way."""

import pytest

from transfer.capabilities import capabilities
from transfer.config.settings import Limits
from transfer.engine.logs.capacity import BLOCK, HELD, LEAST_BLOCK, LogCapacity
from transfer.model import ServerInfo

MIB = 1_048_576


def capacity(version: str, log_bytes: int | None = None) -> LogCapacity:
    """Return what a target of a version takes."""
    return LogCapacity.of(capabilities("target", ServerInfo(version, "2.10.1")), Limits(log_bytes=log_bytes))


@pytest.mark.parametrize("version", ["2.8.4", "2.9.3", "2.10.5"])
def test_before_2_11_a_log_may_be_of_any_size(version: str) -> None:
    """Beyond 1 MiB it is sent without its length, which has no limit there."""
    taken = capacity(version)
    assert (taken.most, taken.held, taken.streams) == (None, HELD, True)


def test_on_2_11_it_ends_before_one_mib() -> None:
    """Nothing is sent there that would be cut."""
    taken = capacity("2.11.2")
    assert (taken.most, taken.streams) == (MIB - LEAST_BLOCK, False)


@pytest.mark.parametrize("log_bytes", [4 * MIB, 1024 * MIB])
def test_a_raised_limit_is_used_but_for_one_block(log_bytes: int) -> None:
    """The last piece that the target reads for must fit in as well."""
    taken = capacity("2.11.2", log_bytes)
    assert (taken.most, taken.streams) == (log_bytes - BLOCK, True)


def test_a_limit_of_a_proxy_can_be_said_as_well() -> None:
    """One below 1 MiB bounds what is held, on any version."""
    taken = capacity("2.10.5", 200_000)
    assert (taken.most, taken.held, taken.streams) == (200_000 - LEAST_BLOCK, 200_000 - LEAST_BLOCK, False)


@pytest.mark.parametrize("size", [0, 1, 900_000, 983_040, 983_041, 1_040_000, MIB - LEAST_BLOCK])
def test_a_block_always_fits_behind_the_log(size: int) -> None:
    """Else 2.11 stores the log and answers 500; and never 0, which would store an empty one."""
    block = capacity("2.11.2").block(size)
    assert 0 < block <= BLOCK
    assert size + block <= MIB
