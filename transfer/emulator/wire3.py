"""Bytes as Airflow 3.1's api-server writes them: compact JSON in the order of the rows, and plain text for a crash."""

import json
import pickle
from http import HTTPStatus
from typing import Any

import orjson
from aiohttp import web

from transfer.emulator.refusal import Refusal
from transfer.emulator.schema import Table
from transfer.kinds import Row

_SILENT = web.ResponseKey("closes without a word", bool)


class Wire3:
    """Reads and writes JSON; ``exact`` to the byte as the server, otherwise several times as fast.

    Without ``exact`` whole numbers over 64 bits are rounded when read and cannot be written, nor can lone surrogates.
    """

    def __init__(self, *, exact: bool = True) -> None:
        self._exact = exact

    def load(self, body: bytes) -> Any:
        """Return what ``body`` says; ValueError when it is not JSON."""
        return json.loads(body) if self._exact else orjson.loads(body)

    def dump(self, value: Any) -> bytes:
        """Return ``value`` as JSON without spaces, other letters as they are."""
        if self._exact:
            return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
        return orjson.dumps(value)

    def answer(self, value: Any, status: int = 200) -> web.Response:
        """Return a JSON answer."""
        return web.Response(status=status, body=self.dump(value), content_type="application/json")


def unforeseen() -> web.Response:
    """Return the answer of an exception that nobody caught; its connection is closed without saying so."""
    answer = web.Response(status=HTTPStatus.INTERNAL_SERVER_ERROR, text="Internal Server Error")
    answer[_SILENT] = True
    return answer


def closes_silently(answer: web.StreamResponse) -> bool:
    """Tell whether it is such an answer."""
    return bool(answer.get(_SILENT, False))


async def hang_up(request: web.Request, answer: web.StreamResponse) -> None:
    """Send ``answer`` and close its connection if it is one of those; the client has to find out by itself."""
    if closes_silently(answer):
        await answer.prepare(request)
        await answer.write_eof()
        if request.transport is not None:
            request.transport.close()


def stripped(table: Table, row: Row) -> Row:
    """Return the row as the plugin changes it before the INSERT, and echoes it after a refusal."""
    row = {key: value for key, value in row.items() if key not in table.strips}
    if "executor_config" in row:
        row["executor_config"] = pickle.dumps({})
    return row


def nothing(row: Row) -> Row:
    """Return a stripped row as the plugin echoes it after a success: without the bytes."""
    return row | {"executor_config": None} if "executor_config" in row else row


def refusal_message(refusal: Refusal, table: Table | None, kwargs: dict[str, Any]) -> str:
    """Return ``error_message`` as SQLAlchemy words it: the statement, and all its values.

    A statement is shown with its columns only, its values by column and row; SQLAlchemy shows more of the same.
    """
    if table is None:
        return refusal.text
    rows = [row for rows in kwargs.values() for row in rows if isinstance(row, dict)]
    names = [column.name for column in table.columns if rows and column.name in rows[0]]
    values = {f"{name}_m{number}": row.get(name) for number, row in enumerate(rows) for name in names}
    said = f"{refusal.text}\n[SQL: INSERT INTO {table.name} ({', '.join(names)}) VALUES ... ON CONFLICT DO NOTHING]\n"  # noqa: S608 - an error message
    return f"{said}[parameters: {values}]\n(Background on this error at: https://sqlalche.me/e/21/gkpj)"
