"""After every kind of trouble, on either side and with every command, no canary is anywhere."""

from pathlib import Path

import pytest

from tests.hostile.deployment import Deployment, served
from transfer.cli.main import invoke

from .canaries import found, in_files
from .jobs import BASIC, BEARER, SESSION, by_command, own_files, write_config
from .leaky import TROUBLES, Leaky, history

COMMANDS = (
    ("check", "--log-level", "debug"),
    ("plan", "--json"),
    ("run", "--log-level", "debug"),
    ("run", "--json"),
    ("verify", "--log-level", "debug"),
    ("verify", "--list", "--json"),
    ("repair", "--dry-run"),
    ("status", "--rejected"),
    ("status", "--json", "--rejected"),
)
AUTHS = {"session": SESSION, "bearer": BEARER, "basic": BASIC, "command": ""}


def said_by(folder: Path, config: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """Run all commands on a job; return all that they said, after a look into all files."""
    said = ""
    for command, *flags in COMMANDS:
        where = ["--state-dir", str(folder / "state")] if command == "status" else ["--config", str(config)]
        invoke([command, *where, *flags])
        out, err = capsys.readouterr()
        said += out + err
        assert in_files(folder, own_files(folder)) == {}
    return said


@pytest.mark.parametrize("where", ["info", "dag_runs", "task_instances", "login"])
@pytest.mark.parametrize("trouble", TROUBLES)
def test_trouble(folder: Path, capsys: pytest.CaptureFixture[str], trouble: str, where: str) -> None:
    """Whatever a side repeats of what it was sent or of what it knows, it ends there."""
    for side in ("source", "target"):
        source, target = history(), Deployment.of(0)
        source.script, target.script = Leaky(), Leaky()
        (source if side == "source" else target).script = Leaky(TROUBLES[trouble], where)
        with served(source) as left, served(target) as right:
            said = said_by(folder, write_config(folder, left, right, auth=SESSION), capsys)
        assert found(said) == []
        assert "defect" not in said
        assert "Traceback" not in said


@pytest.mark.parametrize("auth", AUTHS)
def test_every_kind_of_auth(folder: Path, capsys: pytest.CaptureFixture[str], auth: str) -> None:
    """Whatever the credentials are, they reach their server and nothing else, when it takes them and when not."""
    for trouble in ("none", "401", "500"):
        source, target = history(), Deployment.of(0)
        source.script, target.script = Leaky(TROUBLES[trouble], "info"), Leaky()
        with served(source) as left, served(target) as right:
            config = write_config(folder, left, right, auth=AUTHS[auth] or by_command(folder))
            said = said_by(folder, config, capsys)
        assert found(said) == []
        assert found(b"".join(one.head + one.body for one in source.asked)) != []


def test_a_wrong_password(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A refused login says so without the password, the form's token or the cookie."""
    source, target = history(), Deployment.of(0)
    source.script, target.script = Leaky(wrong_password=True), Leaky()
    with served(source) as left, served(target) as right:
        said = said_by(folder, write_config(folder, left, right, auth=SESSION), capsys)
    assert "the login was refused" in said
    assert found(said) == []
