"""Fixtures of the live tests; the tests in this folder are marked `live` and may take ten minutes."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from .airflow3 import Airflow3, ApiServer, boot_airflow3
from .environment import OFTEN
from .job import Job
from .rig import Connection, Rig, boot
from .unavailable import RigUnavailable

REQUIRED_VARIABLE = "TRANSFER_LIVE_REQUIRED"
TIMEOUT_SECONDS = 600
_PURE = ("chaos/test_proxy.py", "histories/test_kept.py", "test_expect.py")
HERMETIC = {Path(__file__).parent / name for name in _PURE}
"""Tests of the tests' own tools that need no Airflow."""

T = TypeVar("T")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark this folder's tests, so that no file can forget it."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent) and item.path not in HERMETIC:
            item.add_marker(pytest.mark.live)
            if item.get_closest_marker("timeout") is None:
                item.add_marker(pytest.mark.timeout(TIMEOUT_SECONDS))


@contextmanager
def available(booting: AbstractContextManager[T]) -> Iterator[T]:
    """Enter `booting`; skip where Airflow cannot be had, fail there if TRANSFER_LIVE_REQUIRED is 1."""
    with ExitStack() as stack:
        try:
            running = stack.enter_context(booting)
        except RigUnavailable as error:
            if os.environ.get(REQUIRED_VARIABLE) == "1":
                pytest.fail(error.reason)
            pytest.skip(error.reason)
        yield running


@pytest.fixture(scope="session")
def booted() -> Iterator[Rig]:
    """Both sides, started once."""
    with available(boot(OFTEN, OFTEN)) as running:
        yield running


@pytest.fixture(scope="session")
def airflow3() -> Iterator[Airflow3]:
    """An Airflow 3 without a server, started once and only if a test wants it."""
    with available(boot_airflow3()) as running:
        yield running


@pytest.fixture(scope="session")
def api_server(airflow3: Airflow3) -> Iterator[ApiServer]:
    """A server of Airflow 3 with the usual settings."""
    with airflow3.serve() as server:
        yield server


@pytest.fixture
def rig(booted: Rig) -> Rig:
    """Both sides, emptied for this test."""
    booted.reset()
    return booted


@pytest.fixture
def source(rig: Rig) -> Iterator[Connection]:
    """SQL access to the source's empty database."""
    with rig.source.connect() as conn:
        yield conn


@pytest.fixture
def target(rig: Rig) -> Iterator[Connection]:
    """SQL access to the target's empty database."""
    with rig.target.connect() as conn:
        yield conn


@pytest.fixture
def job(rig: Rig, tmp_path: Path) -> Job:
    """A job between the two sides that has never run."""
    return Job(rig.source, rig.target, tmp_path)
