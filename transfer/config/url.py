"""From what people paste as the address of a deployment to the one URL below which its API lies."""

import re
from ipaddress import IPv6Address
from typing import Final
from urllib.parse import SplitResult, quote, urlsplit

_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_FORBIDDEN: Final = re.compile(r"[\s\x00-\x20\x7f-\x9f\\<>\"{}|^`]")
_HOST: Final = re.compile(r"(?!-)[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?")
_PAGES: Final = re.compile(
    r"(?:/(?:home|login|logout|health)"
    r"|/auth/(?:login|token)"
    r"|/(?:dags|dagrun|taskinstance|datasets|assets|starship|plugin|cluster_activity|dag-dependencies)(?:/.*)?"
    r"|/(?:connection|variable|pool|xcom|job|users|roles)/list(?:/.*)?"
    r"|/api(?:/(?:v1|v2|starship|experimental)(?:/.*)?)?"
    r")+$"
)
"""The tail of a path that belongs to Airflow's own pages and APIs, not to the deployment's address."""

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_LARGEST_PORT: Final = 65_535


def normalise_url(text: str) -> str:
    """Return the base URL of a deployment: lower-case scheme and host, no default port, no page, no trailing slash.

    Raises ``ValueError`` with a message that never repeats the text, since people paste passwords into URLs.
    """
    text = text.strip()
    _refuse_oddities(text)
    parts = _split(text)
    scheme = parts.scheme.lower()
    path = "/".join(["", *filter(None, parts.path.split("/"))])
    path = quote(_PAGES.sub("", path), safe="/%:!$&'()*+,;=~")
    host = _host(parts)
    if host == "cloud.astronomer.io":
        raise ValueError("this is Astro's own console; open Airflow from there and take the address of that page")
    return f"{scheme}://{host}{_port(parts, scheme)}{path}"


def _refuse_oddities(text: str) -> None:
    if "@" in text:  # anywhere: an unescaped "/" or "?" in a password ends the part before the "@" too early
        raise ValueError("credentials do not belong into the URL (nor does an @); name them in the auth section")
    if _FORBIDDEN.search(text):
        raise ValueError("must not contain spaces, control characters, quotes, brackets or backslashes")
    scheme = _SCHEME.match(text)
    if scheme is None or scheme[1].lower() not in _DEFAULT_PORTS:
        raise ValueError("must start with https:// or http://")


def _split(text: str) -> SplitResult:
    try:
        return urlsplit(text)
    except ValueError:
        pass  # raised below: Python's message repeats the text
    raise ValueError("the host is not valid")


def _host(parts: SplitResult) -> str:
    if not parts.hostname:
        raise ValueError("names no host")
    try:
        if "[" in parts.netloc and "%" not in parts.netloc:  # a zone is only known to the machine that wrote it
            return f"[{IPv6Address(parts.hostname).compressed}]"
        host = parts.hostname.encode("idna").decode().lower()
    except ValueError:  # UnicodeError and AddressValueError are kinds of it
        host = ""
    if not _HOST.fullmatch(host):
        raise ValueError("the host is not valid")
    return host


def _port(parts: SplitResult, scheme: str) -> str:
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise ValueError(f"the port must be a number from 1 to {_LARGEST_PORT}")
    return "" if port in {None, _DEFAULT_PORTS[scheme]} else f":{port}"
