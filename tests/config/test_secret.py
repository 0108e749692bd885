"""Secrets: where they come from, and that they show up nowhere."""

import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError
from rich.pretty import pretty_repr

from transfer import secrets_registry
from transfer.config import secret as secret_module
from transfer.config.secret import LITERAL, Secret
from transfer.errors import ConfigError

CANARY = "canary-4711"


@pytest.fixture(autouse=True)
def _empty_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets_registry, "_known", set())


def program(code: str) -> Secret:
    """Return a secret that a Python program prints."""
    return Secret(command=(sys.executable, "-c", code))


def problem_of(secret: Secret) -> str:
    """Return why ``secret`` cannot be read, with a check that no hidden text is in it."""
    with pytest.raises(ConfigError) as caught:
        secret.resolve()
    assert caught.value.hint
    assert CANARY not in f"{caught.value}{caught.value.hint}"
    return str(caught.value)


def test_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable is read at each call, without the line break that some tools leave at its end."""
    monkeypatch.setenv("A_TOKEN", CANARY)
    secret = Secret(env="A_TOKEN")
    assert secret.resolve() == CANARY
    monkeypatch.setenv("A_TOKEN", "rotated\n")
    assert secret.resolve() == "rotated"


def test_from_a_file(tmp_path: Path) -> None:
    """The file is read at each call; only the line break at its end is not part of the secret."""
    file = tmp_path / "token"
    secret = Secret(file=file)
    file.write_bytes(b"  first \r\n")
    assert secret.resolve() == "  first "
    file.write_text("\ufeffrotated", "utf-8")
    assert secret.resolve() == "rotated"


def test_from_the_home_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path may start with a tilde."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "token").write_text(CANARY)
    assert Secret(file=Path("~/token")).resolve() == CANARY


def test_from_a_command() -> None:
    """What the program prints is the secret, without space around it."""
    assert program(f"print(' {CANARY} ')").resolve() == CANARY


def test_a_command_is_no_shell_script() -> None:
    """Arguments reach the program as they are."""
    secret = Secret(command=(sys.executable, "-c", "import sys; print(sys.argv[1])", "$HOME;`id`"))
    assert secret.resolve() == "$HOME;`id`"


def test_registers_its_value() -> None:
    """Once read, the value is masked in every text."""
    program(f"print('{CANARY}')").resolve()
    assert secrets_registry.mask(f"said {CANARY}") == "said ***"


@pytest.mark.parametrize(
    ("value", "problem"),
    [(None, "is not set"), ("", "is empty"), (" \n", "is empty"), ("a\nb", "holds a line break"), ("a\tb", "holds a")],
)
def test_bad_variable(value: str | None, problem: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that is missing or empty, or holds several lines, is named with what is wrong."""
    monkeypatch.delenv("A_TOKEN", raising=False)
    if value is not None:
        monkeypatch.setenv("A_TOKEN", value)
    assert problem_of(Secret(env="A_TOKEN")).startswith(f"the environment variable A_TOKEN {problem}")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"\xff" + CANARY.encode(), "is not UTF-8"),
        (b"x" * 70_000, "larger than"),
    ],
)
def test_bad_file_content(content: bytes, problem: str, tmp_path: Path) -> None:
    """A file that cannot be a secret is named with what is wrong, and its content is not shown."""
    file = tmp_path / "token"
    file.write_bytes(content)
    text = problem_of(Secret(file=file))
    assert problem in text
    assert str(file) in text


@pytest.mark.parametrize(
    ("name", "problem"),
    [("missing", "does not exist"), ("", "cannot be read: Is a directory"), ("a\x00", "is not a usable path")],
)
def test_unreadable_file(name: str, problem: str, tmp_path: Path) -> None:
    """A path at which there is no file says why."""
    assert problem in problem_of(Secret(file=tmp_path / name))


def test_home_of_nobody() -> None:
    """The home directory of a user who does not exist is no usable path."""
    assert "is not a usable path" in problem_of(Secret(file=Path("~no-such-user-here/token")))


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        (f"import sys; print('{CANARY}', file=sys.stderr); print('{CANARY}'); sys.exit(3)", "failed with exit code 3"),
        ("pass", "is empty"),
        ("print('a\\nb')", "holds a line break"),
        ("import sys; sys.stdout.buffer.write(b'\\xff')", "is not UTF-8"),
    ],
)
def test_bad_command(code: str, problem: str) -> None:
    """A program that gives no secret is named with what is wrong; neither its output nor its arguments are shown."""
    text = problem_of(program(code))
    assert text.startswith(f"the command {sys.executable} {problem}")
    assert "print" not in text


@pytest.mark.parametrize("command", [("/no/such/program",), ("",), ("a\x00",), ("/tmp",)])  # noqa: S108 - not a file
def test_command_that_cannot_start(command: tuple[str, ...]) -> None:
    """A program that is not there says so."""
    assert "cannot be started" in problem_of(Secret(command=command))


def test_command_that_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that never ends is stopped at the time limit."""
    monkeypatch.setattr(secret_module, "COMMAND_SECONDS", 0.05)
    assert "gave no answer within 0.05 s" in problem_of(program("import threading; threading.Event().wait()"))


@pytest.mark.parametrize("value", [CANARY, 5, None, [CANARY], {"value": CANARY}, {"env": "A", "password": CANARY}])
def test_a_literal_is_refused(value: Any) -> None:
    """A secret written into the settings is refused with what to write instead, and not repeated."""
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(Secret).validate_python(value)
    assert LITERAL in str(caught.value)
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize("value", [{}, {"env": "A", "file": "b"}, {"env": None}])
def test_exactly_one_origin(value: dict[str, Any]) -> None:
    """None or several origins are refused."""
    with pytest.raises(ValidationError, match="exactly one of env, file and command"):
        Secret.model_validate(value)


@pytest.mark.parametrize(
    "value", [{"env": ""}, {"env": "$TOKEN"}, {"env": "eyJ.x"}, {"command": []}, {"command": "a b"}]
)
def test_malformed_origin(value: dict[str, Any]) -> None:
    """A name that is no variable's, or a command that is not a list, is refused."""
    with pytest.raises(ValidationError):
        Secret.model_validate(value)


@pytest.mark.parametrize("show", [repr, str, pretty_repr, "{}".format])
def test_shows_only_its_origin(show: Any) -> None:
    """No representation holds a value, nor the arguments of a program."""
    assert show(Secret(env="A_TOKEN")).find("environment variable A_TOKEN") >= 0
    assert show(Secret(file=Path("/run/token"))).find("/run/token") >= 0
    assert CANARY not in show(Secret(command=("vault", CANARY)))


def test_a_secret_in_place_of_a_name_is_not_shown() -> None:
    """Who writes the password where the name of a variable belongs does not find it in the error."""
    text = problem_of(Secret(env="canary_4711"))
    assert text == "the environment variable is not set"


def test_is_frozen() -> None:
    """A secret cannot be changed after it was checked."""
    with pytest.raises(ValidationError, match="frozen"):
        setattr(Secret(env="A"), "env", "B")  # noqa: B010 - a plain assignment is already refused by the type checker


def test_warns_of_an_open_file(tmp_path: Path) -> None:
    """A file that every user can read is pointed out, not refused; other origins have nothing to warn of."""
    file = tmp_path / "token"
    file.write_text(CANARY)
    file.chmod(0o644)
    assert Secret(file=file).warnings() == [f"the file {file} can be read by every user: chmod 600 it"]
    file.chmod(0o640)
    assert Secret(file=file).warnings() == []
    assert Secret(file=tmp_path / "missing").warnings() == []
    assert Secret(env="A").warnings() == []
