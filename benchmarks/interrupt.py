"""Ctrl-C and SIGTERM end a benchmark with all that it has started."""

import signal
import sys
from types import FrameType


def interruptible() -> None:
    """Let both signals be a ``KeyboardInterrupt``, so that blocks are left in order and servers are stopped.

    A shell starts what it puts into the background with SIGINT ignored, and SIGTERM would end the process at once.
    After the first signal both are ignored: stopping servers takes a few seconds and must not be cut short.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    print("\nstopping what was started, a few seconds ...", file=sys.stderr)
    raise KeyboardInterrupt
