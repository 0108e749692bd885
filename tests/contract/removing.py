"""The stable REST API, as far as it is used: asking for one run and removing it."""

import json
from typing import Any
from urllib.parse import quote

import pytest

from transfer.emulator.columns import MODERN, release_of
from transfer.kinds import DAG_RUNS, KINDS, TASK_INSTANCES

from .releases import releases
from .server import Caller, Contract, Said, Server, calling, one_of_each, version_of

_ODD = ["a b+c%2Fé:1", "q?x#y&z=1", "back\\slash", "new\nline", "%2e%2e", "a~'()*!@$,"]
_DOCS = "https://airflow.apache.org/docs/apache-airflow/{}/stable-rest-api-ref.html#section/Errors"
_FIELDS_SINCE = (2, 9)
_NOTES_SINCE = (2, 5)
_FORBIDS_STRANGERS = {(2, 9), (2, 11)}
_METHODS = pytest.mark.parametrize("method", ["GET", "DELETE"])


def path_of(run_id: str, dag_id: str = "d") -> str:
    """Return where a run lies."""
    return f"/api/v1/dags/{quote(dag_id, safe='')}/dagRuns/{quote(run_id, safe='')}"


def problem(server: Server, status: int, title: str | None, detail: str | None, kind: str) -> tuple[int, str, Any]:
    """Return what a refusal looks like."""
    about = f"{_DOCS.format(version_of(server))}/{kind}" if kind else "about:blank"
    return status, "application/problem+json", {"detail": detail, "status": status, "title": title, "type": about}


def for_strangers(server: Server) -> tuple[int, str, Any]:
    """Return what somebody hears who is not logged in."""
    if release_of(version_of(server)) in _FORBIDS_STRANGERS:
        return problem(server, 403, "Forbidden", None, "PermissionDenied")
    return problem(server, 401, "Unauthorized", None, "Unauthenticated")


def seen(said: Said) -> tuple[int, str, Any]:
    """Return status, content type and document."""
    return said.status, said.kind, json.loads(said.body)


