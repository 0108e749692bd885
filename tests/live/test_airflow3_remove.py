"""Removing single runs through the stable REST API of a real Airflow 3."""

import json
from collections.abc import Iterator

import psycopg
import pytest

from transfer.errors import NotRemovableError

from .airflow3 import Airflow3, ApiServer
from .client import PASSWORD, client
from .login import fetch
from .rig import Connection

DAG = "removed"


@pytest.fixture
def database(airflow3: Airflow3) -> Iterator[Connection]:
    """The database, with a DAG that has a row and no runs: without one a run of it cannot be shown."""
    with psycopg.connect(airflow3.dsn, autocommit=True) as conn:
        conn.execute("INSERT INTO dag_bundle (name) VALUES ('bundle') ON CONFLICT DO NOTHING")
        conn.execute(
            "INSERT INTO dag (dag_id, is_paused, is_stale, bundle_name, max_active_tasks,"
            " max_consecutive_failed_dag_runs, has_task_concurrency_limits)"
            " VALUES (%s, true, false, 'bundle', 16, 0, false) ON CONFLICT DO NOTHING",
            [DAG],
        )
        yield conn
        conn.execute("DELETE FROM dag_run WHERE dag_id = %s", [DAG])


def add(server: ApiServer, day: int, run_id: str, state: str) -> None:
    """Add a run through Starship."""
    moment = f"2026-01-{day:02} 00:00:00+00:00"
    dates = dict.fromkeys(("run_after", "logical_date", "start_date"), moment)
    row = {
        "dag_id": DAG,
        "run_id": run_id,
        "run_type": "manual",
        "state": state,
        "conf": {},
        "clear_number": 0,
        **dates,
    }
    headers = {"Authorization": f"Bearer {server.token()}", "Content-Type": "application/json"}
    body = json.dumps({"dag_runs": [row]}).encode()
    answer, said = fetch(server.url, "/api/starship/dag_runs", method="POST", body=body, headers=headers)
    assert answer.status == 200, said


async def test_what_may_be_removed_is(
    api_server: ApiServer, database: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that is over goes, one that is going on stays, one that is not there is no error."""
    monkeypatch.setenv(PASSWORD, api_server.admin.password)
    odd = "by hand 9 + ü:%2F?&#="
    for day, (run_id, state) in enumerate([("over", "success"), (odd, "failed"), ("going on", "running")], start=1):
        add(api_server, day, run_id, state)
    async with client(api_server.url, "airflow3", api_server.admin) as side:
        assert await side.remove_run(DAG, "over")
        assert await side.remove_run(DAG, odd)
        assert not await side.remove_run(DAG, "over")
        assert not await side.remove_run("nobody's", "over")
        with pytest.raises(NotRemovableError, match="is running there"):
            await side.remove_run(DAG, "going on")
    assert database.execute("SELECT run_id FROM dag_run WHERE dag_id = %s", [DAG]).fetchall() == [("going on",)]
