"""The ways to prove who we are: one small class per kind.

Credentials are headers (or cookies, which the session of the side keeps). They go only to the configured URL, since no
redirect is ever followed. A kind that has to log in does so once, however many requests ask for it at the same time.
"""

import base64
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from threading import Event
from typing import Final, Protocol

import anyio
import anyio.to_thread

from transfer.config.program import Program
from transfer.config.secret import Secret
from transfer.config.settings import ApiKeyAuth, BasicAuth, BearerAuth
from transfer.errors import AuthError
from transfer.secrets_registry import hide


class Credentials(Protocol):
    """What the senders need to know about a kind of auth."""

    @property
    def generation(self) -> int:
        """Return how often there have been new credentials; 0 before the first."""
        ...

    def headers(self) -> Mapping[str, str]:
        """Return the headers to send, empty when there are none (yet)."""
        ...

    async def ensure(self) -> None:
        """Have credentials that are good for another request; raises ``SideError`` when the login fails."""
        ...

    async def renew(self, seen: int) -> bool:
        """Get new credentials unless there have been newer ones than generation ``seen``.

        Return False when there is no hope that others would be accepted.
        """
        ...


class NoCredentials:
    """No credentials at all."""

    generation: Final = 0

    def headers(self) -> Mapping[str, str]:
        """Implement ``Credentials``."""
        return {}

    async def ensure(self) -> None:
        """Implement ``Credentials``."""

    async def renew(self, seen: int) -> bool:  # noqa: ARG002 - part of the protocol
        """Implement ``Credentials``."""
        return False


class Renewable(ABC):
    """Credentials that are fetched once and again when they are no longer accepted; implements ``Credentials``."""

    def __init__(self) -> None:
        self.generation = 0
        self._lock = anyio.Lock()
        self._refusal: AuthError | None = None

    @abstractmethod
    def headers(self) -> Mapping[str, str]:
        """Implement ``Credentials``."""

    @abstractmethod
    async def _fetch(self) -> bool:
        """Get credentials; return whether they differ from those that there were. Called by one task at a time."""

    def _expired(self) -> bool:
        return False

    async def ensure(self) -> None:
        """Implement ``Credentials``."""
        if self.generation == 0 or self._expired():
            async with self._lock:
                if self.generation == 0 or self._expired():
                    await self._fetch_once()

    async def renew(self, seen: int) -> bool:
        """Implement ``Credentials``."""
        async with self._lock:
            return self.generation != seen or await self._fetch_once()

    async def _fetch_once(self) -> bool:
        """Fetch, unless that was refused before: repeating a wrong password locks accounts."""
        if self._refusal is not None:
            raise self._refusal
        try:
            changed = await self._fetch()
        except AuthError as error:
            self._refusal = error
            raise
        self.generation += 1
        return changed


async def resolved(secret: Secret) -> str:
    """Read ``secret`` without blocking others; a program that is asked for it is killed when this is cancelled.

    Raises ``ConfigError``.
    """
    given_up = Event()
    started: list[Program] = []

    def note(program: Program) -> None:
        started.append(program)
        if given_up.is_set():
            program.kill()

    try:
        return await anyio.to_thread.run_sync(secret.resolve, note, abandon_on_cancel=True)
    except anyio.get_cancelled_exc_class():
        given_up.set()
        for program in started:
            program.kill()
        raise


class SecretHeader(Renewable):
    """An Authorization header made of a secret, which is read again when the server no longer takes it."""

    def __init__(self, secret: Secret, value: Callable[[str], str]) -> None:
        super().__init__()
        self._secret = secret
        self._value = value
        self._header = ""

    def headers(self) -> Mapping[str, str]:
        """Implement ``Credentials``."""
        return {"Authorization": self._header} if self._header else {}

    async def _fetch(self) -> bool:
        secret = await resolved(self._secret)
        before, self._header = self._header, self._value(secret)
        return self._header != before


def bearer(auth: BearerAuth) -> Credentials:
    """Return credentials that send a token as Astro wants it."""
    return SecretHeader(auth.token, "Bearer {}".format)


def api_key(auth: ApiKeyAuth) -> Credentials:
    """Return credentials that send a raw key as Astronomer Software wants it."""
    return SecretHeader(auth.key, str)


def basic(auth: BasicAuth) -> Credentials:
    """Return credentials for HTTP basic authentication, in UTF-8."""

    def value(password: str) -> str:
        encoded = base64.b64encode(f"{auth.username}:{password}".encode()).decode()
        hide(encoded)
        return f"Basic {encoded}"

    return SecretHeader(auth.password, value)
