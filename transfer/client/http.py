"""The innermost sender: one request, one answer, one verdict."""

from http import HTTPStatus
from time import monotonic
from typing import Final

from transfer.client.auth import Credentials
from transfer.client.base import Answer, Request
from transfer.client.page import PARSED_BYTES, parsed_list
from transfer.client.status import judge
from transfer.client.wire import Reply, Wire
from transfer.errors import LostAnswerError, SideError, TransientError

JSON_ENDS: Final = (b"}", b"]")
"""The last byte of a document that Starship sends; a body without it was cut on its way."""


REMOVAL_ENDS: Final = (*JSON_ENDS, b"null")
"""The same of an answer to a removal, of which there is nothing to say (Airflow 3)."""


class HttpSender:
    """Sends a request once, with the side's credentials, and raises unless the answer counts.

    An answer counts when it is 2xx, says that it is JSON and ends like JSON, or when it is the 204 of a removal.
    Everything else becomes the error that the table in ``status`` names.
    """

    def __init__(self, wire: Wire, credentials: Credentials) -> None:
        self._wire = wire
        self._credentials = credentials

    async def send(self, request: Request) -> Answer:
        """Implement ``Sender``."""
        started = monotonic()
        reply = await self._wire.exchange(request, self._credentials.headers())
        error = judge(self._wire.side, request, reply) or self._cut(request, reply)
        if error is not None:
            reply.body.close()
            raise error
        return Answer(reply.status, reply.headers, reply.body, monotonic() - started, reply.sent)

    def _cut(self, request: Request, reply: Reply) -> SideError | None:
        if _complete(request, reply):
            return None
        kind = LostAnswerError if request.writes else TransientError
        detail = f"the answer of {reply.body.size} bytes stops in the middle"
        return kind(self._wire.side, request.what, detail, status=reply.status, dag_id=request.dag_id)


def _complete(request: Request, reply: Reply) -> bool:
    """Tell whether the whole answer arrived.

    aiohttp sees to it where the length is known. Where only the end of the connection ends the body, the document has
    to be parsed to know.
    """
    if reply.status == HTTPStatus.NO_CONTENT or request.taker is not None:  # whoever takes it hears that it was cut
        return True
    if not reply.body.ends_with(REMOVAL_ENDS if request.method == "DELETE" else JSON_ENDS):
        return False
    known = "Content-Length" in reply.headers or "Transfer-Encoding" in reply.headers
    return known or (reply.body.size <= PARSED_BYTES and parsed_list(reply.body.read()) is not None)
