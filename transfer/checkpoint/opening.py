"""Finding, creating and checking the checkpoint of a state directory; the lock is already held.

1. A new checkpoint is built under another name and renamed: a file with the right name is always complete.
2. An existing one must be ours, whole, and not newer than this program; an older schema is migrated.
3. It must belong to this job.
"""

import os
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from sqlite3 import Connection
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from transfer.checkpoint.database import connect, prepare, transact
from transfer.checkpoint.encoding import checked, decoding, stamp
from transfer.checkpoint.failures import corrupt, translated
from transfer.checkpoint.schema import APPLICATION_ID, VERSION, migrate, version_of
from transfer.checkpoint.values import Job
from transfer.errors import StateMismatchError

DATABASE: Final = "checkpoint.sqlite3"
LOCK: Final = "checkpoint.sqlite3.lock"

QUICK_CHECK_BYTES: Final = 256 * 1024 * 1024
"""Up to this size (a second or so) a checkpoint whose last run was killed is checked as a whole before it is used.

SQLite itself notices most damage when it meets it, and repairs what a killed process leaves behind; what is left is a
disk that lost acknowledged writes when the power went, which only an invocation that did not end can have met.
"""

_SIDE_FILES: Final = ("-wal", "-shm", "-journal", ".new", ".new-wal", ".new-shm", ".new-journal")


def has_checkpoint(directory: Path) -> bool:
    """Tell whether there is a job in ``directory``; raises ``StateError`` when that cannot be found out."""
    path = directory / DATABASE
    with translated(path):
        try:
            path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return False
    return True


def open_database(path: Path, job: Job, clock: Callable[[], datetime]) -> Connection:
    """Return the writing connection to the job's checkpoint, which is created if there is none.

    Raises ``StateMismatchError``, ``StateCorruptError``, ``sqlite3.Error`` or OSError.
    """
    if not path.exists():
        _create(path, job, clock)
    connection = connect(path, "rw")
    try:
        check_origin(connection, path)
        prepare(connection)
        _check_pages(connection, path)
        transact(connection, migrate)
        _check_job(connection, job)
    except BaseException:  # whatever it is, the connection is of no use
        connection.close()
        raise
    return connection


def check_origin(connection: Connection, path: Path) -> None:
    """Raise ``StateCorruptError`` unless the file is a checkpoint that this release understands."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    version = version_of(connection)
    if application != APPLICATION_ID or not version:
        raise corrupt(path, "it is empty or was not written by this program")
    (page,) = connection.execute("PRAGMA page_size").fetchone()
    if path.stat().st_size % page:  # SQLite would take what lacks of the last page for zeros
        raise corrupt(path, "it was cut off")
    if version > VERSION:
        newer = "use that release, or another state directory"
        raise corrupt(path, f"a newer release wrote it (schema {version}, this one knows {VERSION})", hint=newer)


def read_job(connection: Connection) -> tuple[UUID, Job]:
    """Return the job's uuid and its identity."""
    row = connection.execute("SELECT uuid, source, target, selection FROM job").fetchone()
    with decoding():
        uuid, *identity = checked(row, str, str, str, str)
        return UUID(uuid), Job(*identity)


def _create(path: Path, job: Job, clock: Callable[[], datetime]) -> None:
    # A log that outlived its database would be replayed into the new one.
    for suffix in _SIDE_FILES:
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    new = path.with_name(path.name + ".new")
    new.touch(mode=0o600)
    values = (str(uuid4()), bare(job.source), bare(job.target), job.selection, stamp(clock()))

    def build(connection: Connection) -> None:
        migrate(connection)
        connection.execute("INSERT INTO job VALUES (1, ?, ?, ?, ?, ?)", values)

    # Without a write-ahead log: on a full disk a part of the database may stay behind in it when the file is closed.
    with closing(connect(new, "rw")) as connection:
        connection.execute("PRAGMA synchronous = FULL")
        transact(connection, build)
    new.rename(path)
    _sync_directory(path.parent)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _check_pages(connection: Connection, path: Path) -> None:
    last = connection.execute("SELECT ended_at FROM invocation ORDER BY number DESC LIMIT 1").fetchone()
    if last is None or last[0] is not None or path.stat().st_size > QUICK_CHECK_BYTES:
        return
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise corrupt(path, verdict)


def _check_job(connection: Connection, job: Job) -> None:
    _, stored = read_job(connection)
    pairs = {
        "source": (stored.source, bare(job.source)),
        "target": (stored.target, bare(job.target)),
        "selection": (stored.selection, job.selection),
    }
    differing = [f"{name}: there {was}, here {now}" for name, (was, now) in pairs.items() if was != now]
    if differing:
        raise StateMismatchError(
            "the state directory belongs to another job\n" + "\n".join(differing),
            hint="use another state directory for this job, or the former source, target and selection",
        )


def bare(url: str) -> str:
    """Return ``url`` without a user and a password."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
