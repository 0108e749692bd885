"""``transfer init``."""

import tomllib
from pathlib import Path

import pytest

from .calling import Command


def test_a_configuration_is_written(transfer: Command) -> None:
    """It is TOML with both sides, and what to do next is said."""
    said = transfer("init")
    assert said.code == 0
    assert {"source", "target"} <= tomllib.loads(Path("transfer.toml").read_text(encoding="utf-8")).keys()
    assert "transfer check --config transfer.toml" in said.out


def test_nothing_is_overwritten(transfer: Command) -> None:
    """A file that is there is left alone, with exit code 2."""
    Path("mine.toml").write_text("precious", encoding="utf-8")
    said = transfer("init", "mine.toml")
    assert said.code == 2
    assert "mine.toml: exists already" in said.err
    assert "--force" in said.err
    assert Path("mine.toml").read_text(encoding="utf-8") == "precious"


def test_unless_it_is_wanted(transfer: Command) -> None:
    """--force replaces it."""
    Path("mine.toml").write_text("worthless", encoding="utf-8")
    assert transfer("init", "mine.toml", "--force").code == 0
    assert "[source]" in Path("mine.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", ["no/such/folder/x.toml", "/proc/x.toml"])
def test_where_nothing_can_be_written(transfer: Command, path: str) -> None:
    """Exit code 2 with the path and the reason."""
    said = transfer("init", path)
    assert said.code == 2
    assert f"{path}: cannot be written: " in said.err


def test_a_folder_is_no_file(transfer: Command, folder: Path) -> None:
    """--force does not help against a folder."""
    said = transfer("init", folder, "--force")
    assert (said.code, "cannot be written" in said.err) == (2, True)
