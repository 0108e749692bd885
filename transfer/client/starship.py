"""Starship's REST API as the engine wants it: rows in, rows out, nothing of HTTP."""

import json
from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus
from typing import Any, Final

from transfer.capabilities import Dates, capabilities
from transfer.client.base import Body, Request, Sender
from transfer.client.dates import IMPOSSIBLE, dates_of, probe_request
from transfer.client.logs import TaskLogs
from transfer.client.objects import ObjectsApi
from transfer.client.page import PARSED_BYTES, StarshipPage
from transfer.client.parsed import ParsedDags
from transfer.client.plain import parsed_runs
from transfer.client.shape import are_runs, children_of, is_count, is_id, is_slice
from transfer.client.stable import StableApi
from transfer.client.switches import Switches
from transfer.client.xcoms import XComs
from transfer.errors import (
    AuthError,
    LostAnswerError,
    NotStarshipError,
    SideError,
    UnavailableError,
    UnexpectedAnswerError,
)
from transfer.kinds import DAG_RUNS, TASK_INSTANCES, Kind
from transfer.model import Batch, DagInfo, RunPage, ServerInfo, SideName

PREFIX: Final = "/api/starship/"
SMALL_BYTES: Final = 1_048_576
"""The largest answer that names versions."""

HEAD_BYTES: Final = 256
"""Where the echo of an insert must name the list of rows."""

_NOT_STARSHIP: Final = (
    "check that the URL is the address of the Airflow webserver, that the plugin astronomer-starship is installed"
    " there, and that the account can log in"
)


