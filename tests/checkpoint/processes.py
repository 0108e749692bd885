"""Another process that holds a state directory, and its violent end."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import transfer

_SCRIPT = Path(__file__).with_name("victim.py")


@contextmanager
def victim(directory: Path) -> Iterator["subprocess.Popen[str]"]:
    """Run ``victim.py`` on ``directory``; it holds it when this is entered, and is killed with SIGKILL at the end."""
    environment = os.environ | {"PYTHONPATH": str(Path(transfer.__file__).parents[1])}
    with subprocess.Popen(  # noqa: S603 - our own script
        [sys.executable, str(_SCRIPT), str(directory)], stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            assert lines(process, 1) == ["ready"]
            yield process
        finally:
            process.kill()


def lines(process: "subprocess.Popen[str]", count: int) -> list[str]:
    """Return the next ``count`` lines that the process says."""
    assert process.stdout is not None
    return [process.stdout.readline().strip() for _ in range(count)]


def killed(process: "subprocess.Popen[str]") -> list[str]:
    """Kill the process with SIGKILL and return all lines that it still said before."""
    process.kill()
    assert process.stdout is not None
    said = process.stdout.read().splitlines()
    process.wait()
    return said
