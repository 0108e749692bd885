"""Names made of what terminals, addresses and file systems obey: shown as text, sent as text, never a path."""

import json
import os
import pty
import re
import subprocess
import sys
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import anyio
import pytest

import transfer as package
from transfer.cli.check import check_job
from transfer.cli.main import invoke
from transfer.cli.options import JobOptions, OutputOptions, VerifyOptions
from transfer.cli.plan import plan_job
from transfer.cli.run import run_job
from transfer.cli.status import show_status
from transfer.cli.verify import verify_job
from transfer.errors import TransferError

from .deployment import Asked, Deployment, Reply, answer
from .running import between

EVIL = {
    "colours": "a\x1b[31mred\x1b[0m",
    "a cleared screen": "a\x1b[2J\x1b[H",
    "a title": "a\x1b]0;pwned\x07",
    "a link": "a\x1b]8;;http://evil.example\x1b\\b",
    "the clipboard": "a\x1b]52;c;cm0gLXJm\x07",
    "eight-bit controls": "a\x9b31m\x9d0;pwned\x9c",
    "a bell and backspaces": "a\x07\b\b\b",
    "other lines": "a\r\nerror: all is lost\x0b\x0c\x85\u2028b",
    "bidirectional text": "a\u202egnp.exe\u2066b\u2069",
    "nothing to be seen": "a\u200b\u200d\ufeff\u00adb",
    "markup": "[red]a[/red][link=http://evil.example]b[/link][/]",
    "a path": "../../../../etc/passwd",
    "an address": "a/b?limit=9&dag_id=other#x;y=%0d%0aX-Evil: 1",
    "a header": "a\r\nX-Evil: 1\r\n\r\n",
    "a query": "a' OR 1=1; DROP TABLE job; --",
    "a format": "{0} %s %(x)s ${HOME} `id`",
    "nine hundred characters": "x" * 900,
    "other scripts": "Ünïcødé 数据 😀",
    "a NUL": "a\0b",
}
NAMES = pytest.mark.parametrize("name", EVIL.values(), ids=EVIL)


def evil_pair(name: str) -> tuple[Deployment, Deployment]:
    """Return a source in which everything is called ``name``, and a target that refuses its tasks in these words."""
    source, target = Deployment.of(2, name), Deployment.of(0, name)
    for row in chain(source.runs, source.tasks):
        row["run_id"] = f"{name} {row['run_id']}"
    for row in source.tasks:
        row["task_id"] = name

    def script(asked: Asked, _honest: Any) -> Reply | None:
        if (asked.method, asked.route) != ("POST", "task_instances") or b'"task_id"' not in asked.body:
            return None
        target.tasks = []
        return answer(json.dumps({"error": name, "error_message": f"{name} says {name}"}).encode(), "409 Conflict")

    target.script = script
    return source, target


def all_commands(config: Path, output: OutputOptions) -> list[int | str]:
    """Check, plan, run and look at a job; return the exit codes."""
    options = JobOptions(config=config)
    codes: list[int | str] = []
    try:
        codes += [anyio.run(check_job, options, output), anyio.run(plan_job, options, output, True)]
        codes += [anyio.run(run_job, options, output)]
        codes += [show_status(config.parent / "state", output, rejected=True)]
        codes += [anyio.run(verify_job, VerifyOptions(), options, output)]
        codes += [anyio.run(verify_job, VerifyOptions(listed=True), options, output)]
    except TransferError as error:
        codes.append(error.told)
    return codes


@NAMES
def test_text_for_people(tmp_path: Path, name: str) -> None:
    """No name, and no word of a server, makes a terminal do anything; the fixture of all tests looks at the output."""
    with between(tmp_path, *evil_pair(name), seconds=5) as config:
        assert all_commands(config, OutputOptions()) == [0, 0, 3, 0, 3, 3]


