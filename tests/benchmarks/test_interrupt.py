"""Ctrl-C and SIGTERM end what was started, in order."""

import signal
import subprocess
import sys

import pytest

PROGRAM = """
from benchmarks.interrupt import interruptible
interruptible()
try:
    print("ready", flush=True)
    input()
except KeyboardInterrupt:
    print("stopping", flush=True)
    input()
    print("stopped", flush=True)
"""


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_stops_and_the_second_does_not_disturb(sent: signal.Signals) -> None:
    """Whoever presses Ctrl-C twice must not be left with running servers."""
    command = [sys.executable, "-c", PROGRAM]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as program:  # noqa: S603  our own command
        assert program.stdout
        assert program.stdout.readline() == "ready\n"
        program.send_signal(sent)
        assert program.stdout.readline() == "stopping\n"
        program.send_signal(sent)
        said, _ = program.communicate("end\n")
    assert said == "stopped\n"
