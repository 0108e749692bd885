"""Pausing DAGs, and what has to be known for it: which runs are not over, and when a DAG was last parsed.

Measured on 2.11.2 and 3.1.8 with Starship 2.10.1:

- ``PATCH dags`` takes one DAG; its 200 is an echo of what was sent, also for a DAG that there is not.
- A scheduler that is just making runs holds the DAG's row: the answer waits for it, and none is made afterwards.
- Runs of a paused DAG are not gone on with: tasks that run are brought to their end, the next ones do not begin.
- The lists are of Airflow's own stable REST API, and give 100 entries at most.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final

from transfer.client.base import Request, Sender
from transfer.errors import (
    AuthError,
    ForbiddenError,
    LostAnswerError,
    NotStarshipError,
    RefusedError,
    UnexpectedAnswerError,
)
from transfer.model import SideName

_DAGS: Final = "/api/starship/dags"
_PAGE: Final = 100
_ECHO_BYTES: Final = 65_536
_ACTIVE: Final = ("queued", "running")
_NEXT: Final = ("next_dagrun_run_after", "next_dagrun_create_after")
"""What Airflow 3 and Airflow 2 call the moment at which the next run is due."""

_CLOSED: Final = (AuthError, ForbiddenError, NotStarshipError, RefusedError, UnexpectedAnswerError)


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a DAG was last parsed, by the deployment's own clock, and when its next run is due; None for never."""

    parsed: datetime | None
    due: datetime | None


class Switches:
    """Pauses and unpauses DAGs of one side, over its own sender."""

    def __init__(self, side: SideName, sender: Sender, api: str) -> None:
        self._side: SideName = side
        self._sender = sender
        self._api = api

    async def set_paused(self, dag_id: str, *, paused: bool) -> None:
        """Pause or unpause a DAG; whether there is one has to be read back.

        Raises ``LostAnswerError`` if it may be carried out, later too, or another ``SideError``.
        """
        body = json.dumps({"dag_id": dag_id, "is_paused": paused}).encode()
        what = "pause" if paused else "unpause"
        answer = await self._sender.send(Request("PATCH", _DAGS, what, body=body, writes=True, dag_id=dag_id))
        head = answer.body.head(_ECHO_BYTES)
        answer.body.close()
        if b'"is_paused"' not in head:
            detail = "the answer is not the echo of what was sent"
            raise LostAnswerError(self._side, what, detail, status=answer.status, dag_id=dag_id)

    async def active_runs(self, dag_ids: Sequence[str]) -> Mapping[str, Sequence[str]] | None:
        """Return the ids of the queued and running runs by DAG, where there are any; None if this API is closed to us.

        Raises another ``SideError``, as any request does.
        """
        found: dict[str, list[str]] = {}
        for start in range(0, len(dag_ids), _PAGE):
            wanted = {"dag_ids": list(dag_ids[start : start + _PAGE]), "states": list(_ACTIVE), "page_limit": _PAGE}
            rows = await self._all(partial(self._runs, wanted), "dag_runs")
            if rows is None:
                return None
            for row in rows:
                found.setdefault(row["dag_id"], []).append(str(row.get("dag_run_id")))
        return found

    async def schedules(self) -> Mapping[str, Schedule] | None:
        """Return when each DAG was parsed and is due; None if this API is closed to us.

        Raises another ``SideError``, as any request does.
        """
        rows = await self._all(self._dags, "dags")
        return None if rows is None else {row["dag_id"]: _schedule(row) for row in rows}

    def _runs(self, wanted: Mapping[str, Any], offset: int) -> Request:
        body = json.dumps({**wanted, "page_offset": offset}).encode()
        return Request("POST", f"{self._api}/dags/~/dagRuns/list", "runs that are not over", body=body)

    def _dags(self, offset: int) -> Request:
        params = {"limit": str(_PAGE), "offset": str(offset), "order_by": "dag_id"}
        return Request("GET", f"{self._api}/dags", "parsed DAGs", params=params)

    async def _all(self, request: Callable[[int], Request], envelope: str) -> list[dict[str, Any]] | None:
        """Return all rows; a server may be configured to give fewer at once than it is asked for."""
        found: list[dict[str, Any]] = []
        while True:
            page = await self._list(request(len(found)), envelope)
            if page is None:
                return None
            rows, total = page
            found += rows
            if not rows or len(found) >= total:
                return found

    async def _list(self, request: Request, envelope: str) -> tuple[list[dict[str, Any]], int] | None:
        try:
            answer = await self._sender.send(request)
        except _CLOSED:
            return None
        try:
            document = json.loads(answer.body.read())
            rows, total = document[envelope], document["total_entries"]
        except (ValueError, KeyError, TypeError):
            return None
        finally:
            answer.body.close()
        known = isinstance(rows, list) and isinstance(total, int) and all(map(_is_of_dag, rows))
        return (rows, total) if known else None


def _is_of_dag(row: object) -> bool:
    return isinstance(row, dict) and isinstance(row.get("dag_id"), str)


def _schedule(row: Mapping[str, Any]) -> Schedule:
    due = next(filter(None, (row.get(name) for name in _NEXT)), None)
    return Schedule(_moment(row.get("last_parsed_time")), _moment(due))


def _moment(text: object) -> datetime | None:
    """Return the moment that a text names; None for anything else, also for a time without a zone."""
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return moment if moment is not None and moment.tzinfo is not None else None
