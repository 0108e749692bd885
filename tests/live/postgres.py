"""A throwaway PostgreSQL server on a free loopback port."""

import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from .processes import Account, Service, free_port, run
from .unavailable import RigUnavailable

SUPERUSER = "postgres"
READY_SECONDS = 30.0
# A server that lives for one test session has nothing to lose in a power cut.
SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
    "listen_addresses": "127.0.0.1",
}


@dataclass(frozen=True, slots=True)
class Binaries:
    """The folder with initdb and postgres, and the major version they are of."""

    folder: Path
    version: str


def find_binaries() -> Binaries:
    """Return the newest PostgreSQL server on this machine.

    Raises:
        RigUnavailable: there is none.
    """
    for folder in _folders():
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return Binaries(folder, _version(folder / "postgres"))
    raise RigUnavailable("there are no PostgreSQL server binaries (initdb, postgres) on this machine")


def _folders() -> Iterator[Path]:
    on_path = shutil.which("postgres")
    if on_path:
        # initdb looks for its share folder beside the real binary, so links are followed
        yield Path(on_path).resolve().parent
    installed = Path("/usr/lib/postgresql").glob("*/bin")
    yield from sorted(installed, key=lambda folder: _number(folder.parent.name), reverse=True)
    config = shutil.which("pg_config")
    if config:
        yield Path(_output([config, "--bindir"]))


def _number(name: str) -> int:
    return int(name) if name.isdigit() else 0


def _version(postgres: Path) -> str:
    return _output([str(postgres), "--version"]).split()[2].partition(".")[0]


def _output(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603 - ours


@dataclass(slots=True)
class Postgres:
    """A running server; every connection is trusted, because only this machine can reach it."""

    port: int
    service: Service

    @classmethod
    def initialise(cls, binaries: Binaries, data: Path, log: Path) -> None:
        """Make an empty cluster in `data`, whose parent folder belongs to the unprivileged account."""
        command = [str(binaries.folder / "initdb"), "--pgdata", str(data), "--username", SUPERUSER, "--no-sync"]
        command += ["--auth", "trust", "--encoding", "UTF8", "--locale", "C.UTF-8"]
        run(command, log, account=Account.unprivileged())

    @classmethod
    def start(cls, binaries: Binaries, data: Path, log: Path) -> "Postgres":
        """Start a server on the cluster in `data` and wait until it answers."""
        port = free_port()
        command = [str(binaries.folder / "postgres"), "-D", str(data), "-p", str(port), "-k", str(data)]
        for name, value in SETTINGS.items():
            command += ["-c", f"{name}={value}"]
        server = cls(port, Service.start(command, log, account=Account.unprivileged()))
        try:
            server.service.wait_until(server._answers, READY_SECONDS)
        except (TimeoutError, ChildProcessError):
            server.stop()
            raise
        return server

    def stop(self) -> None:
        """End the server without waiting for its clients."""
        self.service.stop(signal.SIGINT)

    def dsn(self, database: str) -> str:
        """Return the URI of `database`, as libpq and psycopg take it."""
        return f"postgresql://{SUPERUSER}@127.0.0.1:{self.port}/{database}"

    def create(self, database: str, template: str = "template1") -> None:
        """Create `database` as a copy of `template`, to which nobody may be connected."""
        with psycopg.connect(self.dsn("postgres"), autocommit=True) as conn:
            conn.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(database), sql.Identifier(template))
            )

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.dsn("postgres"), connect_timeout=1).close()
        except psycopg.OperationalError:
            return False
        return True
