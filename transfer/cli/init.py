"""``transfer init``: a commented configuration."""

import os
from pathlib import Path

from transfer.cli.output import say
from transfer.config.template import TEMPLATE
from transfer.errors import ConfigError, ExitCode


def write_configuration(path: Path, *, force: bool) -> int:
    """Write the template to ``path``; raises ``ConfigError`` if it exists (unless ``force``) or cannot be written."""
    try:
        with open(path, "w" if force else "x", encoding="utf-8", opener=_private) as file:
            file.write(TEMPLATE)
    except FileExistsError:
        raise ConfigError([f"{path}: exists already"], hint="name another file, or use --force") from None
    except OSError as error:
        raise ConfigError([f"{path}: cannot be written: {error.strerror}"]) from error
    say(f"wrote {path}: fill in both deployments, then try `transfer check --config {path}`")
    return ExitCode.DONE


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
