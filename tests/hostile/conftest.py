"""Fixtures of the hostile tests."""

import logging
from collections.abc import Iterator

import pytest
import structlog

from transfer import secrets_registry


@pytest.fixture(autouse=True)
def _own_logging(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(secrets_registry, "_known", set())
    monkeypatch.setattr(logging.getLogger(), "handlers", list(logging.getLogger().handlers))
    yield
    structlog.reset_defaults()


@pytest.fixture(autouse=True)
def _readable_output(capsys: pytest.CaptureFixture[str]) -> Iterator[None]:
    """Hold for every test: nothing is said that a terminal would obey, and no traceback."""
    yield
    out, err = capsys.readouterr()
    assert all(char.isprintable() or char == "\n" for char in out + err)
    assert "Traceback" not in out + err
