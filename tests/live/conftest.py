"""Fixtures of the live tests; every test in this folder is marked `live` and may take ten minutes."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from .environment import OFTEN
from .job import Job
from .rig import Connection, Rig, boot
from .unavailable import RigUnavailable

REQUIRED_VARIABLE = "TRANSFER_LIVE_REQUIRED"
TIMEOUT_SECONDS = 600


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark this folder's tests, so that no file can forget it."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.live)
            if item.get_closest_marker("timeout") is None:
                item.add_marker(pytest.mark.timeout(TIMEOUT_SECONDS))


@pytest.fixture(scope="session")
def booted() -> Iterator[Rig]:
    """Both sides, started once; skips where they cannot be had, fails there if TRANSFER_LIVE_REQUIRED is 1."""
    with ExitStack() as stack:
        try:
            running = stack.enter_context(boot(OFTEN, OFTEN))
        except RigUnavailable as error:
            if os.environ.get(REQUIRED_VARIABLE) == "1":
                pytest.fail(error.reason)
            pytest.skip(error.reason)
        yield running


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
