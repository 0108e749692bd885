"""One Airflow 3 with Starship, for what can be proven about it so far: logging in, and being refused as a side.

It comes into being like the two sides of `rig`, with an installation, a cluster and a PostgreSQL server of its own.
"""

import json
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from .environment import base_environment
from .install import AIRFLOW_3, Install, installed
from .login import answers, fetch
from .postgres import Postgres, find_binaries
from .processes import Service, free_port
from .template import TEMPLATE, unpack_cluster
from .users import User, load_users

READY_SECONDS = 120.0
JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True)
class Airflow3:
    """A running `airflow api-server` whose users are those of the simple auth manager."""

    auth_kind: ClassVar = "airflow3"

    install: Install
    dsn: str
    home: Path
    port: int
    service: Service
    users: dict[str, User]

    @property
    def url(self) -> str:
        """The root of the server, without a slash at its end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def admin(self) -> User:
        """A user who may do everything."""
        return self.users["admin"]

    def token(self) -> str:
        """Log the administrator in, as `POST /auth/token` wants it, and return the token."""
        body = json.dumps({"username": self.admin.name, "password": self.admin.password}).encode()
        _, answer = fetch(self.url, "/auth/token", method="POST", body=body, headers=JSON)
        return str(json.loads(answer)["access_token"])

    def logins(self) -> int:
        """Return how many tokens the server has given out since it was started, by its own log."""
        return self.service.log.read_text().count('"POST /auth/token HTTP/1.1" 201')

    @contextmanager
    def restarted(self, **api_auth: object) -> Iterator["Airflow3"]:
        """Stop the server and run it again at the same address with settings of the section `api_auth`.

        Without a `jwt_secret` among them it draws another one, so that it knows no token of before. It stays stopped
        when the block is left.
        """
        self.service.stop()
        with _serving(self.install, self.dsn, self.home, self.port, api_auth) as again:
            yield again


@contextmanager
def boot_airflow3() -> Iterator[Airflow3]:
    """Start an Airflow 3 and end it when the block is left.

    Raises:
        RigUnavailable: Airflow or PostgreSQL cannot be had here.
    """
    binaries, install = find_binaries(), installed(AIRFLOW_3)
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="transfer-live-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        folder.chmod(0o711)  # PostgreSQL's account has to pass through
        data = unpack_cluster(install, binaries, folder / "postgres")
        postgres = Postgres.start(binaries, data, folder / "postgres.log")
        stack.callback(postgres.stop)
        yield folder
