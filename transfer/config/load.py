"""Settings from a file, then the environment, then flags; all that is wrong is said at once."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from transfer.config.overlay import Layer, from_overrides, from_variable, leaves, merge, misspelt, shallow, variables
from transfer.config.problems import Loc, all_set_elsewhere, explain
from transfer.config.secret import Secret
from transfer.config.settings import Settings
from transfer.errors import ConfigError

LARGEST: Final = 1_048_576
"""Bytes; a larger file is not a configuration but a mistake."""


def load_settings(path: Path | None, environ: Mapping[str, str], overrides: Mapping[str, object]) -> Settings:
    """Return the settings of a job; a later layer wins over an earlier one, key by key.

    ``path`` is a TOML file or None for none. ``environ`` may hold ``TRANSFER_SECTION__KEY=value``; lists and tables
    in it are TOML or JSON. ``overrides`` are flags: dotted or nested keys, None for one that was not given. Raises
    ``ConfigError`` with every problem, none of which repeats a value. Secrets are not read here.
    """
    flags = from_overrides(overrides)
    data = read_toml(path) if path else {}
    origins: dict[Loc, str] = {}
    problems = [f"{name}: {problem}" for name, problem in misspelt(environ, data, flags).items()]
    for name, place in variables(environ, data, flags).items():
        try:
            layer = from_variable(name, place, environ[name])
        except ValueError as error:
            problems.append(f"{name}: {error}")
            continue
        data = merge(data, layer)
        origins.update({leaf: name for leaf, _ in leaves(layer)})
    data = merge(data, flags)
    origins.update({leaf: "the command line" for leaf, _ in leaves(flags)})
    return _validated(data, origins, problems, path)


def secret_warnings(settings: Settings) -> list[str]:
    """Return, as ``path: warning`` lines, what is unwise about where the secrets of both sides lie."""
    lines = []
    for side in ("source", "target"):
        auth = getattr(settings, side).auth
        secrets = [(key, value) for key, value in auth if isinstance(value, Secret)]
        lines += [f"{side}.auth.{key}: {warning}" for key, secret in secrets for warning in secret.warnings()]
    return lines


def _validated(data: Layer, origins: Mapping[Loc, str], problems: list[str], path: Path | None) -> Settings:
    elsewhere = True
    try:
        settings = Settings.model_validate(data)
    except ValidationError as error:
        problems += explain(error, origins)
        elsewhere = all_set_elsewhere(error, origins)
    if not problems:
        return settings
    # Raised outside of the handler: as the context of this error pydantic's would carry the values along.
    where = f"correct {path}" if path else "give a configuration file"
    where = "correct the variables or flags that are named" if elsewhere else where
    raise ConfigError(problems, hint=f"{where}; `transfer init` writes a configuration that explains every key")


def read_toml(path: Path) -> Layer:
    """Return what a file of settings holds; raises ``ConfigError`` that says what is wrong with it."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
        if len(content) <= LARGEST:
            return shallow(tomllib.loads(content.decode("utf-8-sig")))
        problem, hint = "is larger than 1 MiB", "check that it is the right file"
    except FileNotFoundError:
        problem, hint = "does not exist", "check the path, or write a configuration with `transfer init`"
    except OSError as error:
        problem, hint = f"cannot be read: {error.strerror}", "check its kind and its permissions"
    except UnicodeDecodeError:
        problem, hint = "is not UTF-8 text", "save it as UTF-8"
    except tomllib.TOMLDecodeError as error:
        problem, hint = f"is not TOML: {error}", 'text needs quotes: key = "text"; a section is [source.auth]'
    except (ValueError, RecursionError):  # an integer of thousands of digits, lists within lists within lists
        problem, hint = "is not TOML that can be read", "it holds an absurdly long number or a deeply nested value"
    raise ConfigError([f"{path}: {problem}"], hint=hint)
