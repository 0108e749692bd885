"""The stable REST API of Airflow 3, as far as it is used: asking for one run and removing it."""

import json
from urllib.parse import quote

import pytest

from transfer.emulator.columns import MODERN
from transfer.kinds import DAG_RUNS, KINDS, Row

from .reading3 import is_unforeseen
from .releases import releases
from .server import Caller, Contract, ModernServer, one_of_each

_ODD = ["a b+c%2Fé:1", "q?x#y&z=1", "back\\slash", "new\nline", "%2e%2e", "a~'()*!@$,"]


def path_of(run_id: str, dag_id: str = "d") -> str:
    """Return where a run lies."""
    return f"/api/v2/dags/{quote(dag_id, safe='')}/dagRuns/{quote(run_id, safe='')}"


@releases(since=MODERN)
class ModernRemovingContract(Contract):
    """Tests of ``/api/v2/dags/{dag_id}/dagRuns/{run_id}``."""

    async def test_a_run_is_shown(self, admin: Caller) -> None:
        """GET shows a run under other names, if its DAG has a row; which fields are asked for does not matter."""
        run, _, _ = await one_of_each(admin)
        admin.server.list_dag("d")
        said = await admin.ask("GET", path_of(run["run_id"]), fields="dag_run_id")
        shown = said.json()
        assert said.status == 200
        assert {name: shown[name] for name in ("dag_id", "dag_run_id", "state", "run_type", "conf")} == {
            "dag_id": "d",
            "dag_run_id": run["run_id"],
            "state": run["state"],
            "run_type": run["run_type"],
            "conf": run["conf"],
        }
        assert shown["run_after"] == run["run_after"].replace(" ", "T").replace("+00:00", "Z")
        assert (shown["triggered_by"], shown["dag_versions"]) == ("timetable", [])

    async def test_a_run_of_an_unlisted_dag_cannot_be_shown(self, admin: Caller) -> None:
        """Without a row for its DAG a run is a crash to look at, but can be removed."""
        run, _, _ = await one_of_each(admin)
        is_unforeseen(await admin.ask("GET", path_of(run["run_id"])))
        assert (await admin.ask("DELETE", path_of(run["run_id"]))).status == 204

    @pytest.mark.parametrize(
        ("changes", "status"),
        [
            ({"triggered_by": "ui"}, 500),
            ({"run_type": "dataset_triggered"}, 204),
            ({"conf": "text"}, 204),
            ({"conf": [1]}, 204),
            ({"state": None}, 409),
            ({"state": "SUCCESS"}, 409),
            ({"state": "shutdown"}, 409),
        ],
        ids=str,
    )
    async def test_runs_that_break_the_page(self, admin: Caller, changes: Row, status: int) -> None:
        """Some stored values cannot be shown, and with some of these a run cannot even be removed."""
        run = admin.make.run("d", 1, **changes)
        admin.server.list_dag("d")
        await admin.store(DAG_RUNS, run)
        is_unforeseen(await admin.ask("GET", path_of(run["run_id"])))
        assert (await admin.ask("DELETE", path_of(run["run_id"]))).status == status

    async def test_a_removed_run_takes_its_children_along(self, admin: Caller) -> None:
        """DELETE is 204 with an empty body, and nothing of the run is left; others stay."""
        run, _, _ = await one_of_each(admin)
        other = admin.make.run("d", 2)
        await admin.store(DAG_RUNS, other)
        said = await admin.ask("DELETE", path_of(run["run_id"]))
        assert (said.status, said.body) == (204, b"")
        found = [[row["run_id"] for row in await admin.rows(kind)] for kind in KINDS]
        assert found == [[other["run_id"]], [], []]

    @pytest.mark.parametrize(("state", "status"), [("running", 409), ("queued", 204), ("failed", 204)])
    async def test_only_a_running_run_is_protected(self, admin: Caller, state: str, status: int) -> None:
        """A run that is running is refused with 409 and stays."""
        run = admin.make.run("d", 1, state=state)
        await admin.store(DAG_RUNS, run)
        said = await admin.ask("DELETE", path_of(run["run_id"]))
        assert said.status == status
        assert await self.count(admin, DAG_RUNS) == (status == 409)
        if status == 409:
            assert said.json()["detail"].endswith(f"run_id: `{run['run_id']}` cannot be deleted in running state")

    @pytest.mark.parametrize("method", ["GET", "DELETE"])
    async def test_an_absent_run(self, admin: Caller, method: str) -> None:
        """A run that is not there is a 404 that names it, and so is one of a DAG that nobody knows."""
        await one_of_each(admin)
        for dag_id in ("d", "nope"):
            said = await admin.ask(method, path_of("é", dag_id))
            detail = f"The DagRun with dag_id: `{dag_id}` and run_id: `é` was not found"
            assert (said.status, said.json()) == (404, {"detail": detail})

    @pytest.mark.parametrize(("method", "status"), [("GET", 404), ("DELETE", 405)])
    async def test_a_slash_makes_another_path(self, admin: Caller, method: str, status: int) -> None:
        """A run id with a slash cannot be asked for."""
        await admin.store(DAG_RUNS, admin.make.run("d", 1, run_id="a/b"))
        said = await admin.ask(method, path_of("a/b"))
        assert (said.status, said.kind) == (status, "application/json")
        assert await self.count(admin, DAG_RUNS) == 1

    @pytest.mark.parametrize("run_id", _ODD)
    async def test_any_other_id_can_be_addressed(self, admin: Caller, run_id: str) -> None:
        """An id that is percent-encoded arrives as it is."""
        admin.server.list_dag("d")
        await admin.store(DAG_RUNS, admin.make.run("d", 1, run_id=run_id))
        said = await admin.ask("GET", path_of(run_id))
        assert json.loads(said.body)["dag_run_id"] == run_id
        assert (await admin.ask("DELETE", path_of(run_id))).status == 204

    async def test_a_dag_that_was_not_parsed_is_not_found(self, server: ModernServer, admin: Caller) -> None:
        """A DAG with a row but without a parsed file cannot be shown."""
        server.list_dag("d")
        said = await admin.ask("GET", "/api/v2/dags/d")
        assert (said.status, said.json()) == (404, {"detail": "The Dag with ID: `d` was not found"})
