"""Layers of settings before they are validated: nested dictionaries from the file, the environment and the flags."""

import json
import tomllib
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, Final, TypeAlias

from pydantic import BaseModel

from transfer.config.secret import ORIGINS
from transfer.config.settings import Settings

Layer: TypeAlias = dict[str, Any]
Path: TypeAlias = tuple[str, ...]
"""The keys from the top of the settings down to one value."""

PREFIX: Final = "TRANSFER_"
NESTED: Final = "__"
DEEPEST: Final = 16
"""Levels of tables and lists; the settings have five."""


def merge(base: Layer, over: Layer) -> Layer:
    """Return ``base`` with the values of ``over``: tables are merged, except that a secret replaces the other one."""
    merged = dict(base)
    for key, value in over.items():
        old = merged.get(key)
        tables = isinstance(old, dict) and isinstance(value, dict) and not _is_secret(value)
        merged[key] = merge(dict(old or {}), value) if tables else value
    return merged


def leaves(layer: Layer, above: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield every value that is not a table, with its path."""
    for key, value in layer.items():
        if isinstance(value, dict):
            yield from leaves(value, (*above, key))
        else:
            yield (*above, key), value


def from_overrides(overrides: Mapping[str, object]) -> Layer:
    """Return flags as a layer; keys may be dotted or nested, None stands for a flag that was not given."""
    layer: Layer = {}
    for key, value in overrides.items():
        if value is not None:
            below = from_overrides(value) if isinstance(value, Mapping) else value
            layer = merge(layer, _nested(tuple(key.split(".")), below))
    return layer


def variables(environ: Mapping[str, str], *layers: Layer) -> dict[str, Path]:
    """Return the variables that set something, outer tables first, with the path that each sets.

    A variable that a secret names (in ``layers`` or through a variable ending in ``__ENV``) sets nothing.
    """
    paths = _paths(environ, *layers)
    return {name: path for name, path in paths.items() if len(path) > 1 or path[0] in Settings.model_fields}


def misspelt(environ: Mapping[str, str], *layers: Layer) -> dict[str, str]:
    """Return the variables that set nothing but look as if they should, with what they are probably meant to be.

    Others with the prefix are left alone: they may be somebody else's.
    """
    meant = {name: _meant(path[0]) for name, path in _paths(environ, *layers).items() if len(path) == 1}
    return {name: f"sets nothing; did you mean {_name(path)}?" for name, path in meant.items() if path}


def _paths(environ: Mapping[str, str], *layers: Layer) -> dict[str, Path]:
    named = {str(value) for layer in layers for path, value in leaves(layer) if path[-1] == "env"}
    named |= {value for name, value in environ.items() if name.startswith(PREFIX) and name.endswith(f"{NESTED}ENV")}
    return {name: _path(name) for name in sorted(environ) if name.startswith(PREFIX) and name not in named}


def _meant(word: str) -> Path | None:
    """Return the path that ``word`` (no double underscore in it) is close to; None for a good or a strange one."""
    if word in Settings.model_fields:
        return None
    for section, field in Settings.model_fields.items():
        model = field.annotation
        keys = model.model_fields if isinstance(model, type) and issubclass(model, BaseModel) else {}
        if word.startswith(f"{section}_") and word.removeprefix(f"{section}_") in keys:
            return section, word.removeprefix(f"{section}_")
    near = get_close_matches(word, Settings.model_fields, n=1, cutoff=0.8)
    return (near[0],) if near else None


def shallow(layer: Layer) -> Layer:
    """Return ``layer``; raises ``ValueError`` when it is deeper than any setting, and than recursion can go."""
    level: list[object] = [layer]
    for _ in range(DEEPEST):
        tables = [item for item in level if isinstance(item, dict)]
        lists = [item for item in level if isinstance(item, list)]
        level = [value for item in tables for value in item.values()] + [value for item in lists for value in item]
    if level:
        raise ValueError("is nested too deeply")
    return layer


def from_variable(name: str, path: Path, text: str) -> Layer:
    """Return the layer that one variable sets; raises ``ValueError`` for an unknown section or an empty value."""
    if path[0] not in Settings.model_fields:
        near = get_close_matches(path[0], Settings.model_fields, n=1)
        known = (
            f"did you mean {_name((*near, *path[1:]))}?" if near else f"known are {', '.join(Settings.model_fields)}"
        )
        raise ValueError(f"unknown section; {known}")
    if not all(path):
        raise ValueError(f"{NESTED} must stand between two names")
    if not text.strip():
        raise ValueError(f"is empty; unset it or give it a value, such as {name}=...")
    return shallow(_nested(path, _value(text)))


def _is_secret(table: Layer) -> bool:
    return bool(table) and ORIGINS.issuperset(table)


def _path(name: str) -> Path:
    return tuple(name.removeprefix(PREFIX).lower().split(NESTED))


def _name(path: Path) -> str:
    return PREFIX + NESTED.join(path).upper()


def _nested(path: Path, value: object) -> Layer:
    for key in reversed(path):
        value = {key: value}
    return value if isinstance(value, dict) else {}


def _value(text: str) -> object:
    """Parse lists and tables; numbers, booleans and dates stay text, which validation turns into what the key wants."""
    if not text.lstrip().startswith(("[", "{")):
        return text
    for parse in (json.loads, lambda toml: tomllib.loads(f"value = {toml}")["value"]):
        try:
            return parse(text)
        except (ValueError, RecursionError):
            continue
    return text
