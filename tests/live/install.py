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
from .versions import Version

PINS = Path(__file__).parent / "pins"
AIRFLOW_2 = "2.11.2"
AIRFLOW_3 = "3.1.8"
CACHE_VARIABLE = "TRANSFER_LIVE_CACHE"


@dataclass(frozen=True, slots=True)
class Install:
    """An installed Airflow and the folder in which what belongs to it may be kept between runs."""

    version: Version
    cache: Path

    @property
    def python(self) -> Path:
        """The interpreter that has Airflow and Starship."""
        return self.cache / "venv" / "bin" / "python"


def installed(version: str = AIRFLOW_2) -> Install:
    """Return the cached installation of that Airflow, made from its pins first when there is none yet.

    Raises:
        RigUnavailable: there is no fitting Python or no uv, or the packages cannot be installed.
    """
    wanted = Version.of(version)
    pins = PINS / f"{wanted.pins}.txt"
    install = Install(wanted, _cache_folder(pins))
    if not install.python.exists():
        install.cache.mkdir(parents=True, exist_ok=True, mode=0o700)
        _build(pins, install)
    return install


def _cache_folder(pins: Path) -> Path:
    digest = hashlib.sha256(pins.read_bytes()).hexdigest()[:12]
    top = os.environ.get(CACHE_VARIABLE) or Path.home() / ".cache" / "transfer-live"
    return Path(top).absolute() / f"{pins.stem}-{digest}"


def _build(pins: Path, wanted: Install) -> None:
    uv, python, log = _uv(), _python(wanted.version.python), wanted.cache / "install.log"
    temporary = Path(tempfile.mkdtemp(prefix="venv-", dir=wanted.cache))
    try:
        run([*uv, "venv", "--quiet", "--relocatable", "--clear", "--python", str(python), str(temporary)], log)
        install = [*uv, "pip", "install", "--quiet", "--no-deps", "--compile-bytecode", "--requirement", str(pins)]
        run([*install, "--python", str(temporary / "bin" / "python")], log)
    except CommandFailedError as error:
        shutil.rmtree(temporary, ignore_errors=True)
        raise RigUnavailable(f"Airflow {wanted.version} could not be installed: {error}") from error
    publish(temporary, wanted.cache / "venv")


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


def _python(wanted: str) -> Path:
    for candidate in _pythons(wanted):
        version = _answers([str(candidate), "-c", "import sys; print('%d.%d' % sys.version_info[:2])"])
        if version == wanted:
            return candidate
    raise RigUnavailable(f"there is no Python {wanted} to run Airflow with")


def _pythons(wanted: str) -> Iterator[Path]:
    yield Path(sys.executable)
    on_path = shutil.which(f"python{wanted}")
    if on_path:
        yield Path(on_path)
    versions = Path.home() / ".pyenv" / "versions"
    yield from sorted(versions.glob(f"{wanted}*/bin/python"), reverse=True)


def _answers(command: list[str]) -> str | None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - the rig's own
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None
