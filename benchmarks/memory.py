"""Watches how much memory another process has resident (Linux)."""

import re
from pathlib import Path
from threading import Event, Thread
from time import perf_counter
from typing import Self

EVERY = 0.1
POINT_EVERY = 0.5

_FIELD = re.compile(r"^(VmHWM|VmRSS):\s+(\d+) kB$", re.MULTILINE)


class Memory:
    """Looks at a process ten times a second while the block lasts, in a thread of its own.

    The peak is the kernel's own for this process, so that what comes and goes between two looks is in it. What
    ``wait4`` reports is of no use here: it begins with the memory of whoever started the process.
    """

    def __init__(self, pid: int) -> None:
        self.peak_mib = 0.0
        self.points: list[tuple[float, float]] = []
        self._status = Path(f"/proc/{pid}/status")
        self._over = Event()
        self._thread = Thread(target=self._watch, daemon=True)
        self._started = perf_counter()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def look(self) -> None:
        """Look once."""
        peak, resident = resident_mib(self._status)
        self.peak_mib = max(self.peak_mib, peak)
        seconds = perf_counter() - self._started
        if resident and (not self.points or seconds >= self.points[-1][0] + POINT_EVERY):
            self.points.append((round(seconds, 2), round(resident, 2)))

    def _watch(self) -> None:
        while not self._over.wait(EVERY):
            self.look()


def resident_mib(status: Path) -> tuple[float, float]:
    """Return peak and present resident MiB out of ``/proc/PID/status``; zeros for a process that is gone."""
    try:
        fields = dict(_FIELD.findall(status.read_text()))
    except (FileNotFoundError, ProcessLookupError):
        return 0.0, 0.0
    return int(fields.get("VmHWM", 0)) / 1024, int(fields.get("VmRSS", 0)) / 1024
