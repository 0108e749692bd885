"""How many runs the next window of a DAG should hold."""

from collections.abc import Callable
from dataclasses import dataclass

from transfer.config.settings import Limits

FIRST_SIZE = 25
"""Small enough that runs with thousands of task instances do not surprise either side."""

TARGET_SECONDS = 5.0
"""A page that takes longer is too large: gunicorn ends a request after 120 s, and a stop has to wait for it."""


@dataclass(slots=True)
class WindowSize:
    """Adapts to bytes and seconds per run: shrinks at once, grows to at most twice its size, from 1 run up."""

    limits: Limits
    runs: int = 0
    aim: Callable[[], int] | None = None
    """Returns the bytes that a window should have; the configured ones by default."""

    def __post_init__(self) -> None:
        self.runs = min(self.runs or FIRST_SIZE, self.limits.window_runs)

    def learn(self, runs: int, size: int, seconds: float) -> None:
        """Take note of a window of ``runs`` runs whose child pages held ``size`` bytes and took ``seconds``."""
        aim = self.limits.window_bytes if self.aim is None else self.aim()
        by_bytes = aim * runs // max(size, 1)
        by_seconds = int(TARGET_SECONDS * runs / max(seconds, 1e-3))
        self.runs = max(1, min(by_bytes, by_seconds, self.runs * 2, self.limits.window_runs))

    def shrink(self, runs: int) -> None:
        """Aim at a quarter of ``runs``, whose pages did not come."""
        self.runs = max(1, min(self.runs, runs) // 4)
