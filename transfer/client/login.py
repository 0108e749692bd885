"""Logging in before the first request, and again when the server no longer knows us."""

from transfer.client.auth import Credentials
from transfer.client.base import Answer, Request, Sender
from transfer.errors import AuthError

MOST_RENEWALS = 2
"""New logins for one request: a session may end again, or be lost to another answer's cookie, right after the first."""


class LoginSender:
    """Has credentials before it sends, and sends again with new ones after an ``AuthError``.

    That is safe for writes too: ``AuthError`` is a redirect, a 401 or a 403, which say that nothing was carried out (a
    web page as the answer of a write is a ``LostAnswerError``).
    """

    def __init__(self, inner: Sender, credentials: Credentials) -> None:
        self._inner = inner
        self._credentials = credentials

    async def send(self, request: Request) -> Answer:
        """Implement ``Sender``."""
        await self._credentials.ensure()
        for _ in range(MOST_RENEWALS):
            generation = self._credentials.generation
            try:
                return await self._inner.send(request)
            except AuthError:
                if not await self._credentials.renew(generation):
                    raise
        return await self._inner.send(request)
