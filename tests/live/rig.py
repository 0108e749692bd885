"""Two Airflow deployments, from nothing to running and back to nothing.

installed()          Airflow and Starship from the pins      (kept between runs)
  unpack_cluster()   PostgreSQL data with a migrated database (kept between runs)
    Postgres         one server for each version
      source, target one database and one webserver each
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from .environment import OFTEN, USUAL, WebOptions
from .install import AIRFLOW_2, Install, installed
from .postgres import Postgres, find_binaries
from .side import Connection, Side
from .template import TEMPLATE, unpack_cluster
from .users import load_users
from .versions import VERSIONS
from .webserver import Webserver

__all__ = ["VERSIONS", "Connection", "Rig", "Side", "boot", "boot_pair", "boot_side"]


@dataclass(frozen=True, slots=True)
class Rig:
    """Both sides; `install` and `postgres` are those of the source, and of the target where the versions are equal."""

    source: Side
    target: Side
    install: Install
    postgres: Postgres
    folder: Path

    def reset(self) -> None:
        """Empty both sides."""
        self.source.reset()
        self.target.reset()

    @contextmanager
    def serve(self, side: Side, options: WebOptions) -> Iterator[Side]:
        """Run one more webserver, with other options, on the database of `side`; it takes about five seconds."""
        home = Path(tempfile.mkdtemp(prefix=f"{side.name}-", dir=self.folder))
        webserver = Webserver.start(side.install, home, side.dsn, options)
        try:
            webserver.wait()
            yield Side(side.name, side.dsn, webserver, side.users, side.install)
        finally:
            webserver.stop()


@contextmanager
def boot(source: WebOptions = USUAL, target: WebOptions = USUAL) -> Iterator[Rig]:
    """Start two sides of the same Airflow 2 and end them when the block is left.

    Raises:
        RigUnavailable: Airflow or PostgreSQL cannot be had here.
    """
    with boot_pair(AIRFLOW_2, AIRFLOW_2, source, target) as rig:
        yield rig


@contextmanager
def boot_pair(
    source: str, target: str, source_options: WebOptions = OFTEN, target_options: WebOptions = OFTEN
) -> Iterator[Rig]:
    """Start two sides of any two of `VERSIONS` and end them when the block is left.

    Raises:
        RigUnavailable: one of the two, or PostgreSQL, cannot be had here.
    """
    with ExitStack() as stack:
        folder = stack.enter_context(temporary_folder())
        installs = {version: installed(version) for version in (source, target)}
        postgres = {version: _start(install, folder, stack) for version, install in installs.items()}
        sides = [
            _side(name, installs[version], postgres[version], (folder, options), stack)
            for name, version, options in (("source", source, source_options), ("target", target, target_options))
        ]
        for side in sides:
            side.webserver.wait()
        yield Rig(sides[0], sides[1], installs[source], postgres[source], folder)


@contextmanager
def boot_side(version: str, options: WebOptions = OFTEN) -> Iterator[Side]:
    """Start a single deployment and end it when the block is left.

    Raises:
        RigUnavailable: it, or PostgreSQL, cannot be had here.
    """
    with ExitStack() as stack:
        folder, install = stack.enter_context(temporary_folder()), installed(version)
        side = _side("target", install, _start(install, folder, stack), (folder, options), stack)
        side.webserver.wait()
        yield side


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Make a folder that PostgreSQL's account can pass through, and remove it when the block is left."""
    folder = Path(tempfile.mkdtemp(prefix="transfer-live-"))
    try:
        folder.chmod(0o711)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _start(install: Install, folder: Path, stack: ExitStack) -> Postgres:
    binaries = find_binaries()
    data = unpack_cluster(install, binaries, folder / f"postgres-{install.version}")
    postgres = Postgres.start(binaries, data, folder / f"postgres-{install.version}.log")
    stack.callback(postgres.stop)
    return postgres


def _side(name: str, install: Install, postgres: Postgres, where: tuple[Path, WebOptions], stack: ExitStack) -> Side:
    folder, options = where
    postgres.create(name, TEMPLATE)
    webserver = Webserver.start(install, folder / name, postgres.dsn(name), options)
    stack.callback(webserver.stop)
    return Side(name, postgres.dsn(name), webserver, load_users(install.cache / "users.json"), install)
