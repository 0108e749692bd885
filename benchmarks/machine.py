"""Where and with what something was measured."""

import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path

PACKAGES = ("transfer", "aiohttp", "orjson")
IN_AIRFLOW = ("apache-airflow", "astronomer-starship", "gunicorn", "sqlalchemy")
_ASK = "import importlib.metadata as m, sys; print(*(f'{p}={m.version(p)}' for p in sys.argv[1:]))"


def machine() -> dict[str, object]:
    """Return processors, memory, kernel and Python of this machine; nothing that names it."""
    return {
        "cpus": os.cpu_count(),
        "processor": _processor(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "kernel": f"{platform.system()} {platform.release().partition('-')[0]}",
        "python": platform.python_version(),
    }


def versions() -> dict[str, str]:
    """Return the versions of this program and of what its speed hangs on."""
    return {name: importlib.metadata.version(name) for name in PACKAGES}


def server_versions(python: Path, postgres: str) -> dict[str, str]:
    """Return the versions behind a real pair.

    Args:
        python: the interpreter that Airflow is installed for.
        postgres: the version of the database server.
    """
    said = subprocess.run([python, "-c", _ASK, *IN_AIRFLOW], capture_output=True, text=True, check=True).stdout  # noqa: S603  the rig's own interpreter
    return {**dict(pair.split("=", 1) for pair in said.split()), "postgresql": postgres}


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
