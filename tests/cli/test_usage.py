"""What every command line has: help, version, and what is said about a wrong one."""

import re

import pytest

from transfer import __version__

from .calling import Command, ended, process

COMMANDS = (
    "init",
    "check",
    "plan",
    "run",
    "config",
    "verify",
    "repair",
    "undo",
    "logs",
    "xcoms",
    "cutover",
    "status",
    "demo",
)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_says_what_how_and_exit_codes(transfer: Command, command: str) -> None:
    """Each command explains itself, its options and the exit codes."""
    said = transfer(command, "--help")
    assert said.code == 0
    assert f"Usage: transfer {command}" in said.out
    assert all(f" {code}: " in said.out for code in range(6))
    assert "()" not in said.out
    assert "`" not in said.out


@pytest.mark.parametrize("command", ["diff", "copy", "env"])
def test_help_of_the_commands_of_config(transfer: Command, command: str) -> None:
    """So do the commands that have two words."""
    said = transfer("config", command, "--help")
    assert said.code == 0
    assert f"Usage: transfer config {command}" in said.out
    assert all(f" {code}: " in said.out for code in range(6))
    assert "`" not in said.out


def test_half_a_command(transfer: Command) -> None:
    """The first of two words alone shows the help, and is no success either."""
    said = transfer("config")
    assert (said.code, "Usage: transfer config COMMAND" in said.out) == (2, True)


def test_help_lists_the_commands(transfer: Command) -> None:
    """The whole is explained with one line per command."""
    out = transfer("--help").out
    assert re.findall(r"^│ (\w+) ", out, re.MULTILINE) == sorted(COMMANDS)


def test_no_arguments(transfer: Command) -> None:
    """Help, but not success: a script that meant a command has done nothing."""
    said = transfer()
    assert (said.code, "Usage: transfer COMMAND" in said.out) == (2, True)


def test_version(transfer: Command) -> None:
    """The version alone, so that scripts can read it."""
    assert transfer("--version").out == f"{__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["run", "--sate-dir", "x"], "Did you mean --state-dir"),
        (["rnu"], 'Did you mean "run"'),
        (["run", "--newest", "many"], "--newest"),
        (["plan", "--since", "yesterday"], "--since"),
        (["run", "--run-state", "running"], "--run-state"),
        (["run", "surplus"], "surplus"),
        (["demo", "--runs", "3"], "30"),
    ],
)
def test_a_wrong_command_line(transfer: Command, arguments: list[str], told: str) -> None:
    """Exit code 2, the reason on standard error, nothing on standard output."""
    said = transfer(*arguments)
    assert (said.code, said.out) == (2, "")
    assert told in said.err


def test_the_module_is_the_command() -> None:
    """``python -m transfer`` ends with the command's exit code."""
    with process("--version") as good, process("--nonsense") as bad:
        assert (ended(good).code, ended(bad).code) == (0, 2)
