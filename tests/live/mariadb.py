"""A throwaway MariaDB server on a free loopback port, and the driver that Airflow and the tests reach it with."""

import importlib
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .install import Install, _uv, publish
from .processes import Account, CommandFailedError, Service, free_port, run
from .unavailable import RigUnavailable

DATABASE = "airflow"
USER = "root"
DRIVER = "pymysql==1.1.2"
READY_SECONDS = 60.0
STRICT = "STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_AUTO_CREATE_USER,NO_ENGINE_SUBSTITUTION"
"""What MariaDB has unless somebody sets another sql_mode."""

# As for PostgreSQL: nothing to lose in a power cut.
SETTINGS = {
    "bind-address": "127.0.0.1",
    "character-set-server": "utf8mb4",
    "collation-server": "utf8mb4_general_ci",
    "default-time-zone": "+00:00",
    "innodb-buffer-pool-size": "128M",
    "innodb-flush-log-at-trx-commit": "0",
    "innodb-log-file-size": "64M",
    "max-allowed-packet": "64M",
    "max-connections": "200",
}


@dataclass(frozen=True, slots=True)
class Binaries:
    """The server and its version."""

    server: Path
    version: str


def find_binaries() -> Binaries:
    """Return the MariaDB server on this machine.

    Raises:
        RigUnavailable: there is none.
    """
    server = shutil.which("mariadbd") or shutil.which("mariadbd", path="/usr/sbin:/usr/local/sbin")
    if server is None:
        raise RigUnavailable("there is no MariaDB server (mariadbd) on this machine")
    return Binaries(Path(server), _version(server))


def _version(server: str) -> str:
    with tempfile.TemporaryDirectory() as name:
        log = Path(name) / "version"
        run([server, "--no-defaults", "--version"], log)
        said = log.read_text()
    return said.partition("Ver ")[2].partition("-")[0]


@dataclass(slots=True)
class MariaDB:
    """A running server that lets anybody in, because only this machine can reach it."""

    port: int
    service: Service
    driver: Path

    @classmethod
    def start(cls, binaries: Binaries, data: Path, log: Path, driver: Path, sql_mode: str = STRICT) -> "MariaDB":
        """Start a server and wait until it answers; `driver` is where pymysql is.

        It fills an empty data directory itself: without tables of accounts, so it needs no other program.
        """
        port = free_port()
        command = [str(binaries.server), "--no-defaults", f"--datadir={data}", f"--port={port}", "--skip-grant-tables"]
        command += [f"--socket={data.parent}/s", f"--pid-file={data}/pid", f"--sql-mode={sql_mode}"]
        command += [f"--{name}={value}" for name, value in SETTINGS.items()]
        server = cls(port, Service.start(command, log, account=Account.unprivileged()), driver)
        try:
            server.service.wait_until(server._answers, READY_SECONDS)
        except (TimeoutError, ChildProcessError):
            server.stop()
            raise
        return server

    def stop(self) -> None:
        """End the server; it does not wait for its clients."""
        self.service.stop(signal.SIGTERM)

    @property
    def dsn(self) -> str:
        """Where Airflow finds its database."""
        return f"mysql+pymysql://{USER}@127.0.0.1:{self.port}/{DATABASE}?charset=utf8mb4"

    def create(self) -> None:
        """Create Airflow's database, empty."""
        with self.connect("") as conn, conn.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {DATABASE}")

    @contextmanager
    def connect(self, database: str = DATABASE) -> Iterator[Any]:
        """Give a connection in autocommit mode that quotes names as PostgreSQL does; it is closed at the end."""
        modes = f"SET SESSION sql_mode = 'ANSI_QUOTES,{STRICT}', time_zone = '+00:00'"
        conn = load_driver(self.driver).connect(
            host="127.0.0.1", port=self.port, user=USER, database=database or None, charset="utf8mb4", autocommit=True,
            init_command=modes,
        )  # fmt: skip
        try:
            yield conn
        finally:
            conn.close()

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return what a query finds."""
        with self.connect() as conn, conn.cursor() as cursor:
            cursor.execute(query, values or None)
            return list(cursor.fetchall())

    def one(self, query: str, values: Sequence[Any] = ()) -> Any:
        """Return the only value of a query's only row."""
        ((value,),) = self.rows(query, values)
        return value

    def insert(self, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Write rows that all have the same columns, all or nothing."""
        written = list(rows)
        names = list(written[0]) if written else []
        quoted, places = ", ".join(f'"{name}"' for name in names), ", ".join(["%s"] * len(names))
        with self.connect() as conn, conn.cursor() as cursor:
            conn.begin()
            statement = f'INSERT INTO "{table}" ({quoted}) VALUES ({places})'  # noqa: S608  names of the tests' own
            cursor.executemany(statement, [list(row.values()) for row in written])
            conn.commit()

    @contextmanager
    def mode(self, sql_mode: str) -> Iterator[None]:
        """Let the server work in another sql_mode inside the block, for Airflow's connections as well."""
        usual = self.one("SELECT @@GLOBAL.sql_mode")
        self._set_mode(sql_mode)
        try:
            yield
        finally:
            self._set_mode(usual)

    def _set_mode(self, sql_mode: str) -> None:
        with self.connect() as conn, conn.cursor() as cursor:
            cursor.execute("SET GLOBAL sql_mode = %s", [sql_mode])
            # a connection keeps the mode that it began with; Airflow opens new ones
            others = "SELECT id FROM information_schema.processlist WHERE id <> connection_id() AND db IS NOT NULL"
            cursor.execute(others)
            for (number,) in cursor.fetchall():
                cursor.execute("KILL %s", [number])

    def columns(self, table: str) -> tuple[str, ...]:
        """Return the names of a table's columns; none if there is no such table."""
        found = self.rows(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = %s AND table_name = %s"
            " ORDER BY ordinal_position",
            [DATABASE, table],
        )
        return tuple(name for (name,) in found)

    def _answers(self) -> bool:
        pymysql = load_driver(self.driver)
        try:
            pymysql.connect(host="127.0.0.1", port=self.port, user=USER, connect_timeout=1).close()
        except pymysql.err.OperationalError:
            return False
        return True


def installed_driver(install: Install) -> Path:
    """Return the folder that has pymysql and nothing else; it is filled once.

    Raises:
        RigUnavailable: it cannot be installed.
    """
    kept = install.cache / DRIVER.replace("==", "-")
    if not kept.exists():
        built, log = Path(tempfile.mkdtemp(prefix="driver-", dir=install.cache)), install.cache / "driver.log"
        try:
            command = ["pip", "install", "--quiet", "--no-deps", "--target", str(built), DRIVER]
            run([*_uv(), *command, "--python", str(install.python)], log)
        except CommandFailedError as error:
            shutil.rmtree(built, ignore_errors=True)
            raise RigUnavailable(f"{DRIVER} could not be installed: {error}") from error
        publish(built, kept)
    return kept


def load_driver(folder: Path) -> Any:
    """Import pymysql from `folder`: our own Python needs it only here."""
    if "pymysql" not in sys.modules:
        sys.path.insert(0, str(folder))
        try:
            importlib.import_module("pymysql")
        finally:
            sys.path.remove(str(folder))
    return sys.modules["pymysql"]
