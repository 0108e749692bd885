"""Deployments that are not there, are something else, or do not want us: which side, what, and what to do.

Every situation is tried on both sides and with ``check``, ``plan`` and ``run``.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from transfer.emulator import Answer, Behaviour, Faults, Header, Rule
from transfer.model import SideName

from .calling import Command, Said
from .deployments import BEARER, SESSION, SOURCE_PASSWORD, TARGET_PASSWORD, VIEWER, Pair, behaviour, pair_of
from .servers import self_signed, web_server

SIDES = pytest.mark.parametrize("side", ["source", "target"])
COMMANDS = ("check", "plan", "run")
PASSWORDS: dict[str, str] = {"source": SOURCE_PASSWORD, "target": TARGET_PASSWORD}

NO_PLUGIN = Faults([Rule(Answer(404, "<title>Airflow 404</title>", "text/html"), route="info")])


@dataclass(frozen=True, slots=True)
class Situation:
    """What is wrong with one side, and words of the message and of the hint that it must lead to."""

    name: str
    said: str
    hint: str
    settings: dict[str, Any]
    server: Callable[[str], Behaviour] = behaviour


def with_bearer(_password: str) -> Behaviour:
    """Return a deployment behind a gateway that knows another token."""
    return behaviour("", door=Header.bearer("another-token"))


def without_plugin(password: str) -> Behaviour:
    """Return an Airflow without Starship."""
    return behaviour(password, faults=NO_PLUGIN)


def too_old(password: str) -> Behaviour:
    """Return an Airflow that this release does not know."""
    return behaviour(password, airflow_version="2.3.4")


WRONG_PASSWORD = SESSION | {"password": {"env": "TOKEN"}}

SITUATIONS = (
    Situation("nothing listens", "no connection", "check the URL", {"url": "http://127.0.0.1:9"}),
    Situation("no such host", "no connection", "check the URL", {"url": "http://no-such-host.invalid"}),
    Situation("wrong password", "the login was refused", 'username ("admin") and password', {"auth": WRONG_PASSWORD}),
    Situation("a viewer", "HTTP 302: redirects to /home", "role Op or Admin", {"auth": VIEWER}),
    Situation("no credentials", "HTTP 302: redirects to /login/", "check the credentials", {"auth": {"kind": "none"}}),
    Situation("token refused", "HTTP 401: Unauthorized", "check the credentials", {"auth": BEARER}, with_bearer),
    Situation("no plugin", "HTTP 404", "astronomer-starship is installed", {}, without_plugin),
    Situation("too old", "Airflow 2.3.4 is not supported", "update Airflow to 2.4 or later", {}, too_old),
)


@contextmanager
def arranged(folder: Path, side: str, situation: Situation) -> Iterator[Pair]:
    """Serve a pair of which one side is in ``situation``, with the configuration written."""
    server = situation.server(PASSWORDS[side])
    left, right = (server, None) if side == "source" else (None, server)
    with pair_of(folder, source=left, target=right) as pair:
        pair.config(**{f"{side}__{key}": value for key, value in situation.settings.items()})
        yield pair


def assert_told(said: Said, command: str, situation: Situation) -> None:
    """Check that the message and the hint are where the command says such things."""
    text = said.out if command == "check" else said.err
    assert said.code == 1, text
    assert situation.said in text
    assert situation.hint in text


@SIDES
@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.name)
def test_what_is_wrong_with_a_side_is_said(
    transfer: Command, folder: Path, side: SideName, situation: Situation
) -> None:
    """Exit code 1, a message that names the side and what happened, and a hint; no state directory."""
    with arranged(folder, side, situation) as pair:
        for command in COMMANDS:
            said = transfer(command)
            assert_told(said, command, situation)
            named = f"FAILED   {side}: " if command == "check" else f"error: {side}: "
            assert named in said.out + said.err
        assert not pair.state_dir.exists()


@SIDES
def test_a_web_server(transfer: Command, pair: Pair, side: str) -> None:
    """Something that answers with web pages is not taken for Airflow, whatever the kind of auth."""
    with web_server() as url:
        for auth in (SESSION, BEARER, {"kind": "none"}):
            pair.config(**{f"{side}__url": url, f"{side}__auth": auth})
            for command in COMMANDS:
                said = transfer(command)
                assert said.code == 1
                assert f"{side}: " in said.out + said.err
                assert "HTTP 200" in said.out + said.err


@SIDES
def test_an_address_below_the_deployment(transfer: Command, pair: Pair, side: str) -> None:
    """A path that is not there is a 404 with the advice to look at the URL."""
    url = pair.source.url if side == "source" else pair.target.url
    pair.config(**{f"{side}__url": f"{url}/somewhere"})
    said = transfer("run")
    assert said.code == 1
    assert f"error: {side}: login page: HTTP 404" in said.err
    assert "check that the URL is the address of the Airflow webserver" in said.err


@SIDES
def test_a_certificate_that_nobody_trusts(transfer: Command, pair: Pair, tmp_path: Path, side: str) -> None:
    """It is refused at once, with the advice to name its authority."""
    with web_server(self_signed(tmp_path)) as url:
        pair.config(**{f"{side}__url": url})
        said = transfer("run")
    assert said.code == 1
    assert f"error: {side}: login page: its TLS certificate is not trusted" in said.err
    assert "ca_file" in said.err


@SIDES
def test_a_password_that_is_not_set(transfer: Command, pair: Pair, monkeypatch: pytest.MonkeyPatch, side: str) -> None:
    """Exit code 2 with the name of the variable."""
    pair.config()
    monkeypatch.delenv(f"{side.upper()}_PASSWORD")
    for command in COMMANDS:
        said = transfer(command)
        assert said.code == 2
        assert f"the environment variable {side.upper()}_PASSWORD is not set" in said.err


def test_an_error_for_machines(transfer: Command, pair: Pair) -> None:
    """With --json the error is an object on standard output, and people still find it on standard error."""
    said = transfer("run", "--json", "--config", pair.config(source__url="http://127.0.0.1:9"))
    assert (said.code, said.result["event"], said.result["exit_code"]) == (1, "error", 1)
    assert said.result["message"].startswith("source: info: gave up after 2 attempts")
    assert "check the URL" in said.result["hint"]
    assert "error: source: info: gave up" in said.err


def test_a_corrected_mistake_needs_no_cleaning_up(transfer: Command, pair: Pair) -> None:
    """After a first try with a wrong URL and a wrong selection the right ones just work."""
    assert transfer("run", "--config", pair.config(source__url="http://127.0.0.1:9")).code == 1
    assert transfer("run", "--config", pair.config(), "--dag", "misspelt").code == 1
    assert transfer("run", "--config", pair.config()).code == 0
