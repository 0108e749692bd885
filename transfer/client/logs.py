"""Task logs as Starship serves and takes them: one for each try, as plain text of any size.

Measured on Airflow 2.10.5 and 2.11.2 with Starship 2.10.1:

- A GET is chunked and has no length; one that takes longer than the webserver's time limit (120 s) is cut without the
  last chunk. A log that there is not is a 404 in JSON.
- A POST overwrites, and writes into the log while it receives: of one that breaks off, a part stays, in place of what
  was there. With the content type of a form, or of JSON, an empty log is stored.
- The POST reads pieces of ``block_size`` bytes. On 2.11 the last of these must fit into what is left up to its limit,
  else it stores the log and answers 500; ``block_size`` 0 stores an empty log.
- Over 1 MiB, 2.10 takes a body in chunks and refuses one with a length; 2.11 refuses one, and cuts the other.
- Ids become parts of a path as they are: ``..`` climbs in it, and ``a//b`` is ``a/b``.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Final, Literal, TypeAlias

from transfer.client.base import Answer, Request, Sender, Taker
from transfer.client.status import LOG_PATH
from transfer.errors import AbsentError, LostAnswerError, UnexpectedAnswerError
from transfer.model import SideName

READ_BLOCK: Final = 1_048_576
"""Bytes that the source reads from its log at once; it holds one block in memory."""

READS: Final = 3
"""Attempts to read a log: one that is cut by a time limit would be cut each time."""

_HEADERS: Final = {"Accept": "text/plain, application/json"}
_BYTES: Final = "application/octet-stream"
_CLIMBING: Final = frozenset({"", ".", ".."})
_Method: TypeAlias = Literal["GET", "POST", "DELETE"]


@dataclass(frozen=True, slots=True)
class LogName:
    """Which log: that of one try of one task instance."""

    dag_id: str
    run_id: str
    task_id: str
    map_index: int
    try_number: int

    @property
    def key(self) -> str:
        """Return its identity below the run, for people and for the checkpoint."""
        mapped = f" [{self.map_index}]" if self.map_index >= 0 else ""
        return f"{self.task_id} try {self.try_number}{mapped}"

    @property
    def unsafe(self) -> str:
        """Return why its path would lead elsewhere, empty if it does not."""
        for name, value in (("DAG", self.dag_id), ("run", self.run_id), ("task", self.task_id)):
            if "\0" in value or ("/" in value and not _CLIMBING.isdisjoint(value.split("/"))):
                return f"the id of its {name} would lead out of the log's folder, or into another's"
        return ""

    @property
    def params(self) -> dict[str, str]:
        """Return it as parameters of a request."""
        return {
            "dag_id": self.dag_id,
            "run_id": self.run_id,
            "task_id": self.task_id,
            "map_index": str(self.map_index),
            "try_number": str(self.try_number),
        }


class TaskLogs:
    """Reads, writes and removes single logs over a side's own sender; all methods raise ``SideError``."""

    def __init__(self, side: SideName, sender: Sender) -> None:
        self._side: SideName = side
        self._sender = sender

    async def read(self, name: LogName, taker: Taker) -> int:
        """Let ``taker`` have the log piece by piece; return how many bytes it was given.

        Tried again when it is cut, ``taker`` then begins anew. Raises ``AbsentError`` if there is no such log.
        """
        request = self._request("GET", name, "read", READ_BLOCK)
        answer = await self._sender.send(replace(request, taker=taker, attempts=READS))
        answer.body.close()
        if not is_log(answer):
            detail = "the answer is not the text of a log"
            raise UnexpectedAnswerError(self._side, request.what, detail, status=answer.status, dag_id=name.dag_id)
        return answer.body.size

    async def write(self, name: LogName, body: bytes, block_size: int) -> None:
        """Store ``body`` as the log, in place of what is there.

        Raises ``LostAnswerError`` if it may be stored whole, in part or not at all, ``RefusedError`` if not at all.
        """
        request = self._request("POST", name, f"write of {len(body)} bytes to", block_size)
        await self._store(replace(request, body=body, writes=True))

    async def stream(self, name: LogName, pieces: Callable[[], AsyncIterator[bytes]], block_size: int) -> None:
        """Store what ``pieces`` yields as the log, without knowing how much it is; raises as ``write`` does.

        When ``pieces`` raises, the request is broken off, and a part of the log is stored.
        """
        request = self._request("POST", name, "write to", block_size)
        await self._store(replace(request, pieces=pieces, writes=True, attempts=1))

    async def remove(self, name: LogName) -> None:
        """Remove a log; harmless when there is none."""
        with suppress(AbsentError):
            (await self._sender.send(self._request("DELETE", name, "removal of"))).body.close()

    async def exists(self, name: LogName) -> bool:
        """Tell whether there is such a log; no more of it than its beginning is received."""

        async def no_more(pieces: AsyncIterator[bytes]) -> None:
            """Take nothing."""

        try:
            await self.read(name, no_more)
        except AbsentError:
            return False
        return True

    async def _store(self, request: Request) -> None:
        answer = await self._sender.send(request)
        answer.body.close()
        if answer.status != HTTPStatus.NO_CONTENT:
            detail = "the answer does not say that it was stored"
            raise LostAnswerError(self._side, request.what, detail, status=answer.status, dag_id=request.dag_id)

    def _request(self, method: _Method, name: LogName, does: str, block_size: int | None = None) -> Request:
        block = {} if block_size is None else {"block_size": str(block_size)}
        what = f"{does} log {name.run_id} {name.key}"
        return Request(
            method,
            LOG_PATH,
            what,
            params=name.params | block,
            content_type=_BYTES,
            headers=_HEADERS,
            dag_id=name.dag_id,
        )


def is_log(answer: Answer) -> bool:
    """Tell whether an answer is a log, which was given to its taker then; JSON is a success, but of something else."""
    return answer.headers.get("Content-Type", "").partition(";")[0].strip().lower() == "text/plain"
