"""What Airflow 2.4 and 2.5 say to everything but a success: nothing."""

from typing import Any

import pytest

from transfer.kinds import DAG_RUNS, TASK_INSTANCES, Row

from .releases import releases
from .server import ECHOES_BYTES, Caller, Contract, Said, one_of_each


def _is_page(said: Said) -> None:
    """Assert that ``said`` is the page of an exception that nobody caught."""
    assert (said.status, said.kind) == (500, "text/html")
    assert b"<h1> Ooops! </h1>" in said.body


@releases(before=ECHOES_BYTES)
class OpaqueContract(Contract):
    """Tests of answers that cannot be written, because the plugin's errors and bytes are no JSON there."""

    async def test_a_batch_with_executor_config_is_stored_and_fails(self, admin: Caller) -> None:
        """Task instances with ``executor_config`` are stored although the answer is a 500 page."""
        run = admin.make.run("d", 1)
        await admin.store(DAG_RUNS, run)
        said = await admin.post("task_instances", {"task_instances": [admin.make.task(run, "t")]})
        _is_page(said)
        assert await self.count(admin, TASK_INSTANCES) == 1

    async def test_a_batch_without_executor_config_is_echoed(self, admin: Caller) -> None:
        """Without that column the answer is a good one."""
        run = admin.make.run("d", 1)
        task = admin.make.task(run, "t")
        del task["executor_config"]
        await admin.store(DAG_RUNS, run)
        said = await admin.post("task_instances", {"task_instances": [task]})
        assert (said.status, said.json()) == (200, {"task_instances": [task]})

    async def test_every_refusal_is_the_same_page(self, admin: Caller) -> None:
        """A duplicate, an unknown column, a missing value, a bad date and a missing parent cannot be told apart."""
        await one_of_each(admin)
        make = admin.make
        refused: list[Row] = [{"zz": 1}, {"run_type": None}, {"start_date": "not a date"}]
        for run in (make.run("d", 1), *(make.run("d", 2, **changes) for changes in refused)):
            _is_page(await admin.insert(DAG_RUNS, run))
        _is_page(await admin.insert(TASK_INSTANCES, make.task(make.run("d", 9), "t")))
        assert await self.count(admin, DAG_RUNS) == 1

    @pytest.mark.parametrize("body", [{}, {"dag_runs": None}, {"dag_runs": []}, {"dag_runs": [1]}])
    async def test_bodies_without_rows(self, admin: Caller, body: Any) -> None:
        """So is a body without the list, or with an empty one."""
        _is_page(await admin.post("dag_runs", body))

    @pytest.mark.parametrize("query", [{}, {"dag_id": "d", "limit": "abc"}, {"dag_id": "d", "offset": "x"}])
    async def test_bad_parameters(self, admin: Caller, query: dict[str, str]) -> None:
        """And so are parameters that are missing or no numbers."""
        _is_page(await admin.get("dag_runs", **query))
