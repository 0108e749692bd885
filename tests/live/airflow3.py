"""One Airflow 3 with Starship, for what can be proven about it so far: logging in, and being refused as a side.

It comes into being like the two sides of `rig`, with an installation, a cluster and a PostgreSQL server of its own.
"""

import json
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from .environment3 import JWT_SECRET, airflow3_environment
from .install import AIRFLOW_3, Install, installed
from .login import answers, fetch
from .postgres import Postgres, find_binaries
from .processes import Service, free_port
from .template import TEMPLATE, unpack_cluster
from .users import User, load_users

READY_SECONDS = 120.0


@dataclass(slots=True)
class ApiServer:
    """A running `airflow api-server` whose users are those of the simple auth manager."""

    url: str
    admin: User
    command: list[str]
    environment: dict[str, str] = field(repr=False)
    log: Path
    service: Service

    @property
    def jwt_secret(self) -> str:
        """The key that its tokens are signed with."""
        return self.environment[JWT_SECRET]

    def wait(self) -> None:
        """Wait until the server answers."""
        self.service.wait_until(answers(self.url, "/api/v2/version"), READY_SECONDS)

    def restart(self) -> None:
        """Stop the server and run it again at the same address with another key: no token of before is good any more.

        Its log starts anew, too.
        """
        self.service.stop()
        self.log.unlink()
        self.environment[JWT_SECRET] = secrets.token_hex(32)
        self.service = Service.start(self.command, self.log, self.environment)
        self.wait()

    def token(self) -> str:
        """Log the administrator in and return the token."""
        body = json.dumps({"username": self.admin.name, "password": self.admin.password}).encode()
        headers = {"Content-Type": "application/json"}
        _, answer = fetch(self.url, "/auth/token", method="POST", body=body, headers=headers)
        return str(json.loads(answer)["access_token"])

    def logged(self, request: str, status: int) -> int:
        """Return how often the server has answered `request`, such as "POST /auth/token", with `status` so far."""
        return self.log.read_text().count(f'"{request} HTTP/1.1" {status} ')


@dataclass(frozen=True, slots=True)
class Airflow3:
    """One deployment: the means to run servers on its database."""

    install: Install
    dsn: str
    folder: Path

    @contextmanager
    def serve(self, **api_auth: object) -> Iterator[ApiServer]:
        """Run a server with these settings of the section `api_auth`; it takes about five seconds."""
        home = Path(tempfile.mkdtemp(prefix="airflow3-", dir=self.folder))
        port, users = str(free_port()), load_users(self.install.cache / "users.json")
        environment = airflow3_environment(home, self.dsn, users, api_auth)
        command = [str(self.install.python), "-m", "airflow", "api-server", "--apps", "core", "--workers", "1"]
        command += ["--host", "127.0.0.1", "--port", port]
        log = home / "api-server.log"
        service = Service.start(command, log, environment)
        server = ApiServer(f"http://127.0.0.1:{port}", users["admin"], command, environment, log, service)
        try:
            server.wait()
            yield server
        finally:
            server.service.stop()


@contextmanager
def boot_airflow3() -> Iterator[Airflow3]:
    """Make a deployment without a server yet, and end it when the block is left.

    Raises:
        RigUnavailable: Airflow or PostgreSQL cannot be had here.
    """
    binaries, install = find_binaries(), installed(AIRFLOW_3)
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="transfer-live-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        folder.chmod(0o711)  # PostgreSQL's account has to pass through
        postgres = Postgres.start(binaries, unpack_cluster(install, binaries, folder / "postgres"), folder / "pg.log")
        stack.callback(postgres.stop)
        yield Airflow3(install, postgres.dsn(TEMPLATE), folder)
