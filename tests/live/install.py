"""Airflow with Starship, installed once from the pins and kept for later runs."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .processes import CommandFailedError, run
from .unavailable import RigUnavailable

PINS = Path(__file__).parent / "pins"
AIRFLOW_2 = "af-2.11.2"
AIRFLOW_3 = "af-3.1.8"
PYTHON_VERSION = "3.11"
CACHE_VARIABLE = "TRANSFER_LIVE_CACHE"


@dataclass(frozen=True, slots=True)
class Install:
    """An installed Airflow and the folder in which what belongs to it may be kept between runs."""

    name: str
    cache: Path

    @property
    def python(self) -> Path:
        """The interpreter that has Airflow and Starship."""
        return self.cache / "venv" / "bin" / "python"


def installed(name: str = AIRFLOW_2) -> Install:
    """Return the cached installation of the pins called `name`, made first when there is none yet.

    Raises:
        RigUnavailable: there is no fitting Python or no uv, or the packages cannot be installed.
    """
    pins = PINS / f"{name}.txt"
    cache = _cache_folder(pins)
    install = Install(name, cache)
    if not install.python.exists():
        cache.mkdir(parents=True, exist_ok=True, mode=0o700)
        _build(pins, cache)
    return install


def _cache_folder(pins: Path) -> Path:
    digest = hashlib.sha256(pins.read_bytes()).hexdigest()[:12]
    top = os.environ.get(CACHE_VARIABLE) or Path.home() / ".cache" / "transfer-live"
    return Path(top).absolute() / f"{pins.stem}-{digest}"


def _build(pins: Path, cache: Path) -> None:
    uv, python, log = _uv(), _python(), cache / "install.log"
    temporary = Path(tempfile.mkdtemp(prefix="venv-", dir=cache))
    try:
        run([*uv, "venv", "--quiet", "--relocatable", "--clear", "--python", str(python), str(temporary)], log)
        install = [*uv, "pip", "install", "--quiet", "--no-deps", "--compile-bytecode", "--requirement", str(pins)]
        run([*install, "--python", str(temporary / "bin" / "python")], log)
    except CommandFailedError as error:
        shutil.rmtree(temporary, ignore_errors=True)
        raise RigUnavailable(f"Airflow could not be installed: {error}") from error
    publish(temporary, cache / "venv")


def publish(built: Path, final: Path) -> None:
    """Rename `built` to `final`; when another process was faster, keep its result and drop ours."""
    try:
        built.rename(final)
    except OSError:
        if not final.exists():
            raise
        shutil.rmtree(built, ignore_errors=True)


def _uv() -> list[str]:
    on_path, beside = shutil.which("uv"), Path(sys.executable).with_name("uv")
    candidates = [[on_path]] if on_path else []
    candidates += [[str(beside)], [sys.executable, "-m", "uv"]]
    for command in candidates:
        if _answers([*command, "--version"]) is not None:
            return command
    raise RigUnavailable("uv is neither on the PATH nor beside the running Python")


def _python() -> Path:
    for candidate in _pythons():
        version = _answers([str(candidate), "-c", "import sys; print('%d.%d' % sys.version_info[:2])"])
        if version == PYTHON_VERSION:
            return candidate
    raise RigUnavailable(f"there is no Python {PYTHON_VERSION} to run Airflow with")


def _pythons() -> Iterator[Path]:
    yield Path(sys.executable)
    on_path = shutil.which(f"python{PYTHON_VERSION}")
    if on_path:
        yield Path(on_path)
    versions = Path.home() / ".pyenv" / "versions"
    yield from sorted(versions.glob(f"{PYTHON_VERSION}*/bin/python"), reverse=True)


def _answers(command: list[str]) -> str | None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - the rig's own
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None
