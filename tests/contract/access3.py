"""Who may come in to an Airflow 3 with the simple auth manager, and what everybody else is told."""

import json
from typing import Any

import pytest

from transfer.emulator.columns import MODERN

from .releases import releases
from .server import Caller, Contract, Said, Server, calling

_PLACE = "/api/starship/info"
_JSON = {"Content-Type": "application/json"}


async def _log_in(server: Server, **form: str) -> Said:
    async with calling(server, None) as caller:
        return await caller.ask("POST", "/auth/token", body=json.dumps(form).encode(), headers=_JSON)


@releases(since=MODERN)
class ModernAccessContract(Contract):
    """Tests of the login and of the routes there are."""

    async def test_a_good_login(self, server: Server) -> None:
        """User and password give a token that works."""
        said = await _log_in(server, username="admin", password=server.password("admin"))
        assert said.status == 201
        async with calling(server, f"Bearer {said.json()['access_token']}") as caller:
            assert (await caller.get("info")).status == 200

    async def test_a_wrong_password(self, server: Server) -> None:
        """A wrong password is a 401."""
        said = await _log_in(server, username="admin", password="wrong")
        assert (said.status, said.json()) == (401, {"detail": "Invalid credentials"})

    async def test_a_login_without_password(self, server: Server) -> None:
        """Without a field the login is refused otherwise."""
        assert (await _log_in(server, username="admin")).status == 422

    async def test_a_login_without_a_body(self, server: Server) -> None:
        """Without a body it is a crash."""
        async with calling(server, None) as caller:
            assert (await caller.ask("POST", "/auth/token", body=b"", headers=_JSON)).status == 500

    @pytest.mark.parametrize("place", [_PLACE, "/api/v2/dags/d/dagRuns/x"])
    @pytest.mark.parametrize(
        ("header", "status", "detail"),
        [
            ({}, 401, "Not authenticated"),
            ({"Authorization": "Basic YWRtaW46YWRtaW4="}, 401, "Not authenticated"),
            ({"Cookie": "session=garbage"}, 401, "Not authenticated"),
            ({"Authorization": "Bearer garbage"}, 403, "Invalid JWT token"),
        ],
    )
    async def test_strangers(
        self, server: Server, place: str, header: dict[str, str], status: int, detail: str
    ) -> None:
        """Without a token the answer is 401, with one that is none 403, in JSON and without a redirect."""
        async with calling(server, None) as caller:
            said = await caller.ask("GET", place, headers=header)
        assert (said.status, said.json()) == (status, {"detail": detail})

    async def test_viewers_may_write(self, server: Server) -> None:
        """Whoever can log in may use Starship."""
        async with calling(server, server.cookie("viewer")) as caller:
            assert (await caller.post("task_instances", {"task_instances": []})).status == 200

    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [
            ("GET", "/api/starship/nonsense", 404),
            ("PUT", "/api/starship/dag_runs", 405),
            ("DELETE", "/api/starship/task_instances", 405),
            ("HEAD", "/api/starship/info", 405),
            ("GET", "/api/starship/info/", 307),
            ("GET", "/api/v1/dags/d/dagRuns/x", 404),
            ("GET", "/api/v2/nonsense", 404),
        ],
    )
    async def test_what_there_is_not(self, admin: Caller, method: str, path: str, status: int) -> None:
        """Unknown paths and methods are told in JSON; a slash too many leads to the path without it."""
        said = await admin.ask(method, path)
        assert said.status == status
        if status != 307:
            assert said.kind == "application/json"
        else:
            assert said.headers["Location"].endswith("/api/starship/info")

    @pytest.mark.parametrize("route", ["task_log", "xcom"])
    @pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
    async def test_logs_and_xcoms_are_not_there(self, admin: Caller, method: str, route: str) -> None:
        """Logs and XComs were never written for Airflow 3: a crash in plain text."""
        query: dict[str, Any] = {"dag_id": "d", "run_id": "r", "task_id": "t", "map_index": "-1", "try_number": "1"}
        said = await admin.ask(method, f"/api/starship/{route}", **query)
        assert (said.status, said.kind) == (500, "text/plain")
