"""Variables, connections and environment variables pass through memory: no piece of one comes out anywhere."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.hostile.deployment import Asked, Deployment, Reply, answer, as_json, served
from transfer.cli.main import invoke

from .canaries import CONF, CONNECTION, PASSWORD, TOKEN, VARIABLE, found
from .jobs import SESSION, own_files, write_config
from .leaky import TROUBLES, Leaky

BEGINNING = b"cAnary"
"""What all canaries begin with: not even a piece of one is allowed."""

COMMANDS = (
    ("copy", "--yes", "--log-level", "debug"),
    ("copy", "--yes", "--on-conflict", "replace", "--json"),
    ("diff", "--log-level", "debug"),
)
KEYS = {"variables": "key", "connections": "conn_id", "pools": "name"}
LARGE = "".join(f"{CONF} {number}\n" for number in range(10_000))
"""More than limits.memory_bytes, so that history of this size would go into a temporary file."""


def objects(*, old: str = "") -> dict[str, dict[str, dict[str, Any]]]:
    """Return objects with canaries in them; ``old`` gives those with the same names other values."""
    connection: dict[str, Any] = dict.fromkeys(("description", "host", "schema", "port"))
    name = "theirs" if old else "ours"
    secret = {"login": TOKEN, "password": PASSWORD + old, "extra": json.dumps({"a": [CONNECTION, old]})}
    return {
        "variables": {
            "v": {"key": "v", "val": VARIABLE + old, "description": None},
            name: {"key": name, "val": json.dumps({"k": VARIABLE}), "description": None},
        },
        "connections": {"c": {"conn_id": "c", "conn_type": "x", **connection, **secret}},
        "pools": {},
    }


@dataclass
class Holding:
    """A deployment with objects; ``trouble`` happens to requests of one method and route, ``times`` times."""

    held: dict[str, dict[str, dict[str, Any]]]
    trouble: Callable[[Asked], Reply | None] = TROUBLES["none"]
    method: str = ""
    times: int = 1_000
    login: Leaky = field(default_factory=Leaky)

    def __call__(self, asked: Asked, honest: Any) -> Reply | None:
        """Answer as a script does."""
        if asked.route == "env_vars":
            return as_json({"SECRET": VARIABLE})
        if asked.route not in KEYS:
            return self.login(asked, honest)
        if asked.method == self.method and self.times > 0:
            self.times -= 1
            return self.trouble(asked) or self._honest(asked)
        return self._honest(asked)

    def _honest(self, asked: Asked) -> Reply:
        held, key = self.held[asked.route], KEYS[asked.route]
        if asked.method == "GET":
            return as_json(list(held.values()))
        if asked.method == "DELETE":
            held.pop(asked.params[key], None)
            return answer(b"", "204 NO CONTENT", "text/html")
        sent = json.loads(asked.body)
        if sent[key] in held:
            return TROUBLES["409"](asked) or b""
        held[sent[key]] = sent
        return as_json(sent)


def traces(folder: Path) -> list[str]:
    """Return the files that hold any piece of a canary, but for those that the user has written."""
    own = set(own_files(folder))
    files = [file for file in folder.rglob("*") if file.is_file() and file not in own]
    return [file.name for file in files if BEGINNING in file.read_bytes()]


def said_by(folder: Path, config: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """Run all commands and return all that they said, after a look into all files."""
    said = ""
    for command, *flags in COMMANDS:
        invoke(["config", command, *flags, "--config", str(config)])
        out, err = capsys.readouterr()
        said += out + err
        assert traces(folder) == []
    return said


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize("trouble", TROUBLES)
def test_trouble(folder: Path, capsys: pytest.CaptureFixture[str], trouble: str, method: str) -> None:
    """Whatever the target repeats of what it was sent, and of its own values, nothing of it is repeated by us."""
    for times in (1, 1_000):
        target = Deployment.of(0)
        target.script = Holding(objects(old=TOKEN), TROUBLES[trouble], method, times)
        source = Deployment.of(0)
        source.script = Holding(objects())
        with served(source) as left, served(target) as right:
            said = said_by(folder, write_config(folder, left, right, auth=SESSION), capsys)
        assert BEGINNING.decode() not in said
        assert "defect" not in said
        assert "Traceback" not in said


def _with_a_large_one() -> dict[str, dict[str, dict[str, Any]]]:
    held = objects()
    held["variables"]["large"] = {"key": "large", "val": LARGE, "description": None}
    return held


def test_the_canaries_are_used(folder: Path) -> None:
    """They really arrive at the target, the large one too; and a file that was asked for has the environment's."""
    source, target = Deployment.of(0), Deployment.of(0)
    empty: dict[str, dict[str, dict[str, Any]]] = {kind: {} for kind in KEYS}
    source.script, target.script = Holding(_with_a_large_one()), Holding(empty)
    with served(source) as left, served(target) as right:
        config = str(write_config(folder, left, right, auth=SESSION))
        assert invoke(["config", "copy", "--yes", "--config", config]) == 0
        assert invoke(["config", "env", "own.env", "--all", "--config", config]) == 0
    assert empty == _with_a_large_one()
    assert found((folder / "own.env").read_bytes()) == [VARIABLE]
    assert traces(folder) == ["own.env"]


def test_a_large_answer_goes_into_no_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list of secrets that is larger than what is held in memory else stays there."""
    source, target = Deployment.of(0), Deployment.of(0)
    source.script, target.script = Holding(_with_a_large_one()), Holding({kind: {} for kind in KEYS})
    spooled: list[bytes] = []
    monkeypatch.setattr("transfer.client.body.SpooledBody._spool", lambda _self, piece: spooled.append(piece))
    with served(source) as left, served(target) as right:
        config = write_config(folder, left, right, auth=SESSION)
        assert len(LARGE) > 65_536
        assert invoke(["config", "copy", "--yes", "--config", str(config)]) == 0
    assert spooled == []
