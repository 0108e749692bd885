"""Real deployments that do not want us, or are not what they should be: which side, what, and what to do.

Airflow lets an address log in five times within 40 seconds per web server worker, hence the cookies: a side that is not
the one in question is entered without a login.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from .compare import compare
from .environment import WebOptions
from .job import Result
from .login import LoginFailedError, log_in
from .rig import Connection, Rig, Side
from .seed import Seeded, register_dags, seed_history
from .users import User

SIDES = pytest.mark.parametrize("side", ["source", "target"])
TOKEN = "canary-token-0123456789abcdef"
SECONDS = 60.0


@pytest.fixture(scope="module")
def cookies() -> dict[str, str]:
    """The login on each side, kept as long as it is good."""
    return {}


@pytest.fixture(scope="module")
def spare(booted: Rig) -> Iterator[Side]:
    """One more webserver of the target: its one worker counts all of its logins."""
    with booted.serve(booted.target, WebOptions(workers=1)) as side:
        yield side


@dataclass(slots=True)
class Attempt:
    """One job; every command of it is searched for secrets."""

    rig: Rig
    folder: Path
    sides: dict[str, dict[str, Any]]
    secrets: dict[str, str] = field(default_factory=lambda: {"TOKEN": TOKEN, "WRONG_PASSWORD": "canary-wrong-Pa55"})

    def by_password(self, side: str, user: User, *, url: str | None = None) -> None:
        """Let a side be entered with a login."""
        self.secrets["PASSWORD"] = user.password
        auth = {"kind": "session", "username": user.name, "password": {"env": "PASSWORD"}}
        self.sides[side] = {"url": url or getattr(self.rig, side).url, "auth": auth}

    def run(self, command: str = "run", *arguments: str) -> Result:
        """Run a command to its end."""
        with self.started(command, *arguments) as process:
            out, err = process.communicate(timeout=SECONDS)
        said = out + err
        assert "Traceback" not in said
        users = [user.password for side in (self.rig.source, self.rig.target) for user in side.users.values()]
        assert not [secret for secret in (*users, *self.secrets.values()) if secret in said]
        return Result(process.returncode, out, err)

    @contextmanager
    def started(self, command: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """Start a command; it is killed if it still runs at the end of the block."""
        line = [sys.executable, "-m", "transfer", command, "--config", str(self._config()), *arguments]
        with subprocess.Popen(  # noqa: S603  the program under test
            line, env=os.environ | self.secrets, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def _config(self) -> Path:
        lines = [f'state_dir = "{self.folder / "state"}"', "retry = { attempts = 2, wait_initial = 0.1 }"]
        for side, values in self.sides.items():
            lines += [f"[{side}]", *(f"{key} = {_inline(value)}" for key, value in values.items())]
        path = self.folder / "transfer.toml"
        path.write_text("\n".join(lines), encoding="utf-8")
        return path


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_inline(item)}" for key, item in value.items()) + " }"
    return json.dumps(value)


@pytest.fixture
def attempt(rig: Rig, cookies: dict[str, str], tmp_path: Path) -> Attempt:
    """A job that would work, if there were something to move."""
    sides: dict[str, dict[str, Any]] = {}
    for side in (rig.source, rig.target):
        cookies[side.name] = cookies.get(side.name) or side.log_in()
        headers = {"Cookie": cookies[side.name]}
        sides[side.name] = {"url": side.url, "auth": {"kind": "none"}, "headers": headers}
    return Attempt(rig, tmp_path, sides)


@pytest.fixture
def history(source: Connection, target: Connection) -> Seeded:
    """A few hundred runs, and their DAGs on the target."""
    seeded = seed_history(source, dags=2, runs=150, wide=200)
    register_dags(target, seeded.dag_ids)
    return seeded


def assert_refused(attempt: Attempt, side: str, *words: str) -> None:
    """Check that `run` and `check` say what is wrong with that side, and leave no state behind."""
    run, check = attempt.run(), attempt.run("check")
    assert (run.code, check.code) == (1, 1), run.err + check.out
    assert f"error: {side}: " in run.err
    assert f"FAILED   {side}: " in check.out
    assert not [word for word in words if word not in run.err or word not in check.out], run.err + check.out
    assert not (attempt.folder / "state").exists()


@SIDES
def test_a_viewer_may_not(attempt: Attempt, side: str) -> None:
    """A user who can log in without the right to use Starship is told which role it takes."""
    attempt.by_password(side, getattr(attempt.rig, side).viewer)
    assert_refused(attempt, side, "redirects to /", "role Op or Admin")


@SIDES
def test_a_wrong_password(attempt: Attempt, side: str) -> None:
    """The login is tried once and named with its user."""
    attempt.by_password(side, User("admin", attempt.secrets["WRONG_PASSWORD"]))
    assert_refused(attempt, side, "login", "the login was refused", 'check username ("admin") and password')


@SIDES
@pytest.mark.parametrize(
    "auth", [{"kind": "none"}, {"kind": "bearer", "token": {"env": "TOKEN"}}], ids=["none", "bearer"]
)
def test_no_login_or_a_token(attempt: Attempt, side: str, auth: dict[str, Any]) -> None:
    """An Airflow with a login form takes neither: its redirect to the form is not an answer."""
    attempt.sides[side] = {"url": getattr(attempt.rig, side).url, "auth": auth}
    assert_refused(attempt, side, "redirects to ", "/login/", "check the credentials")


@SIDES
def test_an_address_below_the_deployment(attempt: Attempt, side: str) -> None:
    """A path that Airflow does not have leads to the advice to look at the URL."""
    attempt.sides[side]["url"] += "/somewhere"
    assert_refused(attempt, side, "HTTP 404", "check that the URL is the address of the Airflow webserver")


def test_an_airflow_without_the_plugin(attempt: Attempt) -> None:
    """On either side the missing plugin is named."""
    with attempt.rig.serve(attempt.rig.target, WebOptions(workers=1, starship=False)) as bare:
        for side in ("source", "target"):
            usual = attempt.sides[side]
            attempt.sides[side] = usual | {"url": bare.url, "headers": {"Cookie": bare.log_in()}}
            assert_refused(attempt, side, "HTTP 404", "the plugin astronomer-starship is installed")
            attempt.sides[side] = usual


def test_nothing_selected_and_nothing_to_write_to(attempt: Attempt, history: Seeded, target: Connection) -> None:
    """A selection that takes nothing, and a target without any of the DAGs, are failures; both leave no state."""
    nothing = attempt.run("run", "--dag", "nope*")
    target.execute("DELETE FROM dag")
    homeless = attempt.run()
    assert (nothing.code, homeless.code) == (1, 1)
    assert "is selected by nope*" in nothing.err
    assert f"{history.dag_ids[0]}: the target does not have it" in homeless.err
    assert not (attempt.folder / "state").exists()


def test_another_job_in_the_state_directory(attempt: Attempt, history: Seeded) -> None:
    """Exit code 2 with both selections."""
    assert attempt.run("run", "--dag", history.dag_ids[0]).code == 0
    other = attempt.run()
    assert other.code == 2
    assert f'there {{"dags":["{history.dag_ids[0]}"]' in other.err
    assert 'here {"dags":["*"]' in other.err


def test_a_session_that_ends_in_the_middle(
    attempt: Attempt, spare: Side, cookies: dict[str, str], history: Seeded, source: Connection, target: Connection
) -> None:
    """The login is over while history is moved: the program logs in again and goes on."""
    attempt.by_password("target", spare.admin, url=spare.url)
    with attempt.started("run", "--json") as process:
        spare.webserver.service.wait_until(lambda: _arrived(target) > 0 or process.poll() is not None, SECONDS)
        expired = spare.expire_sessions()
        cookies.clear()
        out, err = process.communicate(timeout=SECONDS)
    assert (process.returncode, expired > 0, compare(source, target)) == (0, True, []), err
    assert json.loads(out.splitlines()[-1])["job"]["kinds"]["dag_runs"]["moved"] == history.finished_runs


def _arrived(target: Connection) -> int:
    (count,) = target.execute("SELECT count(*) FROM dag_run").fetchone() or (0,)
    return int(count)


def test_too_many_logins(attempt: Attempt, spare: Side) -> None:
    """Airflow's limit is no failure: the program says how long it waits, and can be stopped meanwhile."""
    _use_up_the_logins(spare)
    attempt.by_password("target", spare.admin, url=spare.url)
    with attempt.started("run", "--json") as process:
        assert process.stderr is not None
        said = json.loads(process.stderr.readline())
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=10)
    assert (said["event"], said["side"], said["request"], said["seconds"]) == ("waiting", "target", "login", 40.0)
    assert process.returncode == 4


def _use_up_the_logins(side: Side) -> None:
    for _ in range(6):
        try:
            log_in(side.url, User("admin", "wrong"))
        except LoginFailedError as error:
            if " 429 " in f"{error} ":
                return
