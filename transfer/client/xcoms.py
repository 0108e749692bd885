"""XComs as Starship serves and takes them, one task instance at a time, and which task instances have any.

Measured on Airflow 2.8.4, 2.9.3, 2.10.5 and 2.11.2 with Starship 2.10.1:

- A GET reads a value as Airflow shows it, and writes that as JSON again. What was stored as JSON by Airflow comes out
  byte for byte; what is an object of a Python type comes out as a text about it. A NULL comes out as ``null``.
- One value that is no JSON (a pickled one) makes the GET of its task instance a 500, and so the list of its run.
- A POST takes one value and never replaces one: a key that is taken is a 409, and so is a task instance that there is
  not; a DAG run that there is not is a 404 in JSON. The moment at which it was written is not carried.
- The list is of Airflow's own stable REST API: 100 keys a page, whatever is asked for. Before 2.10 it is not ordered by
  the map index.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final
from urllib.parse import quote

from transfer.client.base import Answer, Request, Sender
from transfer.client.page import PARSED_BYTES
from transfer.client.stable import is_addressable
from transfer.client.status import XCOM_LIST, XCOM_PATH
from transfer.errors import UnexpectedAnswerError
from transfer.model import SideName

PAGE: Final = 100
"""Keys of a page of the list: the most that a server gives, unless it is configured to give fewer."""

MOST_PAGES: Final = 1_000
"""Pages of one list that are read; a run with more is asked task instance by task instance."""

READS: Final = 3
"""Attempts to read the XComs of a task instance, or a page of a list, which may simply be too much for the server."""

PIECE: Final = 65_536

_SHARED: Final = "the answer of Airflow's stable REST API is not a list of XComs"


@dataclass(frozen=True, slots=True)
class TaskName:
    """Which task instance."""

    dag_id: str
    run_id: str
    task_id: str
    map_index: int

    @property
    def key(self) -> str:
        """Return its identity below the run, for people and for the checkpoint."""
        return f"{self.task_id} [{self.map_index}]" if self.map_index >= 0 else self.task_id

    @property
    def params(self) -> dict[str, str]:
        """Return it as parameters of a request."""
        values = {"dag_id": self.dag_id, "run_id": self.run_id, "task_id": self.task_id}
        return values | {"map_index": str(self.map_index)}


@dataclass(frozen=True, slots=True)
class XCom:
    """One value of a task instance, as bytes of what is stored."""

    key: str
    value: bytes

    def body(self, task: TaskName) -> bytes:
        """Return the request that stores it for ``task``."""
        row = {"dag_id": task.dag_id, "run_id": task.run_id, "task_id": task.task_id, "map_index": task.map_index}
        return json.dumps(row | {"key": self.key, "value": b64encode(self.value).decode()}).encode()


class XComPage:
    """All XComs of one task instance, not yet taken apart."""

    def __init__(self, side: SideName, request: Request, answer: Answer) -> None:
        self._side = side
        self._request = request
        self._body = answer.body
        self.size = answer.body.size
        """Bytes; the values need about as much again."""

    def values(self) -> list[XCom]:
        """Return them and free the answer; raises ``UnexpectedAnswerError``."""
        try:
            return self._parsed(json.loads(self._body.read()))
        except (ValueError, TypeError, KeyError, RecursionError):
            pass  # raised below: the error would carry the values along
        finally:
            self.close()
        request = self._request
        raise UnexpectedAnswerError(
            self._side,
            request.what,
            "the answer is not a list of XComs",
            hint="check the version of Starship",
            dag_id=request.dag_id,
        )

    def _parsed(self, rows: Any) -> list[XCom]:
        """Return the values of ``rows``; raises ValueError, TypeError or KeyError if they are anything else."""
        if not isinstance(rows, list) or not all(isinstance(row["key"], str) and self._is_ours(row) for row in rows):
            raise TypeError
        return [XCom(row["key"], b64decode(row["value"], validate=True)) for row in rows]

    def _is_ours(self, row: dict[str, Any]) -> bool:
        return all(str(row[name]) == value for name, value in self._request.params.items())

    def close(self) -> None:
        """Free the answer; harmless when repeated."""
        self._body.close()


class XComs:
    """Reads and writes XComs over a side's own sender; all methods raise ``SideError``.

    ``api`` is the path of the side's stable REST API.
    """

    def __init__(self, side: SideName, sender: Sender, api: str) -> None:
        self._side: SideName = side
        self._sender = sender
        self._api = api

    async def read(self, task: TaskName) -> XComPage:
        """Return the XComs of a task instance, also of one that there is not; the caller closes the page.

        Raises ``InvalidRowError`` if one of them cannot be read by the server itself, ``UnavailableError`` if they are
        too large to be held.
        """
        what = f"XComs of {task.run_id} {task.key}"
        request = Request("GET", XCOM_PATH, what, params=task.params, dag_id=task.dag_id, attempts=READS)
        request = replace(request, most_bytes=PARSED_BYTES)
        return XComPage(self._side, request, await self._sender.send(request))

    async def write(self, task: TaskName, body: bytes, *, in_pieces: bool = False) -> None:
        """Store one value, which never replaces another; ``body`` is that of an ``XCom``.

        ``in_pieces`` sends it without its length. Raises ``ConflictError`` if the key is taken or the task instance is
        not there, ``AbsentError`` if the run is not, ``LostAnswerError`` if it may be stored or not.
        """
        what = f"write of an XCom of {len(body)} bytes to {task.run_id} {task.key}"
        request = Request("POST", XCOM_PATH, what, body=body, dag_id=task.dag_id, writes=True, private=True, rows=1)
        if in_pieces:
            request = replace(request, body=None, pieces=partial(_pieces, body), attempts=1)
        (await self._sender.send(request)).body.close()

    async def count(self, dag_id: str) -> int | None:
        """Return how many XComs a DAG has in all; None if it cannot be asked for."""
        if not is_addressable(dag_id):
            return None
        request = self._list(dag_id, "~", 0, limit=1)
        return (await self._page(request))[1]

    async def holders(self, dag_id: str, run_id: str) -> frozenset[tuple[str, int]] | None:
        """Return the task instances of a run that have XComs, as (task id, map index).

        None if that cannot be found out: the ids cannot be part of an address, or the pages do not add up, as where
        keys come and go, and before 2.10 on many mapped task instances. Raises ``InvalidRowError`` if the server cannot
        read one of the values, or what else a request raises where the list is closed to us.
        """
        if not (is_addressable(dag_id) and is_addressable(run_id)):
            return None
        seen: set[tuple[str, int, str]] = set()
        offset = total = 0
        for _ in range(MOST_PAGES):
            rows, total = await self._page(self._list(dag_id, quote(run_id, safe=""), offset))
            offset += len(rows)
            seen.update((row["task_id"], row["map_index"], row["key"]) for row in rows)
            if not rows or offset >= total:
                break
        return frozenset((task_id, map_index) for task_id, map_index, _ in seen) if len(seen) == total else None

    def _list(self, dag_id: str, run: str, offset: int, *, limit: int = PAGE) -> Request:
        path = f"{self._api}/dags/{quote(dag_id, safe='')}/dagRuns/{run}{XCOM_LIST}"
        params = {"limit": str(limit), "offset": str(offset)}
        return Request("GET", path, "list of XComs", params=params, dag_id=dag_id, attempts=READS)

    async def _page(self, request: Request) -> tuple[list[dict[str, Any]], int]:
        answer = await self._sender.send(request)
        try:
            match json.loads(answer.body.read()):
                case {"xcom_entries": list(rows), "total_entries": int(total)} if all(map(_is_entry, rows)):
                    return rows, total
        except ValueError:
            pass
        finally:
            answer.body.close()
        raise UnexpectedAnswerError(self._side, request.what, _SHARED, dag_id=request.dag_id)


async def _pieces(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), PIECE):
        yield body[start : start + PIECE]


def _is_entry(row: object) -> bool:
    match row:
        case {"task_id": str(), "map_index": int(), "key": str()}:
            return True
    return False
