"""One Airflow deployment of the rig, and every way into it."""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from .install import Install
from .login import fetch, log_in
from .users import User
from .versions import Version
from .webserver import Webserver

Connection = psycopg.Connection[tuple[Any, ...]]
COMMAND_SECONDS = 240.0

# Everything a test can leave behind, in whatever version has it. Users, roles and sessions stay, so that cookies stay
# good.
EMPTIED = (
    "dag_run", "backfill", "dag", "trigger", "job", "variable", "connection", "import_error", "log", "dataset", "asset",
    "serialized_dag", "dag_code",
)  # fmt: skip


class AirflowFailedError(Exception):
    """Raised when a command of Airflow's own ended with an exit code other than 0; says what it wrote at its end."""

    def __init__(self, arguments: tuple[str, ...], done: subprocess.CompletedProcess[str]) -> None:
        said = "\n".join((done.stdout + done.stderr).splitlines()[-40:])
        super().__init__(f"airflow {' '.join(arguments)} ended with exit code {done.returncode}:\n{said}")


@dataclass(frozen=True, slots=True)
class Side:
    """One deployment: its webserver and the way past it, into its database."""

    name: str
    dsn: str
    webserver: Webserver
    users: dict[str, User]
    install: Install

    @property
    def version(self) -> Version:
        """The version of its Airflow."""
        return self.install.version

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
        """A user who can log in and, on Airflow 2, is not allowed to use Starship."""
        return self.users["viewer"]

    @property
    def environment(self) -> dict[str, str]:
        """The variables of an Airflow process of this deployment, such as a scheduler."""
        return dict(self.webserver.environment)

    @property
    def home(self) -> Path:
        """The folder of the deployment: configuration, logs."""
        return self.webserver.home

    @property
    def dags_folder(self) -> Path:
        """Where its DAG files belong."""
        return self.home / "dags"

    def connect(self) -> Connection:
        """Return a new SQL connection in autocommit mode, so that it never holds a lock `reset` would wait for."""
        return psycopg.connect(self.dsn, autocommit=True)

    def log_in(self, name: str = "admin") -> str:
        """Log a user in and return the `Cookie` header's value; Airflow 2 only."""
        return log_in(self.url, self.users[name])

    def token(self, name: str = "admin") -> str:
        """Log a user in and return the bearer token; Airflow 3 only."""
        user = self.users[name]
        body = json.dumps({"username": user.name, "password": user.password}).encode()
        headers = {"Content-Type": "application/json"}
        answer, said = fetch(self.url, "/auth/token", method="POST", body=body, headers=headers)
        if answer.status != 201:
            raise PermissionError(f"{self.url} gave {user.name} no token: {answer.status}")
        return str(json.loads(said)["access_token"])

    def headers(self, name: str = "admin") -> dict[str, str]:
        """Log a user in and return the header that proves it, whatever the version wants."""
        return {"Authorization": f"Bearer {self.token(name)}"} if self.version.new else {"Cookie": self.log_in(name)}

    def expire_sessions(self) -> int:
        """End every login at once, as if its time were over; return how many there were."""
        with self.connect() as conn:
            return conn.execute("UPDATE session SET expiry = now() AT TIME ZONE 'UTC' - interval '1 minute'").rowcount

    def airflow(self, *arguments: str) -> str:
        """Run a command of this deployment's own Airflow and return its standard output; it takes some seconds.

        Raises:
            AirflowFailedError: it ended with an exit code other than 0.
        """
        done = subprocess.run(  # noqa: S603 - the rig's own command
            [str(self.install.python), "-m", "airflow", *arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
            cwd="/",
        )
        if done.returncode != 0:
            raise AirflowFailedError(arguments, done)
        return done.stdout

    def parse(self, files: Mapping[str, str]) -> None:
        """Put DAG files (name and text) into the DAGs folder and have the whole folder parsed.

        Every DAG has its row then and is paused; on Airflow 3 it has its version, without which its pages are a 500.
        """
        for name, text in files.items():
            (self.dags_folder / name).write_text(text, encoding="utf-8")
        self.airflow("dags", "reserialize")

    def reset(self) -> None:
        """Empty the history and everything else a test may write; the webserver goes on running.

        What was parsed is forgotten as well; the files stay in the DAGs folder.
        """
        with self.connect() as conn:
            conn.execute("SET lock_timeout = '30s'")
            found = conn.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
            tables = [name for name in EMPTIED if (name,) in found]
            if self.version.new:
                # its threads keep transactions open in which they have read, for which a TRUNCATE would wait
                for name in tables:
                    conn.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(name)))
            else:
                names = sql.SQL(", ").join(map(sql.Identifier, tables))
                conn.execute(sql.SQL("TRUNCATE {} RESTART IDENTITY CASCADE").format(names))
            conn.execute("DELETE FROM slot_pool WHERE pool <> 'default_pool'")
