"""The secret values this process has read, so that they can be masked wherever they would appear.

Server text comes back escaped in many ways, hence the variants: a password in a query string, in JSON, in JSON within
JSON, in a web page, in base64 and in a Python repr are six different texts.
"""

import html
import json
import re
from base64 import b64encode, urlsafe_b64encode
from typing import Final
from urllib.parse import quote, quote_plus

MASK: Final = "***"
"""What stands in place of a secret."""

SHORTEST: Final = 4
"""Shorter values are not searched for: masking "a" would make every text unreadable and give the secret away."""

_ESCAPED: Final = re.compile("%[0-9A-F]{2}")

_known: set[str] = set()


def hide(value: str) -> None:
    """Remember ``value`` as a secret that ``mask`` replaces from now on, unless it is shorter than ``SHORTEST``."""
    if len(value) >= SHORTEST and value not in _known:
        _known.update(_variants(value))


def mask(text: str) -> str:
    """Return ``text`` with every known secret replaced by ``MASK``, the longest first."""
    found = [value for value in _known if value in text]  # all of them, thousands maybe, would make a slow pattern
    if not found:
        return text
    longest_first = sorted(found, key=len, reverse=True)
    return re.sub("|".join(map(re.escape, longest_first)), MASK, text)


def _variants(value: str) -> set[str]:
    raw = value.encode("utf-8", "surrogatepass")
    in_query = {quote(raw, safe=""), quote_plus(raw)}
    in_json = {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
    return {
        value,
        *in_query,
        *(_ESCAPED.sub(lambda byte: byte[0].lower(), text) for text in in_query),
        *in_json,
        *(json.dumps(text)[1:-1] for text in in_json),
        html.escape(value),
        repr(value)[1:-1],
        b64encode(raw).decode().rstrip("="),
        urlsafe_b64encode(raw).decode().rstrip("="),
    }