@NAMES
def test_text_for_machines(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    """With --json every line is an object in ASCII, and names in it are what they are."""
    with between(tmp_path, *evil_pair(name), seconds=5) as config:
        assert all_commands(config, OutputOptions(json=True)) == [0, 0, 3, 0, 3, 3]
    lines = capsys.readouterr().out.splitlines()
    assert all(line.isascii() for line in lines)
    objects = [json.loads(line) for line in lines]
    assert [list(one["planned_runs"]) for one in objects if "planned_runs" in one] == [[name]]


@NAMES
def test_names_are_sent_whole(tmp_path: Path, name: str) -> None:
    """A name reaches the other side as it is, as one parameter of one request, and makes no file."""
    source, target = evil_pair(name)
    with between(tmp_path, source, target, seconds=5) as config:
        all_commands(config, OutputOptions())
    asked = source.asked + target.asked
    assert {one.params.get("dag_id", name) for one in asked} - {"transfer_probe"} == {name}
    listing = f"/api/v1/dags/{name}/dagRuns/~/taskInstances/~"  # of XComs, for the forecast
    assert {unquote(one.path.rpartition("/")[0]) for one in asked} - {listing} == {"/api/starship"}
    assert not [one for one in asked if b"\nX-Evil" in one.head]
    assert {path.name.partition("-")[0] for path in tmp_path.rglob("*")} <= {
        "transfer.toml",
        "state",
        "checkpoint.sqlite3",
        "checkpoint.sqlite3.lock",
        "verify.sqlite",
        "verify.sqlite.lock",
    }


def on_a_terminal(config: Path) -> str:
    """Run the job with a terminal for all that it says; return what arrived there."""
    ours, theirs = pty.openpty()
    environment = os.environ | {"PYTHONPATH": str(Path(package.__file__).parents[1]), "TERM": "xterm"}
    command = [sys.executable, "-m", "transfer", "run", "--config", str(config)]
    with subprocess.Popen(command, env=environment, stdout=theirs, stderr=theirs):  # noqa: S603  the program under test
        os.close(theirs)
        text = b""
        try:
            while piece := os.read(ours, 65_536):
                text += piece
        except OSError:  # how a terminal says that nobody is at its other end any more
            pass
    os.close(ours)
    return text.decode()


OURS = re.compile(r"\x1b\[(?:[0-9;]*m|\?25[hl]|[0-9]*[AK]|2K)")
"""What draws the table: colours, the cursor hidden and shown, moved up, a line cleared."""


@pytest.mark.parametrize(
    "name", ["colours", "a title", "eight-bit controls", "bidirectional text", "other lines", "markup"]
)
def test_a_terminal_gets_nothing_to_obey(tmp_path: Path, name: str) -> None:
    """Of escape sequences only those of our own table arrive, and no name in colours of its own."""
    with between(tmp_path, *evil_pair(EVIL[name]), seconds=5) as config:
        text = on_a_terminal(config)
    assert "finished, but not everything was accepted" in text
    rest = OURS.sub("", text)
    assert [char for char in rest if not char.isprintable() and char not in "\r\n"] == []
    assert "\x1b[31mred" not in text
    assert not re.search(r"^error: all is lost", rest, re.MULTILINE)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_a_terminal_of_few_characters(tmp_path: Path, encoding: str) -> None:
    """Where the output cannot show a character something stands in its place, and the program goes on."""
    source, target = evil_pair("Ünï 数据 😀 \x1b[2J")
    with between(tmp_path, source, target, seconds=5) as config:
        environment = os.environ | {"PYTHONPATH": str(Path(package.__file__).parents[1]), "PYTHONIOENCODING": encoding}
        command = [sys.executable, "-m", "transfer", "run", "--config", str(config)]
        done = subprocess.run(command, env=environment, capture_output=True, check=False)  # noqa: S603  the program under test
    assert done.returncode == 3
    assert b"\x1b" not in done.stdout + done.stderr


def test_an_argument_that_is_no_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Bytes that are no UTF-8 in a flag are a problem of the configuration."""
    with between(tmp_path, *evil_pair("a")) as config:
        assert invoke(["run", "--config", str(config), "--dag", "\udcff"]) == 2
    assert "selection.dags[0]" in capsys.readouterr().err
