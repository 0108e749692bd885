"""The environment variables of an Airflow process, and nothing from ours that could change it."""

import base64
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

HIDDEN_STARSHIP = Path(__file__).parent / "without_starship"


@dataclass(frozen=True, slots=True)
class WebOptions:
    """How a webserver differs from the usual one.

    Args:
        workers: gunicorn worker processes, each of which answers one request at a time.
        starship: False hides the plugin, as on a deployment where it was never installed.
        session_minutes: minutes until a login expires; `None` leaves Airflow's 30 days.
        task_logs: True lets Starship serve logs from the side's own `logs` folder, as on Astronomer.
        environment: further environment variables, for instance AIRFLOW__WEBSERVER__WEB_SERVER_WORKER_TIMEOUT.
    """

    workers: int = 2
    starship: bool = True
    session_minutes: int | None = None
    task_logs: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)


USUAL = WebOptions()

OFTEN = WebOptions(
    environment={"AIRFLOW__FAB__AUTH_RATE_LIMITED": "False", "AIRFLOW__WEBSERVER__AUTH_RATE_LIMITED": "False"}
)
"""Any number of logins: usually a worker takes five in 40 seconds, and every start of the program is one.

The setting moved with Airflow 2.9.
"""


def airflow_environment(home: Path, dsn: str, options: WebOptions = USUAL) -> dict[str, str]:
    """Return the environment for an Airflow 2 in `home` on the database `dsn`; makes the folders it needs."""
    environment = base_environment(home, dsn) | {"AIRFLOW__WEBSERVER__SECRET_KEY": secrets.token_hex(32)}
    return environment | _variations(home, options) | dict(options.environment)


def base_environment(home: Path, dsn: str) -> dict[str, str]:
    """Return what every Airflow needs, whatever its version; makes the folders in `home`."""
    for folder in ("dags", "tmp"):
        (home / folder).mkdir(parents=True, exist_ok=True)
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(home),  # gunicorn's control socket lives there and must not be shared by two servers
        "TMPDIR": str(home / "tmp"),  # Airflow's cache of pages has a fixed name there, another user's stalls it 30 s
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__FERNET_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "AIRFLOW__DATABASE__LOAD_DEFAULT_CONNECTIONS": "False",  # `db init` makes 55, with a key that changes
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": dsn.replace("postgresql://", "postgresql+psycopg2://", 1),
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    }


def _variations(home: Path, options: WebOptions) -> dict[str, str]:
    extra: dict[str, str] = {}
    if not options.starship:
        extra["PYTHONPATH"] = str(HIDDEN_STARSHIP)
    if options.session_minutes is not None:
        extra["AIRFLOW__WEBSERVER__SESSION_LIFETIME_MINUTES"] = str(options.session_minutes)
    if options.task_logs:
        (home / "logs").mkdir(exist_ok=True)
        extra["ASTRONOMER_ENVIRONMENT"] = "cloud"
        extra["AIRFLOW__LOGGING__REMOTE_BASE_LOG_FOLDER"] = (home / "logs").as_uri()
        # Starship only wants it set; Airflow's local file system takes no connection
        extra["AIRFLOW_CONN_ASTRO_S3_LOGGING"] = "unused"
        # an object store has no folders that would have to be made first
        extra["FSSPEC_FILE"] = '{"auto_mkdir": true}'
    return extra
