"""Configurations that are missing or wrong: exit code 2, everything at once, and no value repeated."""

from pathlib import Path

import pytest

from .calling import Command
from .deployments import TOKEN, Pair

COMMANDS = pytest.mark.parametrize("command", ["check", "plan", "run"])

WRONG = f"""
[source]
url = "ftp://somewhere"
auth = {{ kind = "bearer", token = "{TOKEN}" }}
[target]
url = "https://user:{TOKEN}@somewhere"
auth = {{ kind = "magic" }}
[limits]
batch_rows = 0
"""


@COMMANDS
def test_a_file_that_is_not_there(transfer: Command, command: str) -> None:
    """The path, and where to get one."""
    said = transfer(command, "--config", "nowhere.toml")
    assert said.code == 2
    assert "nowhere.toml: does not exist" in said.err
    assert "transfer init" in said.err


@COMMANDS
def test_no_configuration_at_all(transfer: Command, command: str) -> None:
    """Both sides are missing."""
    said = transfer(command)
    assert said.code == 2
    assert "configuration: source: is missing\nconfiguration: target: is missing\n" in said.err


@COMMANDS
def test_a_file_that_is_not_toml(transfer: Command, command: str) -> None:
    """The path, the line, and how TOML looks."""
    Path("broken.toml").write_text('[source]\nurl = http://"\n', encoding="utf-8")
    said = transfer(command, "--config", "broken.toml")
    assert said.code == 2
    assert "broken.toml: is not TOML: " in said.err
    assert "line 2" in said.err


@COMMANDS
def test_all_wrong_values_are_said_at_once(transfer: Command, folder: Path, command: str) -> None:
    """One line for each, none of which repeats the secret that was written where none belongs."""
    file = folder / "wrong.toml"
    file.write_text(WRONG, encoding="utf-8")
    said = transfer(command, "--config", file)
    file.unlink()  # it does hold a canary
    assert said.code == 2
    problems = [line.removeprefix("configuration: ").partition(":")[0] for line in said.err.splitlines()[:-1]]
    assert problems == ["source.url", "source.auth.token", "target.url", "target.auth.kind", "limits.batch_rows"]


def test_a_status_needs_no_configuration_unless_it_is_named(transfer: Command) -> None:
    """A configuration that is named and not there is an error for ``status``, too."""
    assert transfer("status", "--config", "nowhere.toml").code == 2


def test_json_errors_are_objects(transfer: Command) -> None:
    """A configuration error is one object on standard output."""
    said = transfer("run", "--json", "--config", "nowhere.toml")
    assert [line["exit_code"] for line in said.objects] == [2]


def test_a_secret_that_everybody_can_read(
    transfer: Command, pair: Pair, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """``check`` warns of it as a finding, ``run`` in its log; both go on."""
    secret = tmp_path_factory.mktemp("secrets") / "token"
    secret.write_text("canary-source-Pa55/word", encoding="utf-8")
    secret.chmod(0o644)
    auth = {"kind": "session", "username": "admin", "password": {"file": str(secret)}}
    config = pair.config(source__auth=auth)
    check, run = transfer("check", "--config", config), transfer("run", "--config", config)
    assert f"WARNING  source.auth.password: the file {secret} can be read by every user: chmod 600 it" in check.out
    assert "chmod 600" in run.err
    assert (check.code, run.code) == (0, 0)
