"""Calling the program: within this process, which is quick, and as a process of its own, which signals want."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import transfer
from transfer.cli.main import invoke

from .deployments import CANARIES

PATIENCE = 15.0
"""Seconds that a process may take to do what a test waits for."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a command said and how it ended."""

    code: int
    out: str
    err: str

    def __post_init__(self) -> None:
        """Hold for every command of every test: no secret, no traceback."""
        said = self.out + self.err
        assert "Traceback" not in said
        assert not [canary for canary in CANARIES if canary in said]

    @property
    def objects(self) -> list[dict[str, Any]]:
        """Every line of standard output as JSON."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def result(self) -> dict[str, Any]:
        """The last of them."""
        return self.objects[-1]


class Command:
    """Runs commands in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: object) -> Said:
        """Run one command line to its end."""
        self._capsys.readouterr()
        code = invoke([str(argument) for argument in arguments])
        out, err = self._capsys.readouterr()
        return Said(code, out, err)


Process = subprocess.Popen[str]


@contextmanager
def process(*arguments: object, script: tuple[str, ...] = ("-m", "transfer")) -> Iterator[Process]:
    """Start the program and kill it at the end of the block; no secret stands in its command line."""
    command = [sys.executable, *script, *(str(argument) for argument in arguments)]
    environment = os.environ | {"PYTHONPATH": str(Path(transfer.__file__).parents[1])}
    with subprocess.Popen(  # noqa: S603  the program under test
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as started:
        try:
            shown = Path(f"/proc/{started.pid}/cmdline").read_text(encoding="utf-8")
            assert not [canary for canary in CANARIES if canary in shown]
            yield started
        finally:
            started.kill()


def line_with(text: str, started: Process) -> str:
    """Return the next line on standard error that holds ``text``."""
    assert started.stderr is not None
    return next(line for line in started.stderr if text in line)


def interrupt(started: Process, number: signal.Signals, answer: str) -> None:
    """Send a signal and wait until the program has said that it heard it."""
    started.send_signal(number)
    line_with(answer, started)


def ended(started: Process) -> Said:
    """Wait for the end and return what was still said."""
    out, err = started.communicate(timeout=PATIENCE)
    return Said(started.returncode, out or "", err or "")
