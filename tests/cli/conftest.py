"""Fixtures of the command line's tests."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from transfer import secrets_registry

from .calling import Command
from .deployments import CANARIES, LARGE, SECRETS, Pair, pair_of


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """The current directory, in which no command of a test leaves a secret."""
    monkeypatch.chdir(tmp_path)
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(secrets_registry, "_known", set())
    monkeypatch.setattr(logging.getLogger(), "handlers", list(logging.getLogger().handlers))
    yield tmp_path
    structlog.reset_defaults()
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert not [file for file in files for canary in CANARIES if canary.encode() in file.read_bytes()]


@pytest.fixture
def transfer(capsys: pytest.CaptureFixture[str]) -> Command:
    """The program, run in this process."""
    return Command(capsys)


@pytest.fixture
def pair(folder: Path) -> Iterator[Pair]:
    """A source with 60 runs and a target with the same DAGs."""
    with pair_of(folder) as pair:
        yield pair


@pytest.fixture
def large(folder: Path) -> Iterator[Pair]:
    """A source with 600 runs and a target with the same DAGs."""
    with pair_of(folder, LARGE) as pair:
        yield pair
