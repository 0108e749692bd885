"""The ways of logging in, and what is said to those who cannot."""

import json
import re

from transfer.emulator import Behaviour, Header, LoginForm, TableHistory, TokenRoute, User

from .asking import Asker, asking

_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


async def test_bearer_token() -> None:
    """The right token opens, a wrong one is a 401, none a redirect."""
    async with asking(TableHistory(), Behaviour(door=Header.bearer("canary"))) as (_, asker):
        assert await asker.info(Authorization="Bearer canary") == 200
        assert await asker.info(Authorization="Bearer other") == 401
        assert await asker.info() == 302


async def test_api_key() -> None:
    """The raw key opens."""
    async with asking(TableHistory(), Behaviour(door=Header.api_key("canary"))) as (_, asker):
        assert await asker.info(Authorization="canary") == 200
        assert await asker.info(Authorization="Bearer canary") == 401


async def test_basic_authentication() -> None:
    """The right name and password open."""
    async with asking(TableHistory(), Behaviour(door=Header.basic("user", "canary"))) as (_, asker):
        assert await asker.info(Authorization="Basic dXNlcjpjYW5hcnk=") == 200
        assert await asker.info(Authorization="Basic dXNlcjp3cm9uZw==") == 401


async def _token(asker: Asker, **form: str) -> tuple[int, str]:
    status, _, body = await asker.ask("POST", "/auth/token", body=json.dumps(form).encode())
    return status, json.loads(body).get("access_token", "")


async def test_airflow_3_token() -> None:
    """POST /auth/token answers 201 with a token that opens until it expires."""
    door = TokenRoute((User("admin", "canary"), User("viewer", "canary", "Viewer")))
    async with asking(TableHistory(), Behaviour(door=door)) as (_, asker):
        status, token = await _token(asker, username="admin", password="canary")
        assert status == 201
        assert await asker.info(Authorization=f"Bearer {token}") == 200
        door.expire()
        assert await asker.info(Authorization=f"Bearer {token}") == 401


async def test_airflow_3_refusals() -> None:
    """No token and wrong credentials are 401, an unknown token and a viewer 403, a missing field 422."""
    door = TokenRoute((User("viewer", "canary", "Viewer"),))
    async with asking(TableHistory(), Behaviour(door=door)) as (_, asker):
        assert (await _token(asker, username="viewer", password="wrong"))[0] == 401
        assert (await _token(asker, username="viewer"))[0] == 422
        _, token = await _token(asker, username="viewer", password="canary")
        assert await asker.info(Authorization=f"Bearer {token}") == 403
        assert await asker.info(Authorization="Bearer garbage") == 403
        assert await asker.info() == 401


async def _log_in(asker: Asker, password: str) -> int:
    """Fill in the form and return the status of its answer."""
    async with asker.session.get(f"{asker.url}/login/") as page:
        token = re.search(r'name="csrf_token" type="hidden" value="([^"]+)"', await page.text())
        cookie = page.cookies["session"].value
    assert token
    body = f"csrf_token={token[1]}&username=admin&password={password}".encode()
    return (await asker.ask("POST", "/login/", body=body, headers=_FORM | {"Cookie": f"session={cookie}"}))[0]


async def test_five_logins_in_forty_seconds() -> None:
    """The sixth post of the form within 40 s is refused, good or bad; later ones are not."""
    seconds = [0.0]
    door = LoginForm((User("admin", "canary"),), clock=lambda: seconds[0])
    async with asking(TableHistory(), Behaviour(door=door)) as (_, asker):
        assert [await _log_in(asker, "bad") for _ in range(5)] == [302] * 5
        assert await _log_in(asker, "canary") == 429
        seconds[0] = 40.0
        assert await _log_in(asker, "canary") == 302
    assert door.logins == 1


async def test_the_cookie_is_sent_again() -> None:
    """Every answer to a logged-in request repeats the cookie."""
    door = LoginForm()
    cookie = f"session={door.let_in('admin')}"
    async with asking(TableHistory(), Behaviour(door=door)) as (_, asker):
        _, headers, _ = await asker.ask("GET", "/api/starship/info", headers={"Cookie": cookie})
        assert dict(headers)["Set-Cookie"].startswith(f"{cookie};")
