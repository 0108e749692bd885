"""Which runs two codecs read and write alike: most are texts, whole numbers and an empty conf.

orjson is several times as fast as the standard library, but it turns integers beyond 64 bits into fractions and writes
NaN and infinity as null, without a word. Where there is no fraction at all, nothing of that can have happened.
"""

import json
from collections.abc import Sequence
from contextlib import suppress
from types import NoneType
from typing import Any, Final

import orjson

from transfer.kinds import Row

_PLAIN: Final = frozenset({str, int, bool, NoneType})


def is_plain(row: Row) -> bool:
    """Tell whether ``row`` holds no fraction, infinity or NaN but 0.0, at any depth; too deep to look is not plain."""
    try:
        return _PLAIN.issuperset(map(type, filter(None, row.values()))) or all(map(_is_plain_value, row.values()))
    except RecursionError:
        return False


def are_plain(rows: Sequence[Row]) -> bool:
    """Tell whether all ``rows`` are plain: column by column, and value by value only where one may be nested."""
    try:
        columns = list(zip(*map(dict.values, rows), strict=True))
        return all(
            _PLAIN.issuperset(map(type, column)) or all(map(_is_plain_value, filter(None, column)))
            for column in columns
        )
    except (ValueError, RecursionError):  # rows of other lengths; what is too deep to look at is not plain
        return all(map(is_plain, rows))


def _is_plain_value(value: Any) -> bool:
    if not value or type(value) in _PLAIN:
        return True
    if isinstance(value, dict):
        return all(map(_is_plain_value, value.values()))
    return isinstance(value, list) and all(map(_is_plain_value, value))


def parsed_runs(text: bytes) -> Any:
    """Parse an answer that should hold a list of DAG runs, just as ``json.loads`` does, and raise what that raises."""
    with suppress(ValueError, LookupError, TypeError, AttributeError, RecursionError):  # another document
        document = orjson.loads(text)
        if are_plain(document["dag_runs"]):
            return document
    return json.loads(text)