class Starship:
    """A deployment behind a sender; implements ``Source`` and ``Target``."""

    def __init__(self, side: SideName, sender: Sender) -> None:
        self._side: SideName = side
        self._sender = sender
        self._stable: StableApi | None = None

    async def info(self) -> ServerInfo:
        """Implement ``Source``; raises ``NotStarshipError`` when a web page answers."""
        request = Request("GET", f"{PREFIX}info", "info", most_bytes=SMALL_BYTES)
        try:
            answer = await self._get(request)
        except AuthError as error:
            if error.what != request.what or error.status != HTTPStatus.OK:  # not the login's own failure
                raise
            raise NotStarshipError(self._side, "info", error.detail, status=error.status, hint=_NOT_STARSHIP) from error
        match answer:
            case {"airflow_version": airflow, "starship_version": starship} if is_id(airflow) and is_id(starship):
                return ServerInfo(airflow, starship)
        raise self._unexpected(request, "does not name the two versions")

    async def dags(self) -> list[DagInfo]:
        """Implement ``Source``."""
        request = Request("GET", f"{PREFIX}dags", "dags", most_bytes=PARSED_BYTES)
        rows = await self._get(request)
        if not isinstance(rows, list):
            raise self._unexpected(request, "is not a list")
        return [self._dag(request, row) for row in rows]

    async def dag_runs(self, dag_id: str, *, offset: int, limit: int) -> RunPage:
        """Implement ``Source``."""
        request = replace(self._slice(DAG_RUNS, dag_id, offset, limit), most_bytes=PARSED_BYTES)
        answer = await self._sender.send(request)
        size = answer.body.size
        match self._parsed(request, answer.body, parsed_runs):
            case {"dag_runs": list(rows), "dag_run_count": count} if is_count(count):
                if not is_slice(rows, count, offset, limit):
                    raise self._unexpected(request, f"holds {len(rows)} runs of {count}, which was not asked for")
                if are_runs(rows, dag_id):
                    return RunPage(rows, count, size)
        raise self._unexpected(request, "is not a list of runs with their count")

    async def children(
        self, kind: Kind, dag_id: str, *, offset: int, limit: int, attempts: int | None = None
    ) -> StarshipPage:
        """Implement ``Source``."""
        request = replace(self._slice(kind, dag_id, offset, limit), attempts=attempts)
        are_rows = children_of(dag_id, kind)
        answer = await self._sender.send(request)
        return StarshipPage(self._side, kind, request, answer.body, are_rows, seconds=answer.seconds)

    async def insert(self, batch: Batch) -> None:
        """Implement ``Target``.

        The echo of all rows is received, since only a complete answer counts, but not parsed: it is made of what was
        sent, and proves no more than its first bytes do.
        """
        what = f"insert {len(batch.rows)} {batch.kind.name}"
        headers = {"Idempotency-Key": batch.key}
        request = Request("POST", "", what, body=batch.body, headers=headers, dag_id=batch.dag_id, rows=len(batch.rows))
        await self._post(batch.kind, request)

    async def remove_run(self, dag_id: str, run_id: str) -> bool:
        """Implement ``Target``: Starship itself can only remove all runs of a DAG."""
        return await (await self._stable_api()).remove_run(dag_id, run_id)

    async def run_state(self, dag_id: str, run_id: str) -> str | None:
        """Implement ``Target``."""
        return await (await self._stable_api()).run_state(dag_id, run_id)

    async def probe_write(self, size: int) -> None:
        """Implement ``Target``: Starship ignores what it does not know in a body, and inserts nothing for no rows."""
        kind = TASK_INSTANCES
        empty = b'{"%s":[],"padding":"%%s"}' % kind.envelope.encode()
        body = empty % (b"x" * max(size - len(empty % b""), 0))
        await self._post(kind, Request("POST", "", f"write of {size} bytes", body=body))

    async def probe_dates(self) -> Dates:
        """Implement ``Target``."""
        target = capabilities(self._side, await self.info())
        if not target.explains_refusals:
            return Dates.AS_SERVED
        dates = await self._probed(probe_request(target))
        return await self._probed(probe_request(target, IMPOSSIBLE)) if dates is Dates.UNCHECKED else dates

    async def _probed(self, request: Request) -> Dates:
        try:
            await self._post(DAG_RUNS, request)
        except SideError as error:
            return dates_of(error)
        return Dates.AS_SERVED

    async def parsed_dags(self) -> frozenset[str] | None:
        """Implement ``Target``."""
        target = capabilities(self._side, await self.info())
        if not target.needs_parsed_dags:
            return None
        try:
            return await ParsedDags(self._side, self._sender, target.stable_api).read()
        except UnavailableError:
            await self.info()  # a side that is gone altogether is another matter than this one page of it
            return None

    def task_logs(self) -> TaskLogs:
        """Return the way to this deployment's task logs."""
        return TaskLogs(self._side, self._sender)

    async def xcoms(self) -> XComs:
        """Return the way to this deployment's XComs."""
        return XComs(self._side, self._sender, capabilities(self._side, await self.info()).stable_api)

    async def switches(self) -> Switches:
        """Return the way to pause this deployment's DAGs."""
        return Switches(self._side, self._sender, capabilities(self._side, await self.info()).stable_api)

    def objects(self) -> ObjectsApi:
        """Return the way to this deployment's variables, connections, pools and environment."""
        return ObjectsApi(self._side, self._sender)

    async def _stable_api(self) -> StableApi:
        if self._stable is None:
            self._stable = StableApi(self._side, self._sender, await self.info(), self.info)
        return self._stable

    async def _post(self, kind: Kind, request: Request) -> None:
        request = replace(request, path=PREFIX + kind.route, writes=True)
        answer = await self._sender.send(request)
        head = answer.body.head(HEAD_BYTES)
        answer.body.close()
        if f'"{kind.envelope}"'.encode() not in head:
            detail = "the answer is not the echo of what was sent"
            raise LostAnswerError(self._side, request.what, detail, status=answer.status, dag_id=request.dag_id)

    @staticmethod
    def _slice(kind: Kind, dag_id: str, offset: int, limit: int) -> Request:
        params = {"dag_id": dag_id, "limit": str(limit), "offset": str(offset)}
        return Request("GET", PREFIX + kind.route, f"{kind.name} {offset}+{limit}", params=params, dag_id=dag_id)

    async def _get(self, request: Request) -> Any:
        """Send a request and parse the answer.

        With the standard library on purpose: names may hold lone surrogates, which orjson refuses.
        """
        answer = await self._sender.send(request)
        return self._parsed(request, answer.body)

    def _parsed(self, request: Request, body: Body, parse: Callable[[bytes], Any] = json.loads) -> Any:
        try:
            return parse(_taken(body))
        except (ValueError, RecursionError):
            pass  # raised below: the error would carry the document along
        raise self._unexpected(request, "is not valid JSON")

    def _dag(self, request: Request, row: object) -> DagInfo:
        match row:
            case {"dag_id": dag_id, "dag_run_count": count, "is_paused": bool() | None as is_paused} if is_id(
                dag_id
            ) and is_count(count):
                return DagInfo(dag_id, count, bool(is_paused))
        raise self._unexpected(request, "holds something else than DAGs")

    def _unexpected(self, request: Request, how: str) -> UnexpectedAnswerError:
        return UnexpectedAnswerError(
            self._side, request.what, f"the answer {how}", hint="check the version of Starship", dag_id=request.dag_id
        )


def _taken(body: Body) -> bytes:
    try:
        return body.read()
    finally:
        body.close()
