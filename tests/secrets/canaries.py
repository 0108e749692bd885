"""The secrets of the tests, and the search for them in whatever was written."""

import html
import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote, quote_plus

PASSWORD = "cAnary/p+ss w\u00f6rd&<\"'\\%1"
TOKEN = "cAnary-token-0123456789abcdef"
COMMANDED = "cAnary-commanded-4711"
HEADER = "cAnary-header-0123456789"
PROXY = "cAnary-proxy%2Fpass"
SESSION = "cAnary-session-0123456789abcdef"
CSRF = "cAnary-csrf&token"
CONF = "cAnary-conf-value"
CONNECTION = "cAnary-connection-password"
VARIABLE = "cAnary-variable-value"

ALL = (PASSWORD, TOKEN, COMMANDED, HEADER, PROXY, SESSION, CSRF, CONF, CONNECTION, VARIABLE)


def forms(secret: str) -> set[bytes]:
    """Return the ways in which a secret may be written."""
    raw = secret.encode()
    in_query = {quote(raw, safe=""), quote_plus(raw), quote(raw, safe="").lower()}
    in_json = {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    texts = {
        secret,
        *in_query,
        *in_json,
        *(json.dumps(text)[1:-1] for text in in_json),
        html.escape(secret),
        repr(secret)[1:-1],
        b64encode(raw).decode().rstrip("="),
        urlsafe_b64encode(raw).decode().rstrip("="),
        b64encode(f"admin:{secret}".encode()).decode().rstrip("="),
    }
    return {text.encode() for text in texts}


_FORMS = {secret: forms(secret) for secret in ALL}


def found(*written: bytes | str) -> list[str]:
    """Return the canaries that stand, in any form, in what was written."""
    whole = b"\0".join(text.encode("utf-8", "replace") if isinstance(text, str) else text for text in written)
    return [secret for secret, spellings in _FORMS.items() if any(spelling in whole for spelling in spellings)]


def in_files(folder: Path, besides: Iterable[Path] = ()) -> dict[str, list[str]]:
    """Return the files below ``folder``, apart from those that are the user's own, that hold canaries."""
    own = set(besides)
    files = [file for file in folder.rglob("*") if file.is_file() and file not in own]
    return {file.name: secrets for file in files if (secrets := found(file.read_bytes()))}
