"""Programs that are asked for a secret: their output within bounds, and an end in any case."""

import sys

import pytest

from transfer.config.program import Program, printed


def python(code: str) -> tuple[str, ...]:
    """Return the command that runs ``code``."""
    return sys.executable, "-c", code


def test_what_it_prints() -> None:
    """Exit code and output, and nothing of standard error."""
    code = "import sys; print('a'); print('b', file=sys.stderr); sys.exit(3)"
    assert printed(python(code), 10, 100) == (3, b"a\n")


def test_output_without_end() -> None:
    """No more is read than is wanted, and one byte to tell that there was more."""
    _, output = printed(python("while True: print('x' * 10000)"), 10, 1_000)
    assert output.strip(b"x\n") == b""
    assert len(output) == 1_001


def test_a_child_that_goes_on() -> None:
    """When the program is over it is over, though somebody that it started still holds its output."""
    code = "import subprocess; print('a', flush=True); subprocess.Popen(['sleep', '5'])"
    assert printed(python(code), 10, 100) == (0, b"a\n")


@pytest.mark.parametrize("code", ["import time; time.sleep(60)", "import os, time; os.close(1); time.sleep(60)"])
def test_one_that_waits(code: str) -> None:
    """Whether it holds its output or not, it is killed when its time is over."""
    started: list[Program] = []
    with pytest.raises(TimeoutError):
        printed(python(code), 0.2, 100, started.append)
    assert started[0].returncode == -9
