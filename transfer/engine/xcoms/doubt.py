"""Whether a value is what was stored, or what Starship made of it.

Airflow stores a value of a Python type as an object that names the type. Starship reads XComs as Airflow's pages show
them, where such an object is a text: a tuple and a set are ``(1,2)``, all else ``datetime.datetime@version=2(...)``.
Whoever gets that text for the value is misled, so it is not sent unless the user wants it. A text that a task had
stored in just this form cannot be told from one, and is not sent either.
"""

import json
import re
from collections.abc import Iterator
from enum import StrEnum
from typing import Any, Final

_SUSPECT: Final = re.compile(rb'"\(|@version=')
"""What there must be in the bytes of a value that can be in doubt; nearly all can be passed at a look."""

_TYPED: Final = re.compile(r"[\w.<>]+@version=\d+\(.*\)", re.DOTALL)
_PICKLE: Final = b"\x80"
"""The first byte of everything that Python has pickled since 2003, and of no JSON."""


class Doubt(StrEnum):
    """Why a value is not sent; the names are those under which they are counted, too."""

    PICKLED = "pickled"
    TYPED = "typed"
    GROUPED = "grouped"
    UNKNOWN = "unknown"

    @property
    def reason(self) -> str:
        """Return it for people."""
        return _REASONS[self]


_REASONS: Final = {
    Doubt.PICKLED: (
        "it is pickled: only an Airflow with [core] enable_xcom_pickling reads it, on any other it breaks pages"
    ),
    Doubt.TYPED: "it holds a value of a Python type, of which Starship shows only a text",
    Doubt.GROUPED: "it holds a tuple or a set, of which Starship shows only a text (or a text that looks like one)",
    Doubt.UNKNOWN: "it is no JSON: only an Airflow with the XCom backend of the source can read it",
}


def doubt_of(value: bytes) -> Doubt | None:
    """Return why ``value`` may not be what the source has stored; None for what is as good as certain."""
    if value.startswith(_PICKLE):
        return Doubt.PICKLED
    if value and not _SUSPECT.search(value):
        return None if _is_json(value) else Doubt.UNKNOWN
    try:
        document = json.loads(value)
    except (ValueError, RecursionError):
        return Doubt.UNKNOWN
    found = {doubt for text in _texts(document) if (doubt := _of_text(text))}
    return min(found, key=list(Doubt).index, default=None)


def _is_json(value: bytes) -> bool:
    try:
        json.loads(value)
    except (ValueError, RecursionError):
        return False
    return True


def _of_text(text: str) -> Doubt | None:
    if _TYPED.fullmatch(text):
        return Doubt.TYPED
    return Doubt.GROUPED if text.startswith("(") and text.endswith(")") else None


def _texts(document: Any) -> Iterator[str]:
    """Yield every text in ``document`` that stands as a value; goes on without recursion."""
    open_ = [document]
    while open_:
        value = open_.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            open_.extend(value.values())
        elif isinstance(value, list):
            open_.extend(value)
