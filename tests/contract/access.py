"""Who may come in, and what everybody else is told."""

import re
from http.cookies import SimpleCookie
from urllib.parse import quote, unquote, urlencode

import pytest

from transfer.emulator.columns import MODERN, release_of

from .releases import releases
from .server import Caller, Contract, Said, Server, calling, version_of

_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_PLACE = "/api/starship/info"
_AGAIN = {
    (2, 4): "/login/",
    (2, 6): "/login/?next=%2Fhome",
    (2, 8): "/login/?next_url=%2Fhome",
    (2, 9): "/login/?next=%2Fhome",
    (2, 11): "/login/?next=/home",
}


def _goes(said: Said, place: str) -> None:
    """Assert that ``said`` is a redirect with its little web page."""
    assert (said.status, said.kind, said.headers["Location"]) == (302, "text/html", place)
    assert f'<a href="{place}">{place}</a>'.encode() in said.body


def _login(server: Server, place: str) -> str:
    """Return the login page's address with the way back to ``place``, as the server's release writes it."""
    release = release_of(version_of(server))
    if release >= (2, 11):
        return f"/login/?next={server.url}{place}"
    name = "next_url" if release == (2, 8) else "next"
    return f"/login/?{name}={quote(f'{server.url}{unquote(place)}', safe='')}"


def _cookie(said: Said) -> str:
    """Return the session cookie that was set, as a Cookie header."""
    return f"session={SimpleCookie(said.headers['Set-Cookie'])['session'].value}"


async def _form(server: Server) -> tuple[str, str]:
    """Fetch the login page and return its cookie and its csrf token."""
    async with calling(server, None) as caller:
        said = await caller.ask("GET", "/login/")
    token = re.search(rb'<input id="csrf_token" name="csrf_token" type="hidden" value="([^"]+)">', said.body)
    assert said.status == 200
    assert token
    return _cookie(said), token[1].decode()


async def _log_in(server: Server, cookie: str | None, **form: str) -> Said:
    """Post the login form."""
    async with calling(server, cookie) as caller:
        return await caller.ask("POST", "/login/", body=urlencode(form).encode(), headers=_FORM)


@releases(before=MODERN)
class AccessContract(Contract):
    """Tests of the login and of the routes there are."""

    @pytest.mark.parametrize("cookie", [None, "session=garbage"])
    async def test_strangers_are_sent_to_the_login_page(self, server: Server, cookie: str | None) -> None:
        """Without a good cookie every request is redirected to the login page, which will know where to go on."""
        async with calling(server, cookie) as caller:
            said = await caller.get("dag_runs", dag_id="a", limit="1")
            _goes(said, _login(server, "/api/starship/dag_runs?dag_id%3Da%26limit%3D1"))
            said = await caller.post("dag_runs", {"dag_runs": []})
            _goes(said, _login(server, "/api/starship/dag_runs"))

    async def test_basic_authentication_is_not_looked_at(self, server: Server) -> None:
        """Credentials in a header count for nothing."""
        async with calling(server, None) as caller:
            said = await caller.ask("GET", _PLACE, headers={"Authorization": "Basic YWRtaW46YWRtaW4="})
        _goes(said, _login(server, _PLACE))

    @releases(since=(2, 8))
    async def test_viewers_are_sent_home(self, server: Server) -> None:
        """A user without the right to read the configuration is sent home, not told off."""
        async with calling(server, server.cookie("viewer")) as caller:
            _goes(await caller.get("info"), "/home")
            _goes(await caller.post("dag_runs", {"dag_runs": []}), "/home")

    @releases(before=(2, 8))
    async def test_viewers_are_sent_to_the_login_page(self, server: Server) -> None:
        """Before 2.8 a user without the right to read the configuration is asked to log in as another."""
        async with calling(server, server.cookie("viewer")) as caller:
            _goes(await caller.get("info"), _login(server, _PLACE))

    async def test_a_session_ends(self, server: Server) -> None:
        """When sessions are over their cookies are as good as none."""
        async with calling(server, server.cookie("admin")) as caller:
            assert (await caller.get("info")).status == 200
            server.expire_sessions()
            _goes(await caller.get("info"), _login(server, _PLACE))

    async def test_a_good_login(self, server: Server) -> None:
        """The form with its token and the right password gives a cookie that works, and goes home."""
        cookie, token = await _form(server)
        said = await _log_in(server, cookie, csrf_token=token, username="admin", password=server.password("admin"))
        _goes(said, "/home")
        async with calling(server, _cookie(said)) as caller:
            assert (await caller.get("info")).status == 200

    async def test_a_wrong_password(self, server: Server) -> None:
        """A wrong password goes back to the form, which may know where to go on."""
        cookie, token = await _form(server)
        said = await _log_in(server, cookie, csrf_token=token, username="admin", password="wrong")
        _goes(said, _AGAIN[max(since for since in _AGAIN if since <= release_of(version_of(server)))])

    async def test_a_login_without_token(self, server: Server) -> None:
        """Without the csrf token the form is refused."""
        said = await _log_in(server, None, username="admin", password=server.password("admin"))
        assert (said.status, said.kind) == (400, "text/html")
        assert b"<p>The CSRF token is missing.</p>" in said.body

    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [
            ("GET", "/api/starship/nonsense", 404),
            ("GET", "/api/starship/info/", 404),
            ("PUT", "/api/starship/dag_runs", 405),
            ("HEAD", "/api/starship/info", 500),
        ],
    )
    async def test_what_there_is_not(self, admin: Caller, method: str, path: str, status: int) -> None:
        """Unknown paths and methods are web pages."""
        said = await admin.ask(method, path)
        assert (said.status, said.kind) == (status, "text/html")

    async def test_every_answer_closes_its_connection(self, admin: Caller) -> None:
        """Synchronous workers keep no connection open."""
        assert (await admin.get("info")).headers["Connection"] == "close"
