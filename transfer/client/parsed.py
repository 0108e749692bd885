"""Which DAGs an Airflow 3 has parsed, by its own stable REST API.

Starship lists every DAG with a row in table ``dag``. Runs of one that was never parsed, or whose file is gone, are
stored, and then break the pages that show them (3.1.8).
"""

import json
from http import HTTPStatus
from typing import Any, Final

from transfer.client.base import Request, Sender
from transfer.errors import AuthError, ForbiddenError, NotStarshipError, SideError, UnexpectedAnswerError
from transfer.model import SideName

_PAGE: Final = 100
"""DAGs per request; the server gives no more (3.1.8), and fewer if its [api] maximum_page_limit says so."""

_MOST_PAGES: Final = 10_000


class ParsedDags:
    """Asks one side which DAGs it has parsed."""

    def __init__(self, side: SideName, sender: Sender, api: str) -> None:
        self._side: SideName = side
        self._sender = sender
        self._path = f"{api}/dags"

    async def read(self) -> frozenset[str] | None:
        """Return their ids; None if this API is closed to us, or answers something else.

        Raises another ``SideError``, as any request does.
        """
        found: set[str] = set()
        seen = 0
        for _ in range(_MOST_PAGES):
            try:
                rows, total = await self._page(seen)
            except (AuthError, ForbiddenError, NotStarshipError, UnexpectedAnswerError):
                return None
            found.update(row["dag_id"] for row in rows if row.get("last_parsed_time") is not None)
            seen += len(rows)
            if not rows or seen >= total:
                break
        return frozenset(found)

    async def _page(self, offset: int) -> tuple[list[dict[str, Any]], int]:
        params = {"limit": str(_PAGE), "offset": str(offset), "order_by": "dag_id"}
        request = Request("GET", self._path, "parsed DAGs", params=params)
        answer = await self._sender.send(request)
        try:
            match json.loads(answer.body.read()):
                case {"dags": list(rows), "total_entries": int(total)} if all(map(_is_dag, rows)):
                    return rows, total
        except ValueError:
            pass
        finally:
            answer.body.close()
        raise self._unexpected(request)

    def _unexpected(self, request: Request) -> SideError:
        detail = "the answer of Airflow's stable REST API is not a list of DAGs"
        return UnexpectedAnswerError(self._side, request.what, detail, status=HTTPStatus.OK)


def _is_dag(row: object) -> bool:
    return isinstance(row, dict) and isinstance(row.get("dag_id"), str)
