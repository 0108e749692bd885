"""Variables, connections and pools as Starship serves and takes them, and the environment of its web server.

The routes are plural on every server that was asked (2.4.3, 2.11.2, 3.1.8); the singular ones of some documentation are
404. Everything is served in clear text, whatever the Fernet key: what was read is hidden from all output at once, and
goes into no file.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, Final

from transfer.client.base import Request, Sender
from transfer.client.page import PARSED_BYTES
from transfer.errors import LostAnswerError, UnexpectedAnswerError
from transfer.kinds import Row
from transfer.model import SideName
from transfer.secrets_registry import hide

_PREFIX: Final = "/api/starship/"
_ECHO_BYTES: Final = 65_536
_HIDDEN_LENGTH: Final = 8_192
"""Characters of the longest text that is hidden as a whole; each line and each text within are hidden as well."""

_NO_SECRETS: Final = frozenset({"HOME", "HOSTNAME", "LANG", "PATH", "PWD", "SHELL", "TERM", "TMPDIR", "TZ", "USER"})
"""Environment variables whose values stand in any message, as part of the name of a file."""

_MOST_PIECES: Final = 64
"""Of one value: each piece takes time whenever anything is shown."""


@dataclass(frozen=True, slots=True)
class ObjectKind:
    """One sort of object: ``name`` is its route and what many are called, ``one`` what one is called.

    ``key`` is the field that names an object, ``fields`` are the others that a POST takes. Of those in ``secret`` no
    value is ever shown.
    """

    name: str
    one: str
    key: str
    fields: tuple[str, ...]
    secret: frozenset[str]


VARIABLES: Final = ObjectKind("variables", "variable", "key", ("val", "description"), frozenset({"val"}))
CONNECTIONS: Final = ObjectKind(
    "connections",
    "connection",
    "conn_id",
    ("conn_type", "description", "host", "login", "password", "schema", "port", "extra"),
    frozenset({"login", "password", "extra"}),
)
POOLS: Final = ObjectKind("pools", "pool", "name", ("slots", "description", "include_deferred"), frozenset())
OBJECT_KINDS: Final = (VARIABLES, CONNECTIONS, POOLS)

Objects = Mapping[str, Row]
"""The objects of one kind by name, with the fields that both Airflow and this program know."""


class ObjectsApi:
    """Reads and writes objects over a side's own sender.

    All methods raise ``SideError``, whose texts hold nothing of an object.
    """

    def __init__(self, side: SideName, sender: Sender) -> None:
        self._side: SideName = side
        self._sender = sender

    async def read(self, kind: ObjectKind) -> Objects:
        """Return all objects of a kind; their secrets are hidden from all output from now on."""
        request = Request("GET", _PREFIX + kind.name, kind.name, most_bytes=PARSED_BYTES, private=True)
        rows = await self._get(request)
        if not isinstance(rows, list) or not all(_is_object(row, kind) for row in rows):
            raise self._unexpected(request, f"is not a list of {kind.name}")
        wanted = (kind.key, *kind.fields)
        objects = {row[kind.key]: {field: row[field] for field in wanted if field in row} for row in rows}
        for value in (row[field] for row in objects.values() for field in kind.secret if field in row):
            hide_value(value)
        return objects

    async def create(self, kind: ObjectKind, row: Row) -> None:
        """Make an object, all of it or nothing; it must not be there.

        Raises ``RefusedError`` (nothing was stored), ``LostAnswerError`` (it may be there or not) or another
        ``SideError``.
        """
        body = json.dumps(row).encode()
        request = Request("POST", _PREFIX + kind.name, f"write of a {kind.one}", body=body, writes=True, private=True)
        answer = await self._sender.send(request)
        head = answer.body.head(_ECHO_BYTES)
        answer.body.close()
        if f'"{kind.key}"'.encode() not in head:
            detail = "the answer is not the echo of what was sent"
            raise LostAnswerError(self._side, request.what, detail, status=answer.status)

    async def remove(self, kind: ObjectKind, name: str) -> None:
        """Remove a variable or a connection; harmless when it is not there.

        Raises ``LostAnswerError`` if it may still be removed, later too, or another ``SideError``; ValueError for
        pools: whatever name is asked for, Starship up to 2.10.1 removes all of them.
        """
        if kind is POOLS:
            raise ValueError("pools are never removed")
        params = {kind.key: name}
        what = f"removal of a {kind.one}"
        request = Request("DELETE", _PREFIX + kind.name, what, params=params, writes=True, private=True)
        (await self._sender.send(request)).body.close()

    async def environment(self) -> dict[str, str]:
        """Return the environment variables of the web server's process; their values are hidden from now on."""
        request = Request("GET", f"{_PREFIX}env_vars", "environment variables", most_bytes=PARSED_BYTES, private=True)
        values = await self._get(request)
        if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
            raise self._unexpected(request, "is not a list of environment variables")
        for name, value in values.items():
            if name not in _NO_SECRETS:
                hide_value(value)
        return values

    async def _get(self, request: Request) -> Any:
        answer = await self._sender.send(request)
        try:
            return json.loads(answer.body.read())
        except (ValueError, RecursionError):
            pass  # raised below: the error would carry the document along
        finally:
            answer.body.close()
        raise self._unexpected(request, "is not valid JSON")

    def _unexpected(self, request: Request, how: str) -> UnexpectedAnswerError:
        return UnexpectedAnswerError(
            self._side, request.what, f"the answer {how}", hint="check the version of Starship"
        )


def _is_object(row: object, kind: ObjectKind) -> bool:
    return isinstance(row, dict) and isinstance(row.get(kind.key), str)


def hide_value(value: object) -> None:
    """Mask from now on a secret value and what it is made of: its lines, and the texts within its JSON.

    A server that repeats it may cut it anywhere, or show it in another spelling.
    """
    if not isinstance(value, str):
        return
    for text in (value, *islice(chain(_within(value), value.splitlines()), _MOST_PIECES)):
        if len(text) <= _HIDDEN_LENGTH:
            hide(text)


def _within(value: str) -> Iterator[str]:
    if value[:1] not in {"{", "["}:
        return
    try:
        yield from _texts(json.loads(value))
    except (ValueError, RecursionError):
        return


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    children: Iterable[object] = ()
    if isinstance(value, dict):
        children = value.values()
    elif isinstance(value, list):
        children = value
    for child in children:
        yield from _texts(child)
