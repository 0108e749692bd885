"""Airflow's own stable REST API, for the one thing that Starship cannot do: removing a single DAG run.

It is v1 on Airflow 2, with the cookie of the login or basic authentication, and v2 on Airflow 3, with the token.
Measured on 2.11.2 and 3.1.8:

- Removing a run takes along its task instances, their history, XComs, notes and rendered fields, on both. It needs no
  CSRF token and no row in table ``dag``.
- v1 removes a run in any state. v2 refuses a running one with 409 and removes a queued one.
- v1 says 403 to a session that is over and to a stranger, just as to a user without the right.
- A path that there is not is a 404 in JSON too (405 on v2): only a ``detail`` that names the run says it is absent.
- Ids are decoded before routes are matched: one with a slash is another path. Anything in between that tidies up paths
  would turn ``dagRuns/..`` into the DAG itself, whose DELETE takes the whole DAG.
"""

import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, Literal, TypeAlias
from urllib.parse import quote, unquote

from transfer.capabilities import capabilities
from transfer.client.base import Answer, Request, Sender
from transfer.errors import (
    AbsentError,
    AuthError,
    ConflictError,
    ForbiddenError,
    InvalidRowError,
    LostAnswerError,
    NotRemovableError,
    NotStarshipError,
    UnavailableError,
    UnexpectedAnswerError,
)
from transfer.kinds import FINISHED_STATES
from transfer.model import ServerInfo, SideName

MOST_LOST: Final = 5
"""Removals of one run whose answers may get lost before the side counts as broken."""

_Method: TypeAlias = Literal["GET", "DELETE"]
_NO_PLACE: Final = frozenset({"", ".", "..", "~"})
NO_STATE: Final = "in a state that Airflow does not know"
"""What is said of a run that breaks v1's schema by its state (null, or none of Airflow's): no scheduler works on it."""

_REMOVABLE: Final = FINISHED_STATES | {NO_STATE}
_STATE: Final = {"fields": "dag_id,dag_run_id,state"}
"""On v1: only these, for a run that lacks something else breaks the whole answer. Before 2.9 nobody may choose, and
such a run cannot be asked for; v2 ignores it."""


class StableApi:
    """Asks for single runs and removes them, over a side's own sender.

    ``still_known`` is a harmless request that logs in again when the session is over.
    """

    def __init__(
        self, side: SideName, sender: Sender, info: ServerInfo, still_known: Callable[[], Awaitable[object]]
    ) -> None:
        self._side: SideName = side
        self._sender = sender
        known = capabilities(side, info)
        self._api = known.stable_api
        self._shown = _STATE if known.shows_chosen_fields else {}
        self._still_known = still_known

    async def remove_run(self, dag_id: str, run_id: str) -> bool:
        """Implement ``Target``.

        A removal is not simply sent again when its answer is lost: the first one may be carried out late, after a new
        version was inserted. While it can still take effect it is waited for, by asking whether the run is there.
        """
        lost = 0
        while (state := await self.run_state(dag_id, run_id)) is not None:
            if state not in _REMOVABLE:
                raise self._not_removable("remove run", f"{run_id!r} is {state} there", dag_id)
            try:
                await self.delete_run(dag_id, run_id)
            except LostAnswerError as error:
                lost += 1
                if lost > MOST_LOST:
                    detail = f"no answer {lost} times, the last time: {error.detail}"
                    raise UnavailableError(self._side, error.what, detail, dag_id=dag_id, hint=error.hint) from error
            else:
                return True
        return lost > 0

    async def run_state(self, dag_id: str, run_id: str) -> str | None:
        """Return the state of a run or ``NO_STATE``, None if there is no such run.

        Raises ``NotRemovableError`` if the run cannot be asked for, or another ``SideError``.
        """
        request = self._request("GET", dag_id, run_id)
        try:
            answer = await self._send(request)
        except AbsentError:
            return None
        except InvalidRowError:
            return NO_STATE
        match _parsed(answer):
            case {"dag_id": dag, "dag_run_id": run, "state": str(state)} if (dag, run) == (dag_id, run_id):
                return state
        detail = "the answer of Airflow's stable REST API is not the run that was asked for"
        raise UnexpectedAnswerError(self._side, request.what, detail, hint=_CLOSED, dag_id=dag_id)

    async def delete_run(self, dag_id: str, run_id: str) -> None:
        """Remove a run in whatever state; harmless when it is not there.

        Raises ``NotRemovableError`` if it must stay, ``LostAnswerError`` if it may have been removed or not, or another
        ``SideError``.
        """
        request = self._request("DELETE", dag_id, run_id)
        try:
            with suppress(AbsentError):
                (await self._send(request)).body.close()
        except ConflictError as error:
            raise self._not_removable(request.what, error.detail, dag_id) from error

    async def _send(self, request: Request) -> Answer:
        """Send a request; a side that knows us and answers nothing here has this API closed, or for other logins."""
        try:
            return await self._send_known(request)
        except (AuthError, NotStarshipError, UnexpectedAnswerError) as error:
            await self._still_known()
            kind = NotStarshipError if isinstance(error, AuthError) else type(error)
            detail = f"Airflow's stable REST API ({self._api}) does not answer as it should: {error.detail}"
            raise kind(
                self._side, request.what, detail, status=error.status, hint=_CLOSED, dag_id=request.dag_id
            ) from error

    async def _send_known(self, request: Request) -> Answer:
        try:
            return await self._sender.send(request)
        except ForbiddenError:
            await self._still_known()
        try:
            return await self._sender.send(request)
        except ForbiddenError as error:
            raise self._not_removable(request.what, _RIGHTS, request.dag_id or "") from error

    def _request(self, method: _Method, dag_id: str, run_id: str) -> Request:
        what = f"{'look for' if method == 'GET' else 'remove'} run"
        for value in (dag_id, run_id):
            if not is_addressable(value):
                raise self._not_removable(what, f"{value!r} cannot be part of an address", dag_id)
        path = f"{self._api}/dags/{quote(dag_id, safe='')}/dagRuns/{quote(run_id, safe='')}"
        return Request(
            method, path, what, params=self._shown if method == "GET" else {}, writes=method == "DELETE", dag_id=dag_id
        )

    def _not_removable(self, what: str, detail: str, dag_id: str) -> NotRemovableError:
        return NotRemovableError(self._side, what, detail, dag_id=dag_id)


_RIGHTS: Final = 'not allowed: the account needs "can read" and "can delete" on DAG Runs and on the DAG (Op or Admin)'


_CLOSED: Final = (
    "runs are removed through this API: let it through at the proxy in front of this side, and let Airflow's"
    " [api] auth_backends take the login that is configured here; nothing else needs it"
)


def is_addressable(value: str) -> bool:
    """Tell whether an id can be a segment of a path that means the same to everything on its way."""
    bare = unquote(unquote(value))  # some proxies decode once more than they should
    segments = bare.replace("\\", "/").split("/")
    names = {segment.partition(";")[0].strip() for segment in segments}  # to some a semicolon ends a segment's name
    return not set("/\\") & set(value) and bare.isprintable() and not names & _NO_PLACE


def _parsed(answer: Answer) -> object:
    try:
        return json.loads(answer.body.read())
    except ValueError:
        return None
    finally:
        answer.body.close()
