"""Processor time of servers that fork."""

import os
import subprocess
import sys

from benchmarks.server_cpu import cpu_seconds, family

BUSY = "import time\nwhile time.process_time() < 0.3: pass"
PARENT = f"""
import subprocess, sys
subprocess.run([sys.executable, "-c", {BUSY!r}])
waiting = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
print(waiting.pid, flush=True)
input()
"""


def test_a_family_has_its_ended_children_in_its_time() -> None:
    """Workers that were replaced have cost something, too; those that live are found."""
    with subprocess.Popen(  # noqa: S603  our own command
        [sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:  # a family of three, of which one has ended
        assert parent.stdout
        waiting = int(parent.stdout.readline())
        members = list(family(parent.pid))
        spent = cpu_seconds(parent.pid)
        parent.communicate("end\n")
    assert members == [parent.pid, waiting]
    assert spent >= 0.28


def test_a_process_that_is_gone_has_no_time() -> None:
    """It may end between being found and being looked at."""
    ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    assert cpu_seconds(int(ended.stdout)) == 0.0
    assert cpu_seconds(os.getpid()) > 0.0
