"""Limits that are changed while a job runs: a file in the state directory, laid over the configuration."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from transfer.config.load import read_toml
from transfer.config.overlay import Layer
from transfer.config.problems import explain
from transfer.config.settings import SideLimits
from transfer.errors import ConfigError
from transfer.model import SIDES, SideName

FILE: Final = "limits.toml"
"""Its name in the state directory. It may hold the tables [source] and [target] with the keys of ``SideLimits``."""

_HINT: Final = (
    "it holds [source] and [target], each with keys such as concurrency = 2 or rows_per_second = 500; "
    "without it the limits of the configuration hold"
)


def with_changes(configured: Mapping[SideName, SideLimits], path: Path) -> dict[SideName, SideLimits]:
    """Return the limits of both sides with the keys of the file at ``path`` laid over them.

    Without a file they are as configured. Raises ``ConfigError`` with every problem, none of which repeats a value.
    """
    # Path.exists raises for a folder that nobody may look into.
    tables = _read(path) if os.path.exists(path) else {}  # noqa: PTH110  see above
    problems = [f"{path}: {name}: {_misplaced(name)}" for name in tables if name not in SIDES]
    changed: dict[SideName, SideLimits] = {}
    for side in SIDES:
        try:
            changed[side] = _laid_over(configured[side], tables.get(side, {}))
        except ValidationError as error:
            lines = explain(error, {}, (side, "limits"))
            problems += [f"{path}: {line.replace(f'{side}.limits', side, 1)}" for line in lines]
    if problems:
        raise ConfigError(problems, hint=_HINT)
    return changed


def differences(before: SideLimits, after: SideLimits) -> Iterator[str]:
    """Yield what is another limit now, as ``key: old -> new``."""
    for key in SideLimits.model_fields:
        old, new = getattr(before, key), getattr(after, key)
        if old != new:
            yield f"{key}: {_named(old)} -> {_named(new)}"


def _read(path: Path) -> Layer:
    try:
        return read_toml(path)
    except ConfigError as error:
        problems = error.problems
    raise ConfigError(problems, hint=_HINT)


def _misplaced(name: str) -> str:
    return "belongs under [source] or [target]" if name in SideLimits.model_fields else "unknown table"


def _laid_over(configured: SideLimits, table: Any) -> SideLimits:
    if not isinstance(table, dict):
        return SideLimits.model_validate(table)  # which says what is wrong with it
    return SideLimits.model_validate({**configured.model_dump(), **table})


def _named(value: object) -> str:
    return "none" if value is None else str(value)
