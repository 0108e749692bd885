"""Fixtures of the canaries."""

import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from transfer import secrets_registry

from .canaries import PASSWORD, TOKEN


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A folder in which everything is written, temporary files too, and an environment with secrets."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setenv("CANARY_PASSWORD", PASSWORD)
    monkeypatch.setenv("CANARY_TOKEN", TOKEN)
    monkeypatch.setattr(secrets_registry, "_known", set())
    monkeypatch.setattr(logging.getLogger(), "handlers", list(logging.getLogger().handlers))
    yield tmp_path
    structlog.reset_defaults()
