"""Which runs two codecs read and write alike: most are texts, whole numbers and an empty conf.

orjson is several times as fast as the standard library, but it turns integers beyond 64 bits into fractions and writes
NaN and infinity as null, without a word. Where there is no fraction at all, nothing of that can have happened.
"""

import json
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
        if all(map(is_plain, document["dag_runs"])):
            return document
    return json.loads(text)
