"""From a validation error to lines that a user can act on: where, what is wrong, what would be right. Never a value."""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final, TypeAlias, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from transfer.config.settings import Settings

Loc: TypeAlias = tuple[int | str, ...]

_TIME: Final = "must be a date and time with a time zone, such as 2026-01-31T00:00:00Z"
_TABLE: Final = "must be a table"
_WHOLE: Final = "must be a whole number"
_LIST: Final = 'must be a list, such as ["a", "b"]'

_TEXTS: Final = {
    "missing": "is missing",
    "int_parsing": _WHOLE,
    "int_parsing_size": _WHOLE,
    "int_type": _WHOLE,
    "int_from_float": _WHOLE,
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "string_type": "must be text in quotes",
    "string_too_short": "must not be empty",
    "too_short": "must not be empty",
    "tuple_type": _LIST,
    "path_type": "must be a path in quotes",
    "dict_type": _TABLE,
    "model_type": _TABLE,
    "model_attributes_type": _TABLE,
    "datetime_type": _TIME,
    "datetime_parsing": _TIME,
    "datetime_from_date_parsing": _TIME,
    "datetime_object_invalid": _TIME,
    "timezone_aware": _TIME,
}
"""What pydantic's kinds of error mean to someone who wrote TOML; the others speak for themselves."""


@dataclass(frozen=True, slots=True)
class _Place:
    """A location as the user wrote it, and the model that its last key belongs to (None inside a list or dict)."""

    path: Loc
    model: type[BaseModel] | None

    def __str__(self) -> str:
        parts = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in self.path]
        return "".join(parts).removeprefix(".")


def explain(error: ValidationError, origins: Mapping[Loc, str], above: Loc = ()) -> list[str]:
    """Return one line ``path: what is wrong`` per problem; ``origins`` says what set a path, the file being nothing.

    ``above`` is where in the settings the table stands that was validated by itself.
    """
    details = error.errors(include_url=False, include_input=False)
    for detail in details:
        detail["loc"] = (*above, *detail["loc"])
    return [_line(detail, origins) for detail in details]


def all_set_elsewhere(error: ValidationError, origins: Mapping[Loc, str]) -> bool:
    """Tell whether no problem lies in the file."""
    return all(_origin(_place_of(detail), origins) for detail in error.errors(include_url=False, include_input=False))


def _line(detail: ErrorDetails, origins: Mapping[Loc, str]) -> str:
    place = _place_of(detail)
    origin = _origin(place, origins)
    return f"{place}: {_text(detail, place)}" + (f" (set by {origin})" if origin else "")


def _place_of(detail: ErrorDetails) -> _Place:
    loc = detail["loc"]
    return _place((*loc, "kind") if detail["type"].startswith("union_tag") else loc)


def _origin(place: _Place, origins: Mapping[Loc, str]) -> str:
    """Return what set the value at ``place`` or above it, empty for the file."""
    prefixes = [place.path[:length] for length in range(len(place.path), 0, -1)]
    return next((origins[prefix] for prefix in prefixes if prefix in origins), "")


def _text(detail: ErrorDetails, place: _Place) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        return _unknown(str(place.path[-1]), place.model)
    if kind == "value_error":
        return str(context["error"])
    if kind == "union_tag_not_found":
        return f"is missing; choose one of {_kinds()}"
    if kind == "union_tag_invalid":  # its own text repeats the value
        return f"must be one of {_kinds()}"
    return _TEXTS.get(kind) or detail["msg"].replace("Input should be", "must be")


def _unknown(key: str, model: type[BaseModel] | None) -> str:
    known = list(model.model_fields) if model else []
    near = get_close_matches(key.lower(), known, n=1)
    if near:
        return f"unknown key; did you mean {near[0]}?"
    if key in Settings.model_fields:
        return "unknown key here; it belongs to the top of the file, before the first [section]"
    return f"unknown key; known here are {', '.join(known)}"


def _kinds() -> str:
    models = _models(Settings.model_fields["source"].annotation)[0].model_fields["auth"].annotation
    return ", ".join(_tag(model) for model in _models(models))


def _place(loc: Loc) -> _Place:
    """Walk down the models: where one of several is possible, ``loc`` holds its tag, which nobody wrote as a key."""
    annotation: Any = Settings
    path: list[int | str] = []
    model: type[BaseModel] | None = None
    for part in loc:
        models = _models(annotation)
        if len(models) > 1 and part != "kind":
            annotation = next((model for model in models if _tag(model) == part), None)
            continue
        path.append(part)
        model = models[0] if models else None
        field = model.model_fields.get(str(part)) if model else None
        annotation = field.annotation if field else None
    return _Place(tuple(path), model)


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in _models(argument)]


def _tag(model: type[BaseModel]) -> str:
    kind = model.model_fields.get("kind")
    return str(get_args(kind.annotation)[0]) if kind else ""
