"""Run a candidate as a process of its own and see what it took."""

import os
import signal
import subprocess
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.memory import Memory

STOP_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Cost:
    """What one process took.

    Args:
        seconds: from its start to its end.
        cpu_seconds: user and system time of its own.
        peak_mib: the most memory that was resident at once.
        memory: (seconds since the start, resident MiB), a point every half a second.
        exit_code: how it ended; a signal's number is negative.
    """

    seconds: float
    cpu_seconds: float
    peak_mib: float
    memory: tuple[tuple[float, float], ...] = ()
    exit_code: int = 0


class CandidateFailedError(Exception):
    """Raised when a candidate ends with another exit code than it may."""


def measure(
    command: Sequence[str],
    *,
    stdin: str,
    env: Mapping[str, str],
    log: Path,
    allowed: Collection[int] = (0,),
) -> Cost:
    """Run ``command`` to its end; what it says is in ``log``.

    Raises:
        CandidateFailedError: its exit code is none of ``allowed``; the message has the end of what it said.
    """
    started = perf_counter()
    with log.open("w+b") as output, _running(command, output.fileno(), env) as process:
        with Memory(process.pid) as memory:
            _feed(process, stdin)
            _, status, usage = os.wait4(process.pid, 0)
        seconds = perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in allowed:
        raise CandidateFailedError(f"exit code {process.returncode}: {log.read_text(errors='replace')[-500:]}")
    cpu = usage.ru_utime + usage.ru_stime
    return Cost(seconds, cpu, memory.peak_mib, tuple(memory.points), process.returncode)


@contextmanager
def _running(command: Sequence[str], output: int, env: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Start the process and see to it that it has ended when the block is left, however that happens."""
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=output, stderr=output, env=dict(env))  # noqa: S603  our own commands
    try:
        yield process
    finally:
        if process.returncode is None:
            end(process)


def end(process: subprocess.Popen[Any]) -> None:
    """End a process: ask, and kill it when it still lives after ten seconds."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _feed(process: subprocess.Popen[bytes], text: str) -> None:
    if process.stdin is not None:
        process.stdin.write(text.encode())
        process.stdin.close()
