"""Catching a webserver in the middle of a POST: hold the table it writes to, wait until it waits, kill it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from psycopg import sql

from .rig import Side

BLOCKED_SECONDS = 30.0


@contextmanager
def held(side: Side, table: str) -> Iterator[None]:
    """Let every INSERT into `table` wait until the block is left; reading goes on."""
    with side.connect() as conn, conn.transaction():
        conn.execute(sql.SQL("LOCK TABLE {} IN EXCLUSIVE MODE").format(sql.Identifier(table)))
        yield


def wait_for_blocked(side: Side, count: int = 1, deadline: float = BLOCKED_SECONDS) -> None:
    """Wait until `count` requests stand before a held table.

    Raises:
        TimeoutError: they did not come within `deadline` seconds.
    """
    side.webserver.service.wait_until(lambda: len(_blocked_ports(side)) >= count, deadline)


def kill_blocked_worker(side: Side) -> int:
    """Kill one gunicorn worker whose INSERT stands before a held table; return its process id.

    Raises:
        LookupError: no worker is blocked.
    """
    ports = _blocked_ports(side)
    for pid in side.webserver.workers():
        if ports & _local_ports(pid):
            side.webserver.kill_worker(pid)
            return pid
    raise LookupError(f"no worker of {side.url} waits for a lock")


def _blocked_ports(side: Side) -> set[int]:
    with side.connect() as conn:
        rows = conn.execute(
            "SELECT client_port FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return {port for (port,) in rows}


def _local_ports(pid: int) -> set[int]:
    inodes = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        try:
            inodes.add(descriptor.readlink().name)
        except FileNotFoundError:
            continue  # closed meanwhile
    lines = Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]
    sockets = (line.split() for line in lines)
    return {int(fields[1].rpartition(":")[2], 16) for fields in sockets if f"socket:[{fields[9]}]" in inodes}
