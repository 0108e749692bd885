"""Make text that a server wrote safe for logs, reports and errors.

Starship's error bodies echo the whole request, with passwords in clear text; web pages and tracebacks are long and full
of noise. What is kept of an answer is the sentence that says what is wrong, and of that nothing that looks like a
secret. Over-masking is accepted, leaking is not.
"""

import html
import json
import re
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from transfer.secrets_registry import MASK, mask

LOOKED_AT: Final = 65_536
"""Characters of a text that are looked at; the rest is dropped unseen."""

_ECHO: Final = re.compile(
    r"""["']?kwargs["']?\s*[:=]|["']input["']\s*:|\[parameters:|\[SQL:|DETAIL:\s*Failing\ row|Failing\ row|LINE\ \d+:"""
    r"""|Traceback\ \(most\ recent\ call\ last\)""",
    re.VERBOSE,
)
"""Where a repetition of the request, or a traceback, begins within a sentence."""

_ECHO_FIELD: Final = re.compile(r'"(?:kwargs|input)"\s*:')
"""Where it begins in a JSON document."""

_SAID: Final = re.compile(r'"(error|error_message|detail|title|message|msg)"\s*:\s*"((?:[^"\\]|\\.)*)"?', re.DOTALL)
_SILENT: Final = re.compile(r"<(script|style|head|svg)\b.*?(?:</\1\s*>|\Z)", re.IGNORECASE | re.DOTALL)
_TITLE: Final = re.compile(r"<title[^>]{0,200}>([^<]*)", re.IGNORECASE)
_TAG: Final = re.compile(r"<(?:[!/?]|[a-zA-Z])[^>]*>?")
_ESCAPE_SEQUENCE: Final = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]?|\][^\x07\x1b]*(?:\x07|\x1b\\)?)|\x9b[0-?]*[ -/]*[@-~]?"
)
_REPR: Final = re.compile(r"\w+\((['\"])(.*)\1,?\)", re.DOTALL)
"""Starship serialises exceptions as their repr."""

_QUOTED_OR_BARE: Final = r"""(?:"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?|\([^)]*\)?|[^\s,;&<>]+)"""
_SECRETS: Final = (
    (re.compile(r"\b([a-z][a-z0-9+.-]{0,30}://)[^\s\"'<>]*@", re.IGNORECASE), rf"\1{MASK}@"),
    (re.compile(r"\b(bearer|basic|digest|negotiate)\s+[\w.~+/=-]{8,}", re.IGNORECASE), rf"\1 {MASK}"),
    (re.compile(r"\beyJ[\w-]{8,}(?:\.[\w-]*){0,4}"), MASK),
    (re.compile(r"((?:proxy-)?authorization|(?:set-)?cookie)\b[^\r\n]*", re.IGNORECASE), rf"\1: {MASK}"),
    (
        re.compile(
            r"(passw(?:or)?d|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|fernet[_-]?key"
            r"|credentials?|session(?:[_-]?id)?|csrf|signature)"
            r"([\w.-]{0,40}[\\\"')\s]{0,8}[=:][\\\s]{0,8})" + _QUOTED_OR_BARE,
            re.IGNORECASE,
        ),
        rf"\1\2{MASK}",
    ),
)


def redact(text: str, limit: int = 400) -> str:
    """Return what ``text`` says, on one line of at most ``limit`` characters, without secrets or control characters.

    Of Starship's JSON errors the error and the first lines of its message are kept, of web pages title and text, of
    other JSON documents the usual message fields. Never raises.
    """
    text = mask(text[:LOOKED_AT])
    said = _first_words(_sentence(text))
    said = mask(_one_line(said))[: max(4 * limit, 4096)]  # some patterns are quadratic in hostile text
    for pattern, replacement in _SECRETS:
        said = pattern.sub(replacement, said)
    return said if len(said) <= limit else said[: max(limit - 1, 0)] + "…"


def redact_url(url: str) -> str:
    """Return ``url`` without user, password, query and fragment; never raises."""
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        bare = urlunsplit((parts.scheme, host, parts.path, "", ""))
    except ValueError:
        return "(not a URL)"
    return redact(bare, 200)


def _sentence(text: str) -> str:
    start = text.lstrip()[:1]
    if start in {"{", "["}:
        return _json_sentence(text)
    if "<" in text:
        return _page_sentence(text)
    return text


def _json_sentence(text: str) -> str:
    """Pick the message fields that stand before any echo of the request; no parser, since the text may be cut."""
    said: dict[str, str] = {}
    for name, value in _SAID.findall(_before(_ECHO_FIELD, text)):
        said.setdefault(name, _first_words(_unescaped(value)))
    return ": ".join(value for value in dict.fromkeys(said.values()) if value)


def _unescaped(value: str) -> str:
    try:
        return str(json.loads(f'"{value}"', strict=False))
    except ValueError:
        return value


def _page_sentence(text: str) -> str:
    title = _TITLE.search(text)
    words = _one_line(html.unescape(_TAG.sub(" ", _SILENT.sub(" ", text))))
    name = _one_line(html.unescape(title[1])) if title else ""
    return words if words.startswith(name) else f"{name}: {words}"


def _first_words(text: str) -> str:
    inside = _REPR.fullmatch(text.strip())
    return _before(_ECHO, inside[2].replace("\\n", "\n") if inside else text).strip()


def _before(echo: re.Pattern[str], text: str) -> str:
    found = echo.search(text)
    return text[: found.start()] if found else text


def _one_line(text: str) -> str:
    text = _ESCAPE_SEQUENCE.sub("", text)
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())
