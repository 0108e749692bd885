"""The login form: once for all, again when the session ends, never with a wrong password twice."""

import html
from dataclasses import dataclass, field

import anyio
import pytest
from aiohttp import web

from transfer.config.settings import Retry
from transfer.errors import AuthError, NotStarshipError, SideError, UnavailableError, UnexpectedAnswerError

from .serving import BATCH, CANARY, ECHO, INFO, page, side

AUTH = {"kind": "session", "username": "ann", "password": {"env": "PASSWORD"}}
TOKEN = 'a"b&c.<token>'
FORM = (
    '<form><input id="csrf_token" name="csrf_token" type="hidden" value="{}">'
    '<input name="username"><input type="password" name="password"></form>'
)


@pytest.fixture(autouse=True)
def password(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the right password into the environment."""
    monkeypatch.setenv("PASSWORD", CANARY)


@dataclass
class Webserver:
    """Airflow 2 as far as its login goes: sessions that can be ended, a form that wants its token."""

    form: str = FORM.format(html.escape(TOKEN))
    refusal: web.Response | None = None
    sessions: set[str] = field(default_factory=set)
    logins: list[dict[str, str]] = field(default_factory=list)

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        """Serve the form, take it, and show the rest to those who are logged in."""
        await anyio.lowlevel.checkpoint()
        if request.path.startswith("/login"):
            return self.login_page(request) if request.method == "GET" else await self.login(request)
        if request.cookies.get("session") not in self.sessions:
            return page(302, Location=f"/login/?next={request.url}")
        return web.json_response(ECHO if request.method == "POST" else INFO)

    def login_page(self, request: web.Request) -> web.Response:
        """Show the form, but not to a browser that has a session."""
        known = request.cookies.get("session", "").startswith("s")
        return page(302, Location="/home") if known else page(200, self.form)

    async def login(self, request: web.Request) -> web.Response:
        """Take the form."""
        fields = {name: str(value) for name, value in (await request.post()).items()}
        self.logins.append(fields)
        if self.refusal is not None:
            refusal, self.refusal = self.refusal, None
            return web.Response(status=refusal.status, headers=refusal.headers)
        if fields.get("csrf_token") != TOKEN or not request.headers.get("Referer", "").endswith("/login/"):
            return page(400, "<p>The CSRF token is missing.</p>")
        if fields.get("password") != CANARY:
            return page(302, Location="/login/?next=/home")
        self.sessions.add(f"s{len(self.logins)}")
        return page(302, Location="/home", Set_Cookie=f"session=s{len(self.logins)}; Path=/; HttpOnly")


async def test_the_first_request_logs_in() -> None:
    """Before anything else the form is filled in, its token unescaped, and the cookie is sent from then on."""
    server = Webserver()
    async with side(server, auth=AUTH) as target:
        await target.starship.info()
        await target.starship.insert(BATCH)
        methods = [f"{request.method} {request.path}" for request in target.requests]
    assert methods[:3] == ["GET /login/", "POST /login/", "GET /api/starship/info"]
    assert server.logins == [{"username": "ann", "password": CANARY, "csrf_token": TOKEN}]
    assert len(methods) == 4


async def test_many_requests_log_in_once() -> None:
    """However many requests start at once, one login is made."""
    server = Webserver()
    async with side(server, auth=AUTH, limits={"concurrency": 8}) as target, anyio.create_task_group() as group:
        for _ in range(8):
            group.start_soon(target.starship.info)
    assert len(server.logins) == 1


async def test_a_session_that_ends_is_renewed_once() -> None:
    """When the session is over in mid-run, one new login serves all requests that noticed; writes are sent again."""
    server = Webserver()
    async with side(server, auth=AUTH, limits={"concurrency": 8}) as target:
        await target.starship.info()
        server.sessions.clear()
        async with anyio.create_task_group() as group:
            for _ in range(6):
                group.start_soon(target.starship.insert, BATCH)
    assert len(server.logins) == 2


async def test_an_answer_from_before_a_login_does_not_undo_it() -> None:
    """Airflow repeats the session's cookie in each answer; one that comes late does not bring the old session back."""
    asked, released, answered = anyio.Event(), anyio.Event(), anyio.Event()
    server = Webserver()

    async def handler(request: web.Request) -> web.StreamResponse:
        if not request.path.endswith("/dags"):
            return await server(request)
        asked.set()
        await released.wait()
        return web.json_response([], headers={"Set-Cookie": f"session={request.cookies['session']}; Path=/"})

    async def list_dags() -> None:
        assert await target.starship.dags() == []
        answered.set()

    async with side(handler, auth=AUTH) as target, anyio.create_task_group() as group:
        await target.starship.info()
        group.start_soon(list_dags)
        await asked.wait()
        server.sessions.clear()
        await target.starship.info()
        released.set()
        await answered.wait()
        await target.starship.info()
    assert len(server.logins) == 2


async def test_a_login_has_its_cookie_to_itself() -> None:
    """A login begins with a nameless session: a request that shared it would bring it back with its late answer."""
    logging_in, seen = anyio.Event(), anyio.Event()
    server = Webserver()
    cookies: list[str | None] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/dags"):
            cookies.append(request.cookies.get("session"))
            seen.set()
        elif request.method == "POST" and server.logins:
            logging_in.set()
            await seen.wait()
        answer = await server(request)
        if request.method == "GET" and request.path.startswith("/login"):
            answer.headers["Set-Cookie"] = "session=anonymous; Path=/"
        return answer

    async with side(handler, auth=AUTH) as target:
        await target.starship.info()
        server.sessions.clear()
        async with anyio.create_task_group() as group:
            group.start_soon(target.starship.info)
            await logging_in.wait()
            with pytest.raises(UnexpectedAnswerError):  # INFO is no list of DAGs
                await target.starship.dags()
    assert cookies == ["s1", "s2"]


class Forgetful(set[str]):
    """Sessions that are over as soon as they begin."""

    def add(self, _session: str) -> None:
        """Forget it."""


async def test_a_session_that_never_holds_is_an_error() -> None:
    """A server that forgets its sessions at once is asked three times, not for ever."""
    server = Webserver(sessions=Forgetful())
    async with side(server, auth=AUTH) as target:
        with pytest.raises(AuthError, match="redirects to /login/"):
            await target.starship.info()
    assert len(server.logins) == 3


async def test_a_wrong_password_is_tried_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A refused password is not sent again, and the error says what to check without showing it."""
    monkeypatch.setenv("PASSWORD", "wrong-" + CANARY)
    server = Webserver()
    async with side(server, auth=AUTH) as target:
        for _ in range(3):
            with pytest.raises(AuthError) as caught:
                await target.starship.info()
    assert len(server.logins) == 1
    assert 'check username ("ann") and password' in caught.value.hint
    assert CANARY not in repr(caught.value) + str(caught.value)


@pytest.mark.parametrize(("headers", "wait"), [({}, 40.0), ({"Retry_After": "7"}, 7.0)])
async def test_too_many_logins_are_waited_for(headers: dict[str, str], wait: float) -> None:
    """The rate limit of the login is waited for as told, or 40 seconds, which Airflow does not tell."""
    server = Webserver(refusal=page(429, **headers))
    async with side(server, auth=AUTH) as target:
        await target.starship.insert(BATCH)
        assert target.time.slept == [wait]
    assert len(server.logins) == 2


async def test_a_login_that_fails_in_passing_is_repeated() -> None:
    """A login answered by 502 is no lost write: login and write are simply tried again."""
    server = Webserver(refusal=page(502))
    async with side(server, auth=AUTH) as target:
        await target.starship.insert(BATCH)
    assert len(server.logins) == 2


@pytest.mark.parametrize(
    ("form", "error", "hint"),
    [
        ("<a href='/login/google'>Sign in with Google</a>", AuthError, "single sign-on"),
        ('<input type="password" name="password">', AuthError, "login form was refused"),
    ],
)
async def test_other_login_pages(form: str, error: type[SideError], hint: str) -> None:
    """A page without the form means single sign-on; a form without a token is tried as it is."""
    async with side(Webserver(form=form), auth=AUTH) as target:
        with pytest.raises(error) as caught:
            await target.starship.info()
    assert hint in caught.value.hint


async def test_no_login_page_is_not_airflow() -> None:
    """A server without a login page is not Airflow 2 with a login form."""

    async def nothing(_request: web.Request) -> web.Response:
        return page(404)

    async with side(nothing, Retry(attempts=1), auth=AUTH) as target:
        with pytest.raises(NotStarshipError, match="login page"):
            await target.starship.info()


async def test_a_login_page_that_is_down_is_unavailable() -> None:
    """A login that keeps failing uses up the attempts like any request."""

    async def down(_request: web.Request) -> web.Response:
        return page(503)

    async with side(down, Retry(attempts=2), auth=AUTH) as target:
        with pytest.raises(UnavailableError, match="gave up after 2 attempts"):
            await target.starship.insert(BATCH)


async def test_a_cookie_with_odd_characters_comes_back_as_it_was() -> None:
    """Cookies of load balancers are not quoted on their way back."""
    seen: list[str] = []

    async def balanced(request: web.Request) -> web.Response:
        seen.append(request.headers.get("Cookie", ""))
        return web.json_response(INFO, headers={"Set-Cookie": "LB=a/b+c==; Path=/"})

    async with side(balanced) as target:
        await target.starship.info()
        await target.starship.info()
    assert seen == ["", "LB=a/b+c=="]
