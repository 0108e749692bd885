"""A PostgreSQL cluster with one migrated Airflow database, made once and copied for each boot."""

import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from .environment import airflow_environment
from .install import Install, publish
from .postgres import Binaries, Postgres
from .processes import Account, CommandFailedError, run
from .unavailable import RigUnavailable
from .users import ROLES, load_users

TEMPLATE = "airflow_template"
CREATE_USERS = Path(__file__).parent / "create_users.py"


def unpack_cluster(install: Install, binaries: Binaries, folder: Path) -> Path:
    """Copy the prepared cluster into `folder` and return its data directory; prepares it first if need be.

    Raises:
        RigUnavailable: Airflow could not set up its database.
    """
    # the digest of the pins is part of the cache folder's name already
    kept = install.cache / f"cluster-pg{binaries.version}"
    if not kept.exists():
        _prepare(install, binaries, kept)
    data = private_folder(folder) / "data"
    shutil.copytree(kept, data, symlinks=True)
    Account.unprivileged().own(folder)
    return data


def private_folder(folder: Path) -> Path:
    """Make `folder` for the account PostgreSQL runs under."""
    folder.mkdir(mode=0o700)
    Account.unprivileged().own(folder)
    return folder


def _prepare(install: Install, binaries: Binaries, kept: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="transfer-live-") as name:
        top = Path(name)
        top.chmod(0o711)  # PostgreSQL's account has to pass through
        data = private_folder(top / "postgres") / "data"
        try:
            _fill(install, binaries, data, top)
        except CommandFailedError as error:
            shutil.copy(error.log, install.cache / "template.log")
            raise RigUnavailable(
                f"Airflow {install.version} could not set up its database, see {install.cache / 'template.log'}"
            ) from error
        built = Path(tempfile.mkdtemp(prefix="cluster-", dir=install.cache)) / "data"
        shutil.copytree(data, built, symlinks=True)
        publish(built, kept)
        shutil.rmtree(built.parent, ignore_errors=True)


def _fill(install: Install, binaries: Binaries, data: Path, top: Path) -> None:
    log = top / "template.log"
    Postgres.initialise(binaries, data, log)
    server = Postgres.start(binaries, data, top / "postgres.log")
    try:
        server.create(TEMPLATE)
        environment = airflow_environment(top / "home", server.dsn(TEMPLATE))
        run([str(install.python), "-m", "airflow", *install.version.migrate], log, environment)
        if not install.version.new:  # the users of Airflow 3 are not in its database
            create_users(install, top / "users.json", log, environment)
    finally:
        server.stop()


def create_users(install: Install, wanted: Path, log: Path, environment: Mapping[str, str]) -> None:
    """Create the users of an Airflow 2, by way of the file `wanted`."""
    users = load_users(install.cache / "users.json")
    wanted.touch(mode=0o600)
    wanted.write_text(json.dumps([[user.name, ROLES[user.name], user.password] for user in users.values()]))
    run([str(install.python), str(CREATE_USERS), str(wanted)], log, environment)
