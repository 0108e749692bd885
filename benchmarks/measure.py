"""Run a candidate as a process of its own and see what it took."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter


@dataclass(frozen=True, slots=True)
class Cost:
    """What one process took: wall seconds, CPU seconds of its own, peak resident memory in MiB."""

    seconds: float
    cpu_seconds: float
    peak_mib: float


class CandidateFailedError(Exception):
    """Raised when a candidate ends with another exit code than 0."""


def measure(command: Sequence[str], *, stdin: str, env: Mapping[str, str], log: Path) -> Cost:
    """Run ``command`` to its end; raises ``CandidateFailedError`` with the end of what it said."""
    with log.open("w+b") as output:
        started = perf_counter()
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=output, stderr=output, env=dict(env))  # noqa: S603  our own commands
        if process.stdin is not None:
            process.stdin.write(stdin.encode())
            process.stdin.close()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise CandidateFailedError(f"exit code {process.returncode}: {log.read_text()[-500:]}")
    return Cost(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)
