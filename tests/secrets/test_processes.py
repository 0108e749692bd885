"""Processes that crash, are stopped or killed: nothing of a secret is left, said or shown to other users."""

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any

import pytest

import transfer as package
from tests.hostile.deployment import Asked, Deployment, Reply, served
from transfer.cli.main import invoke

from .canaries import COMMANDED, CONF, PASSWORD, TOKEN, found, in_files
from .jobs import BEARER, SESSION, by_command, own_files, write_config
from .leaky import Leaky, history

PATIENCE = 15.0

CRASH = """
import sys
import {module} as module
def crash(*arguments, **keywords):
    secret = {secret!r}
    raise RuntimeError(f"at {{secret}} with {{arguments}} {{keywords}}")
module.{name} = crash
from transfer.cli.main import main
main()
"""
"""The program with a bug in one function, which knows a secret and says it."""

BUGS = (
    ("transfer.client.http", "judge"),
    ("transfer.client.wire", "_has_end"),
    ("transfer.engine.cut", "choose"),
    ("transfer.engine.batch", "_whole"),
    ("transfer.checkpoint.windows", "settle"),
    ("transfer.cli.run", "show_summary"),
)


@contextmanager
def program(*arguments: object, code: str = "") -> Iterator["subprocess.Popen[str]"]:
    """Start the program, or ``code`` in its place, and kill it at the end of the block."""
    script = ["-c", code] if code else ["-m", "transfer"]
    environment = os.environ | {"PYTHONPATH": str(Path(package.__file__).parents[1])}
    with subprocess.Popen(  # noqa: S603  the program under test
        [sys.executable, *script, *map(str, arguments)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as started:
        try:
            yield started
        finally:
            started.kill()


@pytest.mark.parametrize(("module", "name"), BUGS)
@pytest.mark.parametrize("flags", [("--log-level", "debug"), ("--json",)], ids=["text", "json"])
def test_a_crash(folder: Path, module: str, name: str, flags: tuple[str, ...]) -> None:
    """Where the program itself is wrong it says where, and nothing of what it had in hand."""
    source, target = history(), Deployment.of(0)
    source.script, target.script = Leaky(), Leaky()
    bug = CRASH.format(module=module, name=name, secret=PASSWORD)
    with served(source) as left, served(target) as right:
        config = write_config(folder, left, right, auth=SESSION)
        with program("run", "--config", config, *flags, code=bug) as started:
            out, err = started.communicate(timeout=PATIENCE)
    assert started.returncode == 1
    assert "error: unexpected RuntimeError at <string>:6" in err
    assert "Traceback" not in out + err
    assert found(out, err) == []
    assert in_files(folder, own_files(folder)) == {}


@contextmanager
def waiting(folder: Path, *command: str, auth: str = SESSION) -> Iterator[tuple["subprocess.Popen[str]", Event]]:
    """Start a command against a source that keeps it waiting for task instances, once it does; and what ends that."""
    reached, released = Event(), Event()
    source, target = history(), Deployment.of(0)

    def script(asked: Asked, honest: Any) -> Reply | None:
        if asked.route == ("info" if command[0] == "check" else "task_instances"):
            reached.set()
            released.wait(PATIENCE)
        return Leaky()(asked, honest)

    source.script, target.script = script, Leaky()
    with served(source) as left, served(target) as right:
        config = write_config(folder, left, right, auth=auth, seconds=30)
        with program(*command, "--config", config) as started:
            assert reached.wait(PATIENCE)
            yield started, released
            released.set()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_check_that_is_stopped(folder: Path, number: signal.Signals) -> None:
    """SIGTERM is as good as Ctrl-C: the exit code says that it was stopped."""
    with waiting(folder, "check") as (started, _):
        started.send_signal(number)
        out, err = started.communicate(timeout=PATIENCE)
    assert (started.returncode, err) == (4, "error: stopped\n")
    assert found(out, err) == []


def test_a_demonstration_that_is_stopped(folder: Path) -> None:
    """It takes its servers, its client and its folder along."""
    with program("demo") as started:
        assert started.stdout is not None
        assert next(line for line in started.stdout if line.startswith("1. "))
        started.send_signal(signal.SIGTERM)
        started.communicate(timeout=PATIENCE)
    assert started.returncode == 4
    assert list((folder / "temporary").iterdir()) == []


def test_a_run_that_is_killed(folder: Path) -> None:
    """In the middle of everything neither the state nor a temporary file holds a secret, nor do they afterwards."""
    with waiting(folder, "run") as (started, _):
        assert in_files(folder, own_files(folder)) == {}
        started.kill()
        out, err = started.communicate(timeout=PATIENCE)
    assert found(out, err) == []
    assert in_files(folder, own_files(folder)) == {}
    assert list((folder / "temporary").iterdir()) == []


def _tree(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return [pid, *(found for child in children for found in _tree(int(child)))]


def test_the_process_list(folder: Path) -> None:
    """Other users, who see command lines, see no secret there."""
    with waiting(folder, "run", auth=by_command(folder)) as (started, released):
        shown = [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in _tree(started.pid)]
        environment = Path(f"/proc/{started.pid}/environ").read_bytes()
        released.set()
        started.communicate(timeout=PATIENCE)
    assert found(*shown) == []
    assert COMMANDED.encode() not in environment


def test_a_command_that_hangs(folder: Path) -> None:
    """A program that is asked for a secret does not keep the job from being stopped, and does not outlive it."""
    pipe = folder / "pipe"
    os.mkfifo(pipe)
    auth = f'{{ kind = "api_key", key = {{ command = ["sh", "-c", "echo $$ > {pipe}; exec sleep 60"] }} }}'
    config = write_config(folder, "http://127.0.0.1:9", "http://127.0.0.1:8", auth=auth)
    with program("run", "--config", config) as started:
        child = int(pipe.read_text(encoding="ascii"))
        started.send_signal(signal.SIGTERM)
        out, err = started.communicate(timeout=PATIENCE)
    assert (started.returncode, found(out, err)) == (4, [])
    assert not Path(f"/proc/{child}").exists()


@pytest.fixture(params=[0o000, 0o022, 0o077], ids=["000", "022", "077"])
def _umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


@pytest.mark.usefixtures("_umask")
def test_files_are_the_users_own(folder: Path) -> None:
    """Whatever the umask is, files are made with mode 0600 and directories with 0700."""
    source, target = history(), Deployment.of(0)
    source.script, target.script = Leaky(), Leaky()
    with served(source) as left, served(target) as right:
        config = write_config(folder, left, right, auth=SESSION)
        place = folder / "new" / "below" / "state"
        assert invoke(["run", "--config", str(config), "--state-dir", str(place)]) == 0
        verified = folder / "new" / "other" / "state"
        assert invoke(["verify", "--config", str(config), "--state-dir", str(verified)]) == 0
    assert invoke(["init", str(folder / "new" / "transfer.toml")]) == 0
    made = [folder / "new", *(folder / "new").rglob("*")]
    modes = {(path.is_dir(), stat.S_IMODE(path.stat().st_mode)) for path in made}
    assert modes == {(True, 0o700), (False, 0o600)}


def test_the_canaries_are_used(folder: Path) -> None:
    """What is searched for is really there: at the servers, in the rows that were moved, in the environment."""
    source, target = history(), Deployment.of(0)
    source.script, target.script = Leaky(), Leaky()
    with served(source) as left, served(target) as right:
        assert invoke(["run", "--config", str(write_config(folder, left, right, auth=BEARER))]) == 0
    assert TOKEN.encode() in source.asked[0].head
    assert [row["conf"] for row in target.runs] == [{"note": CONF}] * 3
