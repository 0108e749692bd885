"""Which kinds of auth a real Airflow 3.1 takes and how tokens are kept good; as a side of a job it is refused."""

import base64
import hashlib
import hmac
import json
import time
from pathlib import Path

import anyio
import pytest

from transfer.errors import AuthError
from transfer.model import ServerInfo

from .airflow3 import Airflow3, ApiServer
from .client import PASSWORD, ask_at_once, client
from .job import Job
from .rig import Rig

VERSIONS = ServerInfo("3.1.8", "2.10.1")
LOGIN = "POST /auth/token"
INFO = "GET /api/starship/info"


@pytest.fixture
def password(api_server: ApiServer, monkeypatch: pytest.MonkeyPatch) -> str:
    """The administrator's password, also in the environment."""
    monkeypatch.setenv(PASSWORD, api_server.admin.password)
    return api_server.admin.password


def signed(token: str, secret: str, **claims: object) -> str:
    """Return a token of Airflow with other claims, signed with `secret` (HS512)."""
    head, body, _ = token.split(".")
    changed = json.dumps(json.loads(base64.urlsafe_b64decode(body + "==")) | claims).encode()
    text = f"{head}.{_base64(changed)}"
    return f"{text}.{_base64(hmac.digest(secret.encode(), text.encode(), hashlib.sha512))}"


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


@pytest.mark.usefixtures("password")
async def test_one_login_serves_all_requests(api_server: ApiServer) -> None:
    """User and password are exchanged once for the token of all requests."""
    before = api_server.logged(LOGIN, 201)
    async with client(api_server.url, "airflow3", api_server.admin) as side:
        await ask_at_once(side)
        assert await side.info() == VERSIONS
    assert api_server.logged(LOGIN, 201) == before + 1


async def test_a_bearer_token_is_taken_as_it_is(api_server: ApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token from elsewhere opens the server without a login; so does one that was signed here, as control."""
    token = api_server.token()
    before = api_server.logged(LOGIN, 201)
    for given in (token, signed(token, api_server.jwt_secret, exp=int(time.time()) + 60)):
        monkeypatch.setenv(PASSWORD, given)
        async with client(api_server.url, "bearer") as side:
            assert await side.info() == VERSIONS
    assert api_server.logged(LOGIN, 201) == before


async def test_a_wrong_password_is_tried_once(api_server: ApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says what to check, and no later request tries the same password again."""
    monkeypatch.setenv(PASSWORD, "not-the-password")
    before = api_server.logged(LOGIN, 401)
    async with client(api_server.url, "airflow3", api_server.admin) as side:
        for _ in range(2):
            with pytest.raises(AuthError, match="login: HTTP 401: Invalid credentials") as caught:
                await side.info()
    assert "check username and password" in caught.value.hint
    assert api_server.logged(LOGIN, 401) == before + 1


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("garbage", "HTTP 403: Invalid JWT token"),
        ("signed by another", "HTTP 403: Invalid JWT token"),
        ("expired", "HTTP 401: Token Expired"),
    ],
)
async def test_bearer_tokens_that_are_worth_nothing(
    api_server: ApiServer, monkeypatch: pytest.MonkeyPatch, kind: str, said: str
) -> None:
    """Whatever is wrong with a token, the error is about logging in, not about rights, and does not show it."""
    tokens = {
        "garbage": "not-a-token",
        "signed by another": signed(api_server.token(), "another secret"),
        "expired": signed(api_server.token(), api_server.jwt_secret, exp=int(time.time()) - 60),
    }
    monkeypatch.setenv(PASSWORD, tokens[kind])
    async with client(api_server.url, "bearer") as side:
        with pytest.raises(AuthError, match=said) as caught:
            await side.info()
    assert "may have expired" in caught.value.hint
    assert tokens[kind] not in repr(caught.value)


@pytest.mark.usefixtures("password")
@pytest.mark.parametrize("kind", ["none", "basic", "api_key"])
async def test_other_headers_are_not_taken(api_server: ApiServer, kind: str) -> None:
    """Without a bearer token the server knows nobody, and the hint names the kinds that work."""
    async with client(api_server.url, kind, api_server.admin if kind == "basic" else None) as side:
        with pytest.raises(AuthError, match="HTTP 401: Not authenticated") as caught:
            await side.info()
    assert "auth kind airflow3, a token with auth kind bearer" in caught.value.hint


@pytest.mark.usefixtures("password")
async def test_there_is_no_login_form(api_server: ApiServer) -> None:
    """Who takes an Airflow 3 for an Airflow 2 is told which kind to use."""
    async with client(api_server.url, "session", api_server.admin) as side:
        with pytest.raises(AuthError, match="no form for user and password") as caught:
            await side.info()
    assert "for Airflow 3 kind airflow3" in caught.value.hint


@pytest.mark.usefixtures("password")
async def test_a_token_is_renewed_before_its_end(airflow3: Airflow3) -> None:
    """With tokens that live six seconds, a client that goes on asking has a new one after three, and is never refused.

    Airflow cuts fractions of a second off, so that such a token may be over after five.
    """
    with airflow3.serve(jwt_expiration_time=6, jwt_leeway=0) as server, anyio.fail_after(60):
        async with client(server.url, "airflow3", server.admin) as side:
            while server.logged(LOGIN, 201) < 2:
                assert await side.info() == VERSIONS
        assert server.logged(INFO, 401) == 0


@pytest.mark.usefixtures("password")
async def test_tokens_that_a_restart_made_worthless_are_replaced(
    api_server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a restart with another key one new login serves all requests, and a given token is read again."""
    monkeypatch.setenv("TOKEN", api_server.token())
    by_password = client(api_server.url, "airflow3", api_server.admin)
    by_token = client(api_server.url, "bearer", secret="TOKEN")
    async with by_password as known, by_token as bearer:
        await known.info()
        await bearer.info()
        api_server.restart()
        await ask_at_once(known)
        assert (api_server.logged(LOGIN, 201), api_server.logged(INFO, 200)) == (1, 8)
        monkeypatch.setenv("TOKEN", api_server.token())
        await ask_at_once(bearer)
        assert api_server.logged(INFO, 200) == 16


@pytest.mark.parametrize("command", ["check", "run"])
def test_there_is_no_way_back_from_airflow_3(
    rig: Rig, api_server: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """A job from Airflow 3 to 2 logs in, sees the versions and ends with the reason; nothing is sent."""
    monkeypatch.setenv("TRANSFER_SOURCE__URL", api_server.url)
    monkeypatch.setenv("TRANSFER_SOURCE__AUTH__KIND", "airflow3")
    job = Job(rig.source, rig.target, tmp_path)
    job.source_user = api_server.admin

    result = job.run(command=command)

    assert result.code == 1
    assert "history of Airflow 3.1 cannot be moved back to Airflow 2.11" in result.out + result.err
    assert "a run without a logical date" in result.out + result.err
