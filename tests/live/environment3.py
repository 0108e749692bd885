"""The environment variables of an Airflow 3, whose users are not in its database but in two of these variables."""

import json
import secrets
from collections.abc import Mapping
from pathlib import Path

from .environment import base_environment
from .users import ROLES, User

JWT_SECRET = "AIRFLOW__API_AUTH__JWT_SECRET"


def airflow3_environment(
    home: Path, dsn: str, users: Mapping[str, User], api_auth: Mapping[str, object] | None = None
) -> dict[str, str]:
    """Return the environment for an Airflow 3 in `home` on the database `dsn`; makes the files it needs.

    `api_auth` are settings of the section of that name. Whatever is to trust the server's tokens, and the workers of
    its scheduler do, needs the same environment.
    """
    passwords = home / "passwords.json"
    base = base_environment(home, dsn)
    passwords.touch(mode=0o600)
    passwords.write_text(json.dumps({user.name: user.password for user in users.values()}))
    roles = ",".join(f"{name}:{ROLES[name].lower()}" for name in users)
    return base | {
        JWT_SECRET: secrets.token_hex(32),
        "AIRFLOW__API__SECRET_KEY": secrets.token_hex(32),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": roles,
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
        **{f"AIRFLOW__API_AUTH__{name.upper()}": str(value) for name, value in (api_auth or {}).items()},
    }
