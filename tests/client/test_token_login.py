"""The token of Airflow 3: fetched once, renewed in time, never shown."""

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from aiohttp import web

from transfer.client.token_login import LIFE_SECONDS, TokenLogin, life_of
from transfer.client.wire import open_wire
from transfer.config.settings import Airflow3Auth, Limits
from transfer.errors import AuthError, NotStarshipError, SideError, UnexpectedAnswerError
from transfer.secrets_registry import mask

from .serving import CANARY, INFO, StoppedTime, answers, endpoint, page, serving, side

AUTH = {"kind": "airflow3", "username": "ann", "password": {"env": "PASSWORD"}}


def jwt(**claims: Any) -> str:
    """Return a token with these claims."""
    return f"eyJ.{base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}.{CANARY}"


@pytest.fixture(autouse=True)
def password(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the right password into the environment."""
    monkeypatch.setenv("PASSWORD", CANARY)


class Server:
    """Airflow 3 as far as its login goes; ``valid`` tokens are accepted."""

    def __init__(self) -> None:
        self.logins: list[Any] = []
        self.valid: set[str] = set()

    async def __call__(self, request: web.Request) -> web.Response:
        """Give tokens, and show the rest to those who have one."""
        await anyio.lowlevel.checkpoint()
        if request.path == "/auth/token":
            self.logins.append(await request.json())
            token = jwt(iat=0, exp=3600, number=len(self.logins))
            self.valid.add(token)
            return web.json_response({"access_token": token}, status=201)
        if request.headers.get("Authorization", "").removeprefix("Bearer ") in self.valid:
            return web.json_response(INFO)
        return web.json_response({"detail": "Invalid JWT token"}, status=403)


async def test_one_login_serves_all() -> None:
    """User and password are exchanged once, as JSON, for the token of all requests."""
    server = Server()
    async with side(server, auth=AUTH) as target, anyio.create_task_group() as group:
        for _ in range(5):
            group.start_soon(target.starship.info)
    assert server.logins == [{"username": "ann", "password": CANARY}]


async def test_a_token_that_is_refused_is_renewed() -> None:
    """A token that the server no longer takes is replaced, once for all."""
    server = Server()
    async with side(server, auth=AUTH) as target:
        await target.starship.info()
        server.valid.clear()
        async with anyio.create_task_group() as group:
            for _ in range(4):
                group.start_soon(target.starship.info)
    assert len(server.logins) == 2


@asynccontextmanager
async def token_login(handler: Any) -> AsyncIterator[tuple[TokenLogin, StoppedTime]]:
    """Open a login over a server, with a clock that stands still."""
    time = StoppedTime()
    async with serving(handler) as (url, _), open_wire("target", endpoint(url), Limits()) as wire:
        yield TokenLogin(wire, Airflow3Auth.model_validate(AUTH), time.clock), time


async def test_a_token_is_renewed_a_minute_before_its_end() -> None:
    """A token of an hour is used for 59 minutes, by our own clock."""
    server = Server()
    async with token_login(server) as (login, time):
        for later, logins in ((0, 1), (3539, 1), (1, 2), (3539, 2), (1, 3)):
            time.now += later
            await login.ensure()
            assert len(server.logins) == logins


@pytest.mark.parametrize(
    ("token", "life"),
    [
        (jwt(iat=1000, exp=4600), 3600.0),
        (jwt(exp=4600), LIFE_SECONDS),
        (jwt(iat=5, exp=4), LIFE_SECONDS),
        (jwt(iat="x", exp=None), LIFE_SECONDS),
        ("opaque", LIFE_SECONDS),
        ("a.b.c", LIFE_SECONDS),
        ("a.!!!!.c", LIFE_SECONDS),
    ],
)
def test_the_life_of_a_token(token: str, life: float) -> None:
    """The life is the difference of issue and end; a token that does not say lives a day."""
    assert life_of(token) == life


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (web.json_response({"detail": f"Invalid credentials {CANARY}"}, status=401), AuthError),
        (page(404), NotStarshipError),
        (page(200), AuthError),
        (page(302, Location="/login/"), AuthError),
        (web.json_response({}), UnexpectedAnswerError),
        (web.json_response({"access_token": "a\nb"}), UnexpectedAnswerError),
        (web.json_response([]), UnexpectedAnswerError),
    ],
)
async def test_logins_that_fail(reply: web.Response, error: type[SideError]) -> None:
    """What is no token is an error that shows neither password nor token."""

    async def refuse(_request: web.Request) -> web.Response:
        return web.Response(status=reply.status, body=reply.body, headers=reply.headers)

    async with token_login(refuse) as (login, _):
        with pytest.raises(error) as caught:
            await login.ensure()
    assert CANARY not in str(caught.value) + repr(caught.value)
    assert caught.value.hint


async def test_a_server_without_this_login_is_taken_for_airflow_2() -> None:
    """Where nothing answers at the address of the login, the hint names the kind that Airflow 2 takes."""
    async with token_login(answers(page(404))) as (login, _):
        with pytest.raises(NotStarshipError) as caught:
            await login.ensure()
    assert "for Airflow 2 use auth kind session" in caught.value.hint


async def test_neither_password_nor_token_is_in_a_repr() -> None:
    """The login shows neither what it was given nor what it got."""
    async with token_login(Server()) as (login, _):
        await login.ensure()
        assert CANARY in login.headers()["Authorization"]
        assert CANARY not in repr(login) + repr(vars(login)["_auth"])
        assert mask(login.headers()["Authorization"]) == "Bearer ***"
