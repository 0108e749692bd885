"""``transfer config env``: a file of the user's own."""

import json
import os
import stat
import subprocess
from pathlib import Path

import pytest

from .calling import Command
from .deployments import Pair
from .objects import ENVIRONMENT
from .test_config_diff import config

AWKWARD = {
    "PLAIN": "a/b:c@d",
    "EMPTY": "",
    "SPACES": " a  b ",
    "DOLLAR": "$HOME `id` \\n",
    "QUOTE": 'it\'s "$x" `y` \\',
    "LINES": "-----BEGIN KEY-----\nabc\n-----END KEY-----\n",
    "UNICODE": "ü€",
    "HASH": "a #b",
}


@pytest.fixture
def filled(pair: Pair) -> Pair:
    """A source with awkward variables, and some of its own."""
    own = {"PATH": "/bin", "AIRFLOW__CORE__FERNET_KEY": "canary-fernet", "HOSTNAME": "h"}
    pair.source.configuration.environment.update(AWKWARD | own | {"SAME": "x", "SOME_TOKEN": ENVIRONMENT})
    pair.target.configuration.environment.update({"SAME": "x", "PLAIN": "other"})
    return pair


def test_a_file_that_a_shell_reads(transfer: Command, filled: Pair, folder: Path) -> None:
    """A shell that reads the file has every value exactly; the file is for its user alone."""
    said = transfer("config", "env", "out.env", *config(filled))
    assert said.code == 0, said.err
    path = folder / "out.env"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    shown = subprocess.run(["/bin/sh", "-c", "set -a; . ./out.env; env -0"], capture_output=True, check=True, env={})
    read = dict(one.split("=", 1) for one in shown.stdout.decode().split("\0") if one)
    assert {name: read.get(name) for name in AWKWARD} == AWKWARD
    assert read["SOME_TOKEN"] == ENVIRONMENT
    assert not {"SAME", "AIRFLOW__CORE__FERNET_KEY", "HOSTNAME"} & read.keys()
    assert ENVIRONMENT not in said.out + said.err
    assert "canary-fernet" not in said.out + said.err
    assert "belong to the source itself: AIRFLOW__CORE__FERNET_KEY, HOSTNAME, PATH" in said.out


def test_json(transfer: Command, filled: Pair, folder: Path) -> None:
    """JSON holds the same, and with --all everything."""
    assert transfer("config", "env", "out.json", "--format", "json", *config(filled)).code == 0
    written = json.loads((folder / "out.json").read_text(encoding="utf-8"))
    assert written == AWKWARD | {"SOME_TOKEN": ENVIRONMENT}
    said = transfer("config", "env", "all.json", "--format", "json", "--all", "--json", *config(filled))
    assert json.loads((folder / "all.json").read_text()) == filled.source.configuration.environment
    assert (said.result["file"], said.result["own"]) == ("all.json", [])


def test_an_own_variable_by_name(transfer: Command, filled: Pair, folder: Path) -> None:
    """What belongs to the deployment is taken when it is named in full, not by a glob."""
    for number, name in enumerate(("AIRFLOW__CORE__FERNET*", "AIRFLOW__CORE__FERNET_KEY")):
        transfer("config", "env", f"{number}.env", "--name", name, *config(filled))
    assert not (folder / "0.env").exists()
    assert (folder / "1.env").read_text() == "AIRFLOW__CORE__FERNET_KEY=canary-fernet\n"


def test_a_file_that_is_there(transfer: Command, filled: Pair, folder: Path) -> None:
    """It is kept, and nobody is asked anything; with --overwrite it is replaced by one of mode 0600."""
    path = folder / "out.env"
    path.write_text("mine")
    path.chmod(0o644)
    said = transfer("config", "env", "out.env", *config(filled))
    assert (said.code, path.read_text()) == (2, "mine")
    assert not filled.source.requests
    assert transfer("config", "env", "out.env", "--overwrite", *config(filled)).code == 0
    assert ENVIRONMENT in path.read_text(encoding="utf-8")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("kind", ["folder", "link", "pipe"])
def test_what_is_no_file(transfer: Command, filled: Pair, folder: Path, kind: str) -> None:
    """A folder, a link (to a terminal, say) and a pipe are refused, whatever was agreed to."""
    path = folder / "it"
    if kind == "folder":
        path.mkdir()
    elif kind == "link":
        path.symlink_to("/dev/stdout")
    else:
        os.mkfifo(path)
    said = transfer("config", "env", "it", "--overwrite", *config(filled))
    assert (said.code, "is no ordinary file" in said.err) == (2, True)
    assert ENVIRONMENT not in said.out + said.err


def test_a_folder_that_is_not_there(transfer: Command, filled: Pair, folder: Path) -> None:
    """What cannot be written is said, and nothing stays behind."""
    said = transfer("config", "env", "nowhere/out.env", *config(filled))
    assert (said.code, "cannot be written" in said.err) == (2, True)
    assert not list(folder.glob("**/*.new"))


def test_a_name_that_no_shell_takes(transfer: Command, filled: Pair, folder: Path) -> None:
    """A .env file cannot hold it; JSON can."""
    filled.source.configuration.environment["BASH_FUNC_x%%"] = "() { :; }"
    said = transfer("config", "env", "out.env", *config(filled))
    assert (said.code, "--format json" in said.err) == (2, True)
    assert not (folder / "out.env").exists()
    assert transfer("config", "env", "out.json", "--format", "json", *config(filled)).code == 0


def test_nothing_lacks(transfer: Command, pair: Pair, folder: Path) -> None:
    """Then there is no file."""
    assert transfer("config", "env", "out.env", *config(pair)).code == 0
    assert not (folder / "out.env").exists()
