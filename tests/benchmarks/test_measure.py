"""A candidate is a process of its own, whose time, memory and end are seen."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import measure as measure_module
from benchmarks.measure import CandidateFailedError, end, measure
from benchmarks.memory import Memory, resident_mib

HUNDRED_MIB = "data = b'x' * (100 << 20)"


def test_a_candidate_gets_its_order_on_standard_input(tmp_path: Path) -> None:
    """Cookies and passwords go there, not to the process list."""
    log = tmp_path / "log"
    measure([sys.executable, "-c", "print(input()[::-1])"], stdin="order\n", env=os.environ, log=log)
    assert log.read_text() == "redro\n"


def test_a_failure_has_the_end_of_what_was_said(tmp_path: Path) -> None:
    """A benchmark that cannot run says why."""
    command = [sys.executable, "-c", "raise SystemExit('the target is down')"]
    with pytest.raises(CandidateFailedError, match="exit code 1: the target is down"):
        measure(command, stdin="", env=os.environ, log=tmp_path / "log")


def test_a_failure_that_is_allowed_is_only_noted(tmp_path: Path) -> None:
    """Some candidates are expected to end otherwise."""
    cost = measure(
        [sys.executable, "-c", "raise SystemExit(4)"], stdin="", env=os.environ, log=tmp_path / "log", allowed=(0, 4)
    )
    assert cost.exit_code == 4


def test_memory_is_that_of_the_candidate_alone() -> None:
    """What this process holds is not in it, and what the candidate has given back is in its peak."""
    ballast = bytearray(b"x" * (200 << 20))
    command = [sys.executable, "-c", f"{HUNDRED_MIB}; del data; print('ready', flush=True); input()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as candidate:  # noqa: S603  our own command
        assert candidate.stdout
        assert candidate.stdout.readline() == "ready\n"
        memory = Memory(candidate.pid)
        memory.look()
        candidate.communicate("end\n")
    ((_, resident),) = memory.points
    assert 1 < resident < 100 < memory.peak_mib < 200 < len(ballast)


def test_a_process_that_is_gone_has_no_memory(tmp_path: Path) -> None:
    """It may end between two looks."""
    assert resident_mib(tmp_path / "status") == (0.0, 0.0)


IGNORES_SIGTERM = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); "


@pytest.mark.parametrize(("before", "ended_by"), [("", signal.SIGTERM), (IGNORES_SIGTERM, signal.SIGKILL)])
def test_a_candidate_that_is_left_behind_is_ended(
    before: str, ended_by: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked first, and killed when it does not obey."""
    monkeypatch.setattr(measure_module, "STOP_SECONDS", 0.05 if before else 10.0)
    command = [sys.executable, "-c", f"{before}print('ready', flush=True); input()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as candidate:  # noqa: S603  our own command
        assert candidate.stdout
        candidate.stdout.readline()
        end(candidate)
        assert candidate.returncode == -ended_by


def test_a_candidate_does_not_outlive_an_interruption(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while it is waited for ends it, too."""
    started: list[int] = []

    def interrupted(pid: int, _options: int) -> None:
        started.append(pid)
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "wait4", interrupted)
    with pytest.raises(KeyboardInterrupt):
        measure([sys.executable, "-c", "while True: pass"], stdin="", env=os.environ, log=tmp_path / "log")
    with pytest.raises(ProcessLookupError):
        os.kill(started[0], 0)
