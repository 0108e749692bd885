"""An Airflow 2 on MariaDB: what MySQL is to Airflow, as far as one can have it here.

With pymysql, which is plain Python; Airflow 3 makes its tables with mysqlclient only, which has to be compiled.
"""

import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from .environment import OFTEN, WebOptions, airflow_environment
from .install import AIRFLOW_2, Install, installed, publish
from .mariadb import STRICT, Binaries, MariaDB, find_binaries, installed_driver
from .processes import Account, CommandFailedError, run
from .rig import temporary_folder
from .seed import _DAG
from .side import Side
from .template import create_users, private_folder
from .unavailable import RigUnavailable
from .users import load_users
from .webserver import Webserver

EMPTIED = ("task_instance_history", "task_instance", "dag_run", "trigger", "dag")
"""Children before parents."""


@dataclass(frozen=True, slots=True)
class OnMariaDB:
    """An Airflow whose database is a MariaDB; the side's own `connect` and `reset` are not for it."""

    side: Side
    database: MariaDB

    def reset(self) -> None:
        """Empty the history and the DAGs."""
        with self.database.connect() as conn, conn.cursor() as cursor:
            for table in EMPTIED:
                if self.database.columns(table):
                    cursor.execute(f'DELETE FROM "{table}"')  # noqa: S608  the names above

    def register_dags(self, dag_ids: Iterable[str]) -> None:
        """Give each DAG its row, paused."""
        known = self.database.columns("dag")
        row = {name: value for name, value in _DAG.items() if name in known}
        self.database.insert("dag", [row | {"dag_id": dag_id, "is_paused": True} for dag_id in dag_ids])


@contextmanager
def boot_mariadb(name: str = "target", version: str = AIRFLOW_2, sql_mode: str = STRICT) -> Iterator[OnMariaDB]:
    """Start a deployment on a MariaDB of its own and end both when the block is left.

    Raises:
        RigUnavailable: one of the two cannot be had here.
    """
    binaries, install = find_binaries(), installed(version)
    driver = installed_driver(install)
    with ExitStack() as stack:
        folder = stack.enter_context(temporary_folder())
        data = _unpack(binaries, install, driver, folder)
        database = MariaDB.start(binaries, data, folder / "mariadb.log", driver, sql_mode)
        stack.callback(database.stop)
        webserver = Webserver.start(install, folder / name, database.dsn, with_driver(OFTEN, driver))
        stack.callback(webserver.stop)
        webserver.wait()
        yield OnMariaDB(
            Side(name, database.dsn, webserver, load_users(install.cache / "users.json"), install), database
        )


def with_driver(options: WebOptions, driver: Path) -> WebOptions:
    """Return the options of a webserver that finds pymysql beside its own packages, which stay as they are."""
    return replace(options, environment={**options.environment, "PYTHONPATH": str(driver)})


def _unpack(binaries: Binaries, install: Install, driver: Path, folder: Path) -> Path:
    """Copy the prepared data directory into `folder`; prepares it first if need be."""
    kept = install.cache / f"mariadb-{binaries.version}"
    if not kept.exists():
        _prepare(binaries, install, driver, kept)
    data = private_folder(folder / "mariadb") / "data"
    shutil.copytree(kept, data)
    Account.unprivileged().own(folder / "mariadb")
    return data


def _prepare(binaries: Binaries, install: Install, driver: Path, kept: Path) -> None:
    log = install.cache / "mariadb.log"
    with temporary_folder() as top:
        data = private_folder(private_folder(top / "mariadb") / "data")
        try:
            server = MariaDB.start(binaries, data, top / "server.log", driver)
            try:
                server.create()
                _migrate(install, top, airflow_environment(top / "home", server.dsn, with_driver(OFTEN, driver)), log)
            finally:
                server.stop()
        except CommandFailedError as error:
            raise RigUnavailable(f"Airflow {install.version} could not set up MariaDB, see {log}") from error
        built = Path(tempfile.mkdtemp(prefix="mariadb-", dir=install.cache)) / "data"
        shutil.copytree(data, built)
        publish(built, kept)
        shutil.rmtree(built.parent, ignore_errors=True)


def _migrate(install: Install, top: Path, environment: Mapping[str, str], log: Path) -> None:
    run([str(install.python), "-m", "airflow", *install.version.migrate], log, environment)
    create_users(install, top / "users.json", log, environment)
