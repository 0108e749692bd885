"""``POST /auth/token`` of Airflow 3: user name and password for a token that lives a day by default."""

import base64
import json
import time
from collections.abc import Callable, Mapping
from typing import Final

import orjson

from transfer.client.auth import Renewable, resolved
from transfer.client.base import Request
from transfer.client.status import judge, problem
from transfer.client.wire import Reply, Wire
from transfer.config.settings import Airflow3Auth
from transfer.errors import AuthError, NotStarshipError, UnexpectedAnswerError
from transfer.secrets_registry import hide

LIFE_SECONDS: Final = 86_400.0
"""The life of a token that does not say."""

LONGEST_LIFE_SECONDS: Final = 10 * 365 * 86_400.0
"""What a token may say at most; it needs no renewal then."""

MARGIN_SECONDS: Final = 60.0
"""How long before its end a token is renewed."""

_REQUEST: Final = Request("POST", "/auth/token", "login", most_bytes=65_536)
_WRONG: Final = "check username and password; for Airflow 2 use auth kind session"
_ABSENT: Final = "only Airflow 3 has this login: for Airflow 2 use auth kind session, else check the URL"


class TokenLogin(Renewable):
    """A bearer token from the login of Airflow 3, renewed before it ends."""

    def __init__(self, wire: Wire, auth: Airflow3Auth, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._wire = wire
        self._auth = auth
        self._clock = clock
        self._token = ""
        self._renew_at = 0.0

    def headers(self) -> Mapping[str, str]:
        """Implement ``Credentials``."""
        return {"Authorization": f"Bearer {self._token}"} if self._token else {}

    def _expired(self) -> bool:
        return self._clock() >= self._renew_at

    async def _fetch(self) -> bool:
        password = await resolved(self._auth.password)
        body = orjson.dumps({"username": self._auth.username, "password": password})
        asked = self._clock()
        reply = await self._wire.exchange(_REQUEST, {}, body)
        try:
            self._token = self._token_of(reply)
        finally:
            reply.body.close()
        life = life_of(self._token)
        self._renew_at = asked + life - min(MARGIN_SECONDS, life / 2)
        return True

    def _token_of(self, reply: Reply) -> str:
        about = (self._wire.side, _REQUEST, reply)
        if reply.status in {401, 403}:
            raise problem(AuthError, about, hint=_WRONG)
        error = judge(*about)
        if error is not None:
            error.hint = _ABSENT if isinstance(error, NotStarshipError) else error.hint or _WRONG
            raise error
        token = _field(reply.body.read(), "access_token")
        if not isinstance(token, str) or not token.isascii() or not token.isprintable():
            raise problem(UnexpectedAnswerError, about, hint=_WRONG)
        hide(token)
        return token


def life_of(token: str) -> float:
    """Return the seconds from issue to end of a JWT: only their difference, since the server's clock may be wrong."""
    try:
        claims = base64.urlsafe_b64decode(token.split(".")[1] + "==")
    except (IndexError, ValueError):
        return LIFE_SECONDS
    issued, ends = _field(claims, "iat"), _field(claims, "exp")
    if not isinstance(issued, int | float) or not isinstance(ends, int | float) or not ends > issued:
        return LIFE_SECONDS
    try:
        return min(float(ends - issued), LONGEST_LIFE_SECONDS)
    except OverflowError:
        return LONGEST_LIFE_SECONDS


def _field(document: bytes, name: str) -> object:
    try:
        value = json.loads(document)
    except (ValueError, RecursionError):
        return None
    return value.get(name) if isinstance(value, dict) else None
