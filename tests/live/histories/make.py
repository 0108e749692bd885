"""Lets one Airflow live through the story and keeps what its database holds afterwards."""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg

from tests.live.environment import airflow_environment
from tests.live.environment3 import airflow3_environment
from tests.live.install import Install, installed
from tests.live.postgres import Postgres, find_binaries
from tests.live.processes import run
from tests.live.template import TEMPLATE, unpack_cluster
from tests.live.users import load_users

from .crew import crew, working_environment
from .dump import read_database, save
from .story import Story

DAG_FILE = Path(__file__).parent / "dags" / "history.py"
NEUTRAL_HOME = "/opt/airflow"


def make(version: str) -> Path:
    """Make the history of that version, which takes two to five minutes, and return its file.

    Raises:
        RigUnavailable: that Airflow or PostgreSQL cannot be had here.
        TimeoutError: the story did not come to its end.
        ChildProcessError: a process of the Airflow died.
    """
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="transfer-live-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        folder.chmod(0o711)  # PostgreSQL's account has to pass through
        binaries, install = find_binaries(), installed(version)
        postgres = Postgres.start(binaries, unpack_cluster(install, binaries, folder / "postgres"), folder / "pg.log")
        stack.callback(postgres.stop)
        home, dsn = folder / "airflow", postgres.dsn(TEMPLATE)
        _live(install, home, dsn)
        with psycopg.connect(dsn, autocommit=True) as conn:
            return save(version, read_database(conn, {str(home): NEUTRAL_HOME}))


def _live(install: Install, home: Path, dsn: str) -> None:
    environment, logs = _environment(install, home, dsn), home / "crew"
    shutil.copy(DAG_FILE, home / "dags")
    with (
        psycopg.connect(dsn, autocommit=True) as conn,
        _kept_if_it_fails(logs, install.cache / "history-failed"),
        crew(install, environment, logs) as working,
    ):
        Story(install.version, _cli(install, environment, logs / "cli.log"), conn, working).play()


def _environment(install: Install, home: Path, dsn: str) -> dict[str, str]:
    if install.version.new:
        usual = airflow3_environment(home, dsn, load_users(install.cache / "users.json"), {})
    else:
        usual = airflow_environment(home, dsn)
    return working_environment(usual) | {"AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False"}


def _cli(install: Install, environment: Mapping[str, str], log: Path) -> Callable[..., None]:
    def airflow(*arguments: str) -> None:
        run([str(install.python), "-m", "airflow", *arguments], log, environment)

    return airflow


@contextmanager
def _kept_if_it_fails(logs: Path, kept: Path) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(logs, kept)
        error.add_note(f"what its processes said is in {kept}")
        raise
