"""An Airflow on SQLite, as people try Airflow out: history cannot be written there through Starship."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .environment import OFTEN, airflow_environment
from .install import AIRFLOW_2, Install, installed, publish
from .processes import CommandFailedError, run
from .rig import temporary_folder
from .side import Side
from .template import create_users
from .unavailable import RigUnavailable
from .users import load_users
from .webserver import Webserver

DATABASE = "airflow.sqlite"


@contextmanager
def boot_sqlite(version: str = AIRFLOW_2) -> Iterator[Side]:
    """Start a deployment whose database is a file; `connect` and `reset` are not for it.

    Raises:
        RigUnavailable: Airflow cannot be had here.
    """
    install = installed(version)
    with temporary_folder() as folder:
        shutil.copy(_prepared(install), folder / DATABASE)
        dsn = _dsn(folder / DATABASE)
        webserver = Webserver.start(install, folder / "target", dsn, OFTEN)
        try:
            webserver.wait()
            yield Side("target", dsn, webserver, load_users(install.cache / "users.json"), install)
        finally:
            webserver.stop()


def _dsn(file: Path) -> str:
    return f"sqlite:///{file}"


def _prepared(install: Install) -> Path:
    """Return the migrated database with its users, which is made once."""
    kept = install.cache / DATABASE
    if kept.exists():
        return kept
    with tempfile.TemporaryDirectory(prefix="sqlite-", dir=install.cache) as name:
        top, log = Path(name), install.cache / "sqlite.log"
        environment = airflow_environment(top / "home", _dsn(top / DATABASE))
        try:
            run([str(install.python), "-m", "airflow", *install.version.migrate], log, environment)
            create_users(install, top / "users.json", log, environment)
        except CommandFailedError as error:
            raise RigUnavailable(f"Airflow {install.version} could not set up SQLite, see {log}") from error
        publish(top / DATABASE, kept)
    return kept