@releases(before=MODERN)
class RemovingContract(Contract):
    """Tests of ``/api/v1/dags/{dag_id}/dagRuns/{run_id}``."""

    async def test_a_run_is_shown(self, admin: Caller) -> None:
        """GET shows a run under other names, indented and with a newline, also when its DAG has no row."""
        run, _, _ = await one_of_each(admin)
        said = await admin.ask("GET", path_of(run["run_id"]))
        shown = json.loads(said.body)
        assert (said.status, said.kind) == (200, "application/json")
        assert said.body == json.dumps(shown, indent=2, sort_keys=True).encode() + b"\n"
        same = {name: run[name] for name in ("conf", "dag_id", "external_trigger", "run_type", "state")}
        dates = {
            name: run[name].replace(" ", "T")
            for name in ("data_interval_end", "data_interval_start", "end_date", "execution_date", "start_date")
        }
        decision: dict[str, Any] = {"last_scheduling_decision": shown["last_scheduling_decision"]}
        if admin.release >= _NOTES_SINCE:
            decision["note"] = None
        more = {"dag_run_id": run["run_id"], "logical_date": dates["execution_date"]}
        assert shown == {**same, **dates, **decision, **more}

    @releases(before=_FIELDS_SINCE)
    async def test_fields_cannot_be_asked_for(self, admin: Caller) -> None:
        """Before 2.9 ``fields`` is a mistake."""
        said = await admin.ask("GET", path_of("x"), fields="dag_id")
        detail = "Extra query parameter(s) fields not in spec"
        assert seen(said) == problem(admin.server, 400, None, detail, "BadRequest")

    @releases(since=_FIELDS_SINCE)
    async def test_only_the_fields_that_are_asked_for(self, admin: Caller) -> None:
        """``fields`` leaves everything else out."""
        run, _, _ = await one_of_each(admin)
        said = await admin.ask("GET", path_of(run["run_id"]), fields="dag_id,dag_run_id,state")
        assert json.loads(said.body) == {"dag_id": "d", "dag_run_id": run["run_id"], "state": "success"}

    async def test_a_run_that_breaks_the_schema(self, admin: Caller) -> None:
        """A run without a state cannot be shown, but it can be removed."""
        run = admin.make.run("d", 1, state=None)
        await admin.store(DAG_RUNS, run)
        said = await admin.ask("GET", path_of(run["run_id"]))
        assert (said.status, said.kind) == (500, "application/problem+json")
        assert json.loads(said.body)["title"] == "Response body does not conform to specification"
        assert (await admin.ask("DELETE", path_of(run["run_id"]))).status == 204

    async def test_a_removed_run_takes_its_children_along(self, admin: Caller) -> None:
        """DELETE is 204 with an empty body, and nothing of the run is left; others stay."""
        run, _, _ = await one_of_each(admin)
        other = admin.make.run("d", 2)
        await admin.store(DAG_RUNS, other)
        await admin.store(TASK_INSTANCES, admin.make.task(other, "t"))
        said = await admin.ask("DELETE", path_of(run["run_id"]))
        assert (said.status, said.kind, said.body) == (204, "application/json", b"")
        assert [[row["run_id"] for row in await admin.rows(kind)] for kind in KINDS] == [
            [other["run_id"]],
            [other["run_id"]],
            [],
        ]

    @pytest.mark.parametrize("state", ["running", "queued"])
    async def test_a_run_that_is_not_over_is_removed_too(self, admin: Caller, state: str) -> None:
        """Nothing protects a run that is going on."""
        run = admin.make.run("d", 1, state=state)
        await admin.store(DAG_RUNS, run)
        assert (await admin.ask("DELETE", path_of(run["run_id"]))).status == 204
        assert await self.count(admin, DAG_RUNS) == 0

    @pytest.mark.parametrize(("method", "title"), [("GET", "DAGRun not found"), ("DELETE", "Not Found")])
    async def test_an_absent_run(self, admin: Caller, method: str, title: str) -> None:
        """A run that is not there is a 404 that names it, and so is one of a DAG that nobody knows."""
        await one_of_each(admin)
        for dag_id in ("d", "nope"):
            detail = f"DAGRun with DAG ID: '{dag_id}' and DagRun ID: 'é' not found"
            said = await admin.ask(method, path_of("é", dag_id))
            assert seen(said) == problem(admin.server, 404, title, detail, "NotFound")

    @_METHODS
    async def test_a_slash_makes_another_path(self, admin: Caller, method: str) -> None:
        """A run id with a slash cannot be asked for: the answer is that of a path that there is not."""
        run = admin.make.run("d", 1, run_id="a/b")
        await admin.store(DAG_RUNS, run)
        said = await admin.ask(method, path_of("a/b"))
        assert seen(said) == seen(await admin.ask(method, "/api/v1/nonsense"))
        assert (said.status, json.loads(said.body)["type"]) == (404, "about:blank")
        assert await self.count(admin, DAG_RUNS) == 1

    @pytest.mark.parametrize("run_id", _ODD)
    async def test_any_other_id_can_be_addressed(self, admin: Caller, run_id: str) -> None:
        """An id that is percent-encoded arrives as it is."""
        await admin.store(DAG_RUNS, admin.make.run("d", 1, run_id=run_id))
        said = await admin.ask("GET", path_of(run_id))
        assert json.loads(said.body)["dag_run_id"] == run_id
        assert (await admin.ask("DELETE", path_of(run_id))).status == 204

    async def test_another_method(self, admin: Caller) -> None:
        """What can neither be read nor removed so is refused in JSON."""
        said = await admin.ask("PUT", path_of("x"))
        detail = "The method is not allowed for the requested URL."
        assert seen(said) == problem(admin.server, 405, "Method Not Allowed", detail, "")

    @_METHODS
    @pytest.mark.parametrize("cookie", [None, "session=garbage"])
    async def test_strangers_are_forbidden(self, server: Server, method: str, cookie: str | None) -> None:
        """Without a good cookie the answer is, on some releases, the one for somebody who may not."""
        async with calling(server, cookie) as caller:
            said = await caller.ask(method, path_of("x"))
        assert seen(said) == for_strangers(server)

    async def test_a_session_that_is_over_is_forbidden(self, server: Server) -> None:
        """So is somebody whose login has ended."""
        async with calling(server, server.cookie("admin")) as caller:
            server.expire_sessions()
            said = await caller.ask("DELETE", path_of("x"))
        assert seen(said) == for_strangers(server)

    async def test_viewers_may_not_remove(self, server: Server) -> None:
        """A user who may only look is forbidden to remove."""
        async with calling(server, server.cookie("viewer")) as caller:
            said = await caller.ask("DELETE", path_of("x"))
        assert seen(said) == problem(server, 403, "Forbidden", None, "PermissionDenied")
