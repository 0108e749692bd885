"""A secret is named in the settings, never written there; its value is read when it is needed."""

import os
import re
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from transfer.config.program import OnStart, ignore, printed
from transfer.errors import ConfigError
from transfer.secrets_registry import hide

LITERAL: Final = (
    'a secret does not stand in the configuration; use { env = "NAME" }, { file = "PATH" }'
    ' or { command = ["prog", "arg"] }'
)
ORIGINS: Final = frozenset({"env", "file", "command"})
"""The keys of a secret, of which exactly one is given."""

COMMAND_SECONDS: Final = 30.0
LARGEST: Final = 65_536
"""Bytes; a larger file is not a secret but a mistake."""

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TELLING_NAME: Final = re.compile(r"[A-Z_][A-Z0-9_]*")


class Secret(BaseModel):
    """Where a secret comes from: an environment variable, a file or the output of a program (no shell)."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    env: str | None = None
    file: Path | None = None
    command: Annotated[tuple[str, ...], Field(min_length=1)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _names_one_origin(cls, value: Any) -> Any:
        if isinstance(value, Secret):
            return value
        if not isinstance(value, Mapping) or not ORIGINS.issuperset(value):
            raise ValueError(LITERAL)
        if sum(given is not None for given in value.values()) != 1:
            raise ValueError("give exactly one of env, file and command")
        return value

    @field_validator("env")
    @classmethod
    def _is_a_name(cls, value: str | None) -> str | None:
        if value is not None and not _NAME.fullmatch(value):
            raise ValueError("must be the name of an environment variable (letters, digits, underscores)")
        return value

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        yield None, self.origin

    @property
    def origin(self) -> str:
        """Say where the secret comes from; the arguments of a program are not shown."""
        if self.env is not None:
            # People write the secret itself here by mistake; it seldom looks like the usual name of a variable.
            return f"environment variable {self.env}" if _TELLING_NAME.fullmatch(self.env) else "environment variable"
        if self.file is not None:
            return f"file {self.file}"
        return f"command {self.command[0]}" if self.command else "nowhere"

    def resolve(self, on_start: OnStart = ignore) -> str:
        """Read the secret now, so that a rotated one is picked up, and register it for masking.

        Blocks (a command for up to 30 s): call it in a thread. ``on_start`` gets a program that is asked, and may kill
        it. Raises ``ConfigError`` that names the origin only.
        """
        text = self._read(on_start).rstrip("\r\n")
        hide(text)
        if not text.strip():
            raise self._error("is empty", "put the secret there, on one line")
        if any(not char.isprintable() for char in text):
            raise self._error("holds a line break or another control character", "a secret is one line of text")
        return text

    def warnings(self) -> list[str]:
        """Return what is unwise but not wrong: a file that every user of the machine can read."""
        if self.file is None:
            return []
        try:
            mode = self.file.expanduser().stat().st_mode
        except (OSError, RuntimeError, ValueError):
            return []  # resolve() says so
        return [f"the {self.origin} can be read by every user: chmod 600 it"] if mode & stat.S_IROTH else []

    def _read(self, on_start: OnStart) -> str:
        if self.env is not None:
            return self._from_environment(self.env)
        if self.file is not None:
            return self._decoded(self._from_file(self.file))
        return self._decoded(self._from_command(self.command or (), on_start)).strip()

    def _from_environment(self, name: str) -> str:
        value = os.environ.get(name)
        if value is None:
            raise self._error("is not set", "set the variable; env takes its name, not the secret itself")
        return value

    def _from_file(self, path: Path) -> bytes:
        try:
            with path.expanduser().open("rb") as file:
                content = file.read(LARGEST + 1)
        except FileNotFoundError:
            raise self._error("does not exist", "a relative path starts at the current directory") from None
        except OSError as error:
            raise self._error(f"cannot be read: {error.strerror}", "check its kind and its permissions") from None
        except (RuntimeError, ValueError):  # unknown user after "~"; a NUL in the path
            raise self._error("is not a usable path", "write the path in full") from None
        if len(content) > LARGEST:
            raise self._error("is larger than 64 KiB", "check that it is the right file")
        return content

    def _from_command(self, command: tuple[str, ...], on_start: OnStart) -> bytes:
        try:
            code, output = printed(command, COMMAND_SECONDS, LARGEST, on_start)
        except TimeoutError:
            raise self._error(f"gave no answer within {COMMAND_SECONDS:g} s", "it must not ask for input") from None
        except OSError as error:
            raise self._error(f"cannot be started: {error.strerror}", "check the program's path") from None
        except ValueError:  # a NUL in an argument
            raise self._error("cannot be started", "check its arguments") from None
        if len(output) > LARGEST:
            raise self._error("prints more than 64 KiB", "it must print the secret and nothing else")
        if code != 0:
            raise self._error(f"failed with exit code {code}", "run it by hand to see why")
        return output

    def _decoded(self, content: bytes) -> str:
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError:
            pass  # raised below: the decoding error would carry the content along as its context
        raise self._error("is not UTF-8 text", "a secret is one line of text")

    def _error(self, problem: str, hint: str) -> ConfigError:
        return ConfigError([f"the {self.origin} {problem}"], hint=hint)
