"""Environment variables, which nobody can write from outside: which of them are worth carrying over, and as what.

`.env` files are read by shells and by many programs, each with its own rules about quotes. What is written here means
the same to a shell, to Docker Compose and to those that follow them; JSON means the same to everybody.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Final

from transfer.engine.configuration.compare import Mark
from transfer.engine.configuration.plan import Choice

_OWN: Final = (
    *(
        "PATH",
        "HOME",
        "PWD",
        "OLDPWD",
        "SHLVL",
        "_",
        "USER",
        "LOGNAME",
        "SHELL",
        "TERM",
        "LANG",
        "LC_*",
        "TZ",
        "TMPDIR",
    ),
    *("HOSTNAME", "HOST", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "LD_PRELOAD", "GPG_KEY", "DEBIAN_FRONTEND"),
    *("PYTHON_VERSION", "PYTHON_SHA256", "PYTHON_PIP_VERSION", "PYTHON_GET_PIP_*", "PYTHON_SETUPTOOLS_VERSION"),
    *("PYTHON*PATH", "PYTHONHOME", "SERVER_SOFTWARE", "GUNICORN_*", "UVICORN_*", "INVOCATION_ID", "JOURNAL_STREAM"),
    *("KUBERNETES_*", "*_SERVICE_HOST", "*_SERVICE_PORT", "*_SERVICE_PORT_*", "*_PORT_*_TCP", "*_PORT_*_TCP_*"),
    *("AIRFLOW_HOME", "AIRFLOW_API_APPS", "AIRFLOW__CORE__FERNET_KEY*", "AIRFLOW__CORE__DAGS_FOLDER"),
    *("AIRFLOW__*__SQL_ALCHEMY_CONN*", "AIRFLOW__CORE__EXECUTION_API_SERVER_URL"),
    *("AIRFLOW__WEBSERVER__SECRET_KEY*", "AIRFLOW__WEBSERVER__BASE_URL", "AIRFLOW__API__SECRET_KEY*"),
    *("AIRFLOW__API__BASE_URL", "AIRFLOW__API_AUTH__JWT_SECRET*", "AIRFLOW__CORE__INTERNAL_API_SECRET_KEY*"),
    *("AIRFLOW__CELERY__BROKER_URL*", "AIRFLOW__CELERY__RESULT_BACKEND*"),
)
"""Names, or globs, of what belongs to a machine, a process or a deployment: on another one it would do harm."""

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_BARE: Final = re.compile(r"[A-Za-z0-9_./:@%+,-]*")
_ESCAPED: Final = re.compile(r'([\\"$`])')


class Format(StrEnum):
    """What a file with environment variables looks like."""

    ENV = "env"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which variables a file gets, and the names of those that it does not, as they belong to the source itself."""

    values: Mapping[str, str]
    own: tuple[str, ...]


def is_own(name: str) -> bool:
    """Tell whether a variable belongs to the deployment that has it."""
    return any(fnmatchcase(name, pattern) for pattern in _OWN)


def compare_environments(source: Mapping[str, str], target: Mapping[str, str]) -> dict[str, Mark]:
    """Return how the sides stand to each other in each variable that is not a deployment's own, by name."""
    names = sorted(name for name in source.keys() | target.keys() if not is_own(name))
    return {name: _mark(source.get(name), target.get(name)) for name in names}


def _mark(here: str | None, there: str | None) -> Mark:
    if here == there:
        return Mark.SAME
    if there is None:
        return Mark.MISSING
    return Mark.ONLY_TARGET if here is None else Mark.DIFFERS


def choose(source: Mapping[str, str], target: Mapping[str, str], choice: Choice, *, everything: bool) -> Chosen:
    """Return what the target lacks or has otherwise; ``everything`` takes all that the source has, its own as well.

    Of the source's own variables those are taken, too, that are named without a wildcard.
    """
    picked = {name: value for name, value in sorted(source.items()) if choice.takes(name)}
    if everything:
        return Chosen(picked, ())
    lacking = {name: value for name, value in picked.items() if target.get(name) != value}
    own = tuple(name for name in lacking if is_own(name) and name not in choice.names)
    return Chosen({name: value for name, value in lacking.items() if name not in own}, own)


def written(values: Mapping[str, str], form: Format) -> str:
    """Return the text of a file; raises ValueError for a name that a `.env` file cannot hold."""
    if form is Format.JSON:
        return json.dumps(dict(values), indent=2, sort_keys=True) + "\n"
    return "".join(f"{_named(name)}={_quoted(value)}\n" for name, value in sorted(values.items()))


def _named(name: str) -> str:
    if not _NAME.fullmatch(name):
        msg = f"{name!r} cannot be a name in a .env file"
        raise ValueError(msg)
    return name


def _quoted(value: str) -> str:
    """Return a value as a shell reads it; in single quotes everything stands for itself."""
    if _BARE.fullmatch(value):
        return value
    if "'" not in value:
        return f"'{value}'"
    return '"' + _ESCAPED.sub(r"\\\1", value) + '"'
