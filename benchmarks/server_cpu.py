"""How much processor time the servers of a pair have taken so far (Linux).

On a machine where the servers are the limit, this is what a row really costs: unlike seconds, it hardly depends on
what else the machine does.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from tests.live.processes import children
from tests.live.rig import Rig

_TICK = os.sysconf("SC_CLK_TCK")
_OWN_AND_REAPED = slice(11, 15)
"""Of the fields behind the command in ``/proc/PID/stat``: user and system time, its own and that of ended children."""


def server_cpu(rig: Rig) -> float:
    """Return the CPU seconds of both web servers and the database, with all their processes, living and ended."""
    roots = (rig.source.webserver.service, rig.target.webserver.service, rig.postgres.service)
    return sum(cpu_seconds(pid) for root in roots for pid in family(root.process.pid))


def family(pid: int) -> Iterator[int]:
    """Yield a process and all that descend from it."""
    yield pid
    for child in children(pid):
        yield from family(child)


def cpu_seconds(pid: int) -> float:
    """Return the CPU seconds of one process and of its ended children; 0 for one that is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    # the second field is the command in parentheses and may itself hold spaces
    return sum(map(int, stat.rpartition(")")[2].split()[_OWN_AND_REAPED])) / _TICK
