"""``transfer config env``: the source's environment variables, in a file that only its user can read."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import anyio

from transfer.cli.config_options import FileOptions, NameOptions, SidesOptions
from transfer.cli.config_sides import open_objects
from transfer.cli.logs import set_up_logging
from transfer.cli.options import OutputOptions
from transfer.cli.output import printable, say_ours, say_ours_json
from transfer.cli.session import read_settings
from transfer.config.settings import Settings
from transfer.engine.configuration.environ import Chosen, Format, choose, written
from transfer.engine.configuration.plan import Choice
from transfer.errors import ConfigError, ExitCode

_NO_LINKS: Final = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS})
"""What a file system says that has no hard links."""


@dataclass(frozen=True, slots=True)
class EnvFile:
    """Where the variables go."""

    path: Path
    overwrite: bool

    def check(self) -> None:
        """Raise ``ConfigError`` for what is no file, or is there and may not be replaced."""
        with _reported(self.path):
            if os.path.lexists(self.path):
                if not self.path.is_file() or self.path.is_symlink():
                    raise ConfigError([f"{self.path}: is no ordinary file"], hint="name a file that is not there yet")
                if not self.overwrite:
                    raise ConfigError([f"{self.path}: exists already"], hint="name another file, or use --overwrite")

    def write(self, text: str) -> None:
        """Make the file, whole or not at all, for its user alone; raises ``ConfigError`` if it cannot be written."""
        new = self.path.with_name(f".{self.path.name}.{os.getpid()}.new")
        with _reported(self.path):
            descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            try:
                with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape") as file:
                    file.write(text)
                    file.flush()
                    os.fsync(file.fileno())
                self._publish(new)
            finally:
                with suppress(FileNotFoundError):
                    new.unlink()

    def _publish(self, new: Path) -> None:
        if self.overwrite:
            new.replace(self.path)
            return
        try:
            self.path.hardlink_to(
                new
            )  # refuses a file that somebody has made meanwhile, which a renaming would replace
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            os.close(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            new.replace(self.path)


@contextmanager
def _reported(path: Path) -> Iterator[None]:
    try:
        yield
    except FileExistsError:
        raise ConfigError([f"{path}: exists already"], hint="name another file, or use --overwrite") from None
    except OSError as error:
        raise ConfigError([f"{path}: cannot be written: {error.strerror}"]) from None


def write_environment(
    path: Path, wanted: FileOptions, sides: SidesOptions, names: NameOptions, output: OutputOptions
) -> int:
    """Write the file and say how many variables it holds; raises ``TransferError``."""
    settings, file = read_settings(sides.job), EnvFile(path, overwrite=wanted.overwrite)
    set_up_logging(output)
    file.check()
    choice = Choice((), names.name or ("*",), names.exclude_name)
    chosen = anyio.run(_read, settings, choice, wanted.everything)
    if chosen.values:
        try:
            file.write(written(chosen.values, Format(wanted.form)))
        except ValueError as error:
            raise ConfigError([str(error)], hint="use --format json, or leave it out with --exclude-name") from None
    _show(chosen, file.path, output)
    return ExitCode.DONE


async def _read(settings: Settings, choice: Choice, everything: bool) -> Chosen:  # noqa: FBT001  for anyio.run
    async with open_objects(settings) as sides:
        return choose(await sides.source.environment(), await sides.target.environment(), choice, everything=everything)


def _show(chosen: Chosen, path: Path, output: OutputOptions) -> None:
    if output.json:
        place = str(path) if chosen.values else None
        say_ours_json({"event": "environment", "file": place, "written": sorted(chosen.values), "own": [*chosen.own]})
        return
    if chosen.values:
        say_ours(
            f"wrote {len(chosen.values):,} environment variables to {path}, in clear text and for you alone:"
            " remove it when it has served"
        )
    else:
        say_ours("the target lacks no environment variable: no file was written")
    if chosen.own:
        names = ", ".join(map(printable, chosen.own))
        say_ours(f"left out, since they belong to the source itself: {names}; name one with --name to take it")
