"""Two Airflow deployments, from nothing to running and back to nothing.

installed()          Airflow and Starship from the pins      (kept between runs)
  unpack_cluster()   PostgreSQL data with a migrated database (kept between runs)
    Postgres         one server
      source, target one database and one webserver each
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from .environment import USUAL, WebOptions
from .install import Install, installed
from .login import log_in
from .postgres import Postgres, find_binaries
from .template import TEMPLATE, unpack_cluster
from .users import User, load_users
from .webserver import Webserver

Connection = psycopg.Connection[tuple[Any, ...]]

# Everything a test can leave behind. Users, roles and sessions stay, so that cookies stay good.
EMPTIED = ("dag_run", "dag", "trigger", "job", "variable", "connection", "import_error", "log", "dataset")


@dataclass(frozen=True, slots=True)
class Side:
    """One deployment: its webserver and the way past it, into its database."""

    name: str
    dsn: str
    webserver: Webserver
    users: dict[str, User]

    @property
    def url(self) -> str:
        """The root of the webserver, without a slash at its end."""
        return self.webserver.url

    @property
    def admin(self) -> User:
        """A user who may do everything."""
        return self.users["admin"]

    @property
    def viewer(self) -> User:
        """A user who can log in and is not allowed to use Starship."""
        return self.users["viewer"]

    def connect(self) -> Connection:
        """Return a new SQL connection in autocommit mode, so that it never holds a lock `reset` would wait for."""
        return psycopg.connect(self.dsn, autocommit=True)

    def log_in(self, name: str = "admin") -> str:
        """Log a user in and return the `Cookie` header's value."""
        return log_in(self.url, self.users[name])

    def expire_sessions(self) -> int:
        """End every login at once, as if its time were over; return how many there were."""
        with self.connect() as conn:
            return conn.execute("UPDATE session SET expiry = now() AT TIME ZONE 'UTC' - interval '1 minute'").rowcount

    def reset(self) -> None:
        """Empty the history and everything else a test may write; the webserver goes on running."""
        with self.connect() as conn:
            conn.execute("SET lock_timeout = '30s'")
            tables = sql.SQL(", ").join(map(sql.Identifier, EMPTIED))
            conn.execute(sql.SQL("TRUNCATE {} RESTART IDENTITY CASCADE").format(tables))
            conn.execute("DELETE FROM slot_pool WHERE pool <> 'default_pool'")


@dataclass(frozen=True, slots=True)
class Rig:
    """Both sides, on one PostgreSQL server."""

    source: Side
    target: Side
    install: Install
    postgres: Postgres
    folder: Path

    def reset(self) -> None:
        """Empty both sides."""
        self.source.reset()
        self.target.reset()

    @contextmanager
    def serve(self, side: Side, options: WebOptions) -> Iterator[Side]:
        """Run one more webserver, with other options, on the database of `side`; it takes about five seconds."""
        home = Path(tempfile.mkdtemp(prefix=f"{side.name}-", dir=self.folder))
        webserver = Webserver.start(self.install, home, side.dsn, options)
        try:
            webserver.wait()
            yield Side(side.name, side.dsn, webserver, side.users)
        finally:
            webserver.stop()


@contextmanager
def boot(source: WebOptions = USUAL, target: WebOptions = USUAL) -> Iterator[Rig]:
    """Start both sides and end them when the block is left.

    Raises:
        RigUnavailable: Airflow or PostgreSQL cannot be had here.
    """
    binaries, install = find_binaries(), installed()
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="transfer-live-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        folder.chmod(0o711)  # PostgreSQL's account has to pass through
        data = unpack_cluster(install, binaries, folder / "postgres")
        postgres = Postgres.start(binaries, data, folder / "postgres.log")
        stack.callback(postgres.stop)
        sides = []
        for name, options in (("source", source), ("target", target)):
            postgres.create(name, TEMPLATE)
            webserver = Webserver.start(install, folder / name, postgres.dsn(name), options)
            stack.callback(webserver.stop)
            sides.append(Side(name, postgres.dsn(name), webserver, load_users(install.cache / "users.json")))
        for side in sides:
            side.webserver.wait()
        yield Rig(sides[0], sides[1], install, postgres, folder)
