"""What an Airflow 3 stores, what it passes over, and what it says then."""

import json
from typing import Any
from uuid import uuid4

import pytest

from transfer.emulator.columns import MODERN
from transfer.kinds import CHILDREN, DAG_RUNS, KINDS, TASK_INSTANCE_HISTORY, TASK_INSTANCES, Kind, Row

from .releases import releases
from .server import Caller, Contract, ModernServer, one_of_each, without

_KINDS = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
_CONF = {"a": 1, "é": "ü€", "big": 2**70, "f": 1.5, "n": None, "l": [1, {}]}


@releases(since=MODERN)
class ModernWritingContract(Contract):
    """Tests of accepted POSTs and of the few other ways to change something."""

    @_KINDS
    async def test_rows_that_are_there_are_passed_over(self, admin: Caller, kind: Kind) -> None:
        """A row twice is no conflict: it is answered as if it was stored, and what is there stays as it is."""
        row = (await one_of_each(admin))[KINDS.index(kind)]
        said = await admin.insert(kind, row | {"state": "running"})
        assert (said.status, said.json()[kind.envelope][0]["state"]) == (200, "running")
        assert [found["state"] for found in await admin.rows(kind)] == [row["state"]]

    async def test_a_task_instance_that_is_there_keeps_its_id(self, admin: Caller) -> None:
        """Another id does not make it another task instance."""
        _, task, _ = await one_of_each(admin)
        await admin.store(TASK_INSTANCES, task | {"id": str(uuid4())})
        assert [row["id"] for row in await admin.rows(TASK_INSTANCES)] == [task["id"]]

    async def test_the_first_of_two_in_a_batch_is_stored(self, admin: Caller) -> None:
        """A batch that repeats a row stores the first and passes over the second."""
        run = admin.make.run("d", 1)
        await admin.store(DAG_RUNS, run, run | {"state": "failed"})
        assert [row["state"] for row in await admin.rows(DAG_RUNS)] == ["success"]

    async def test_a_row_that_is_there_does_not_hinder_the_others(self, admin: Caller) -> None:
        """The new rows of a batch are stored beside the old."""
        await one_of_each(admin)
        await admin.store(DAG_RUNS, *(admin.make.run("d", number) for number in range(3)))
        assert await self.count(admin, DAG_RUNS) == 3

    async def test_runs_without_logical_date_do_not_collide(self, admin: Caller) -> None:
        """Any number of runs may have none."""
        await admin.store(DAG_RUNS, *(admin.make.run("d", number, logical_date=None) for number in range(3)))
        assert await self.count(admin, DAG_RUNS) == 3

    async def test_the_echo_is_what_was_sent(self, admin: Caller) -> None:
        """The answer shows the sent rows, unknown columns included, without what the server drops; then the count."""
        run = admin.make.run("d", 1, zz=1)
        said = await admin.insert(DAG_RUNS, run)
        shown = without(run, "id", "log_template_id", "backfill_id", "created_dag_version_id")
        body = json.dumps({"dag_runs": [shown], "dag_run_count": 1}, ensure_ascii=False, separators=(",", ":"))
        assert (said.status, said.body) == (200, body.encode())

    async def test_executor_config_is_echoed_as_null(self, admin: Caller) -> None:
        """What was sent as executor_config is neither stored nor shown."""
        await one_of_each(admin)
        task = admin.make.task(admin.make.run("d", 1), "n", executor_config={"some": "thing"})
        said = await admin.insert(TASK_INSTANCES, task)
        assert said.json()["task_instances"][0]["executor_config"] is None
        assert "trigger_id" not in said.json()["task_instances"][0]

    async def test_a_trigger_of_another_database_does_no_harm(self, admin: Caller) -> None:
        """trigger_id is dropped of a task instance, and kept of a try."""
        run, _, _ = await one_of_each(admin)
        await admin.store(TASK_INSTANCES, admin.make.task(run, "n", trigger_id=77))
        await admin.store(TASK_INSTANCE_HISTORY, admin.make.tried(run, "n", trigger_id=77))
        assert {row["trigger_id"] for row in await admin.rows(TASK_INSTANCES)} == {None}
        assert {row["trigger_id"] for row in await admin.rows(TASK_INSTANCE_HISTORY)} == {None, 77}

    async def test_columns_of_airflow_2_are_ignored(self, admin: Caller) -> None:
        """A row of Airflow 2 is stored as far as its columns are known: the logical date is lost without a word."""
        run = without(admin.make.run("d", 1), "logical_date") | {"execution_date": "2025-01-02 00:00:00+00:00"}
        await admin.store(DAG_RUNS, run)
        assert (await admin.rows(DAG_RUNS))[0]["logical_date"] is None

    async def test_conf_survives(self, admin: Caller) -> None:
        """A conf reads back equal: letters, whole numbers over 64 bits, nesting."""
        await admin.store(DAG_RUNS, admin.make.run("d", 1, conf=_CONF))
        assert (await admin.rows(DAG_RUNS))[0]["conf"] == _CONF

    @pytest.mark.parametrize(
        ("sent", "read"),
        [
            ("1e+20", "100000000000000000000"),
            ("2.5e+16", "25000000000000000"),
            ("-0.0", "0.0"),
            ("1.0", "1.0"),
            ("1e-07", "1e-07"),
            ('{"bb": 1, "a": 2, "B": 3}', '{"B": 3, "a": 2, "bb": 1}'),
            ('"\\\\u0000"', '"\\\\u0000"'),
        ],
    )
    async def test_a_conf_is_kept_as_decimals_and_in_order(self, admin: Caller, sent: str, read: str) -> None:
        """Numbers come back without an exponent, keys by length and letters; a backslash is only a letter."""
        await admin.store(DAG_RUNS, admin.make.run("d", 1, conf={"v": json.loads(sent)}))
        assert json.dumps((await admin.rows(DAG_RUNS))[0]["conf"]["v"]) == read

    @pytest.mark.parametrize(
        "changes",
        [
            {"conf": "text"},
            {"conf": [1]},
            {"triggered_by": "ui"},
            {"run_type": "dataset_triggered"},
            {"state": "SUCCESS"},
            {"span_status": "nonsense"},
            {"state": None},
        ],
        ids=str,
    )
    async def test_values_that_no_page_can_show_are_stored(self, admin: Caller, changes: Row) -> None:
        """No value of a text or JSON column is looked at."""
        await admin.store(DAG_RUNS, admin.make.run("d", 1, **changes))
        row = (await admin.rows(DAG_RUNS))[0]
        assert {name: row[name] for name in changes} == changes

    async def test_defaults_of_a_run(self, admin: Caller) -> None:
        """Only four columns are needed."""
        run = {"dag_id": "d", "run_id": "r", "run_after": "2025-01-01 00:00:00+00:00", "run_type": "manual"}
        await admin.store(DAG_RUNS, run)
        row = (await admin.rows(DAG_RUNS))[0]
        filled = {name: value for name, value in row.items() if value is not None and name != "id"}
        assert filled == run | {"clear_number": 0, "span_status": "not_started"}

    @pytest.mark.parametrize("kind", CHILDREN, ids=lambda kind: kind.name)
    async def test_defaults_of_a_child(self, admin: Caller, kind: Kind) -> None:
        """Columns that are not sent are null, but for map_index and max_tries; a task instance's name falls back."""
        await one_of_each(admin)
        row: dict[str, Any] = {"dag_id": "d", "run_id": admin.make.run("d", 1)["run_id"], "task_id": "n"}
        row |= {"id": str(uuid4()), "pool": "p", "pool_slots": 1}
        await admin.store(TASK_INSTANCES, row)
        named = {"task_display_name": "n"}
        if kind is TASK_INSTANCE_HISTORY:
            row = without(row, "id") | {"task_instance_id": row["id"], "try_number": 7}
            named = {}
            await admin.store(kind, row)
        found = next(found for found in await admin.rows(kind) if found["task_id"] == "n")
        filled = {name: value for name, value in found.items() if value is not None}
        assert filled == row | {"map_index": -1, "max_tries": -1} | named

    @pytest.mark.parametrize(
        ("sent", "read"),
        [
            ("2026-01-01 02:00:00+02:00", "2026-01-01 00:00:00+00:00"),
            ("2026-01-01T00:00:00.120000+00:00", "2026-01-01 00:00:00.120000+00:00"),
            ("2026-01-01T00:00:00Z", "2026-01-01 00:00:00+00:00"),
            ("2026-01-01 00:00:00", "2026-01-01 00:00:00+00:00"),
        ],
    )
    async def test_dates_read_back_in_utc(self, admin: Caller, sent: str, read: str) -> None:
        """A date comes back in UTC, with six digits of a second or none."""
        await admin.store(DAG_RUNS, admin.make.run("d", 1, end_date=sent))
        assert (await admin.rows(DAG_RUNS))[0]["end_date"] == read

    async def test_only_a_try_has_a_trigger_timeout_without_zone(self, admin: Caller) -> None:
        """The column is another one in the history than in the table of task instances."""
        run, _, _ = await one_of_each(admin)
        timeout = "2026-01-01 02:00:00+02:00"
        await admin.store(TASK_INSTANCES, admin.make.task(run, "n", trigger_timeout=timeout))
        await admin.store(TASK_INSTANCE_HISTORY, admin.make.tried(run, "n", trigger_timeout=timeout))
        found = [row["trigger_timeout"] for kind in CHILDREN for row in await admin.rows(kind) if row["task_id"] == "n"]
        assert found == ["2026-01-01 00:00:00+00:00", "2026-01-01 02:00:00"]

    async def test_a_key_that_the_first_row_lacks_is_lost(self, admin: Caller) -> None:
        """The first row's keys decide: what only later rows have is answered with 200 and stored as null."""
        silent = without(admin.make.run("d", 1), "conf")
        await admin.store(DAG_RUNS, silent, admin.make.run("d", 2, conf={"a": 1}))
        assert [row["conf"] for row in await admin.rows(DAG_RUNS)] == [None, None]

    async def test_a_later_row_may_lack_what_is_dropped_anyway(self, admin: Caller) -> None:
        """Unknown and dropped columns need not be the same in all rows."""
        await admin.store(DAG_RUNS, admin.make.run("d", 1, zz=1), without(admin.make.run("d", 2), "id"))
        assert await self.count(admin, DAG_RUNS) == 2

    async def test_the_type_of_the_body_does_not_matter(self, admin: Caller) -> None:
        """A body is taken for JSON whatever it says it is."""
        body = json.dumps({"dag_runs": [admin.make.run("d", 1)]}).encode()
        headers = {"Content-Type": "application/octet-stream"}
        assert (await admin.ask("POST", "/api/starship/dag_runs", body=body, headers=headers)).status == 200

    async def test_any_size_is_stored(self, admin: Caller) -> None:
        """There is no limit."""
        body = json.dumps({"dag_runs": [admin.make.run("d", 1)]}).encode()
        assert (await admin.post("dag_runs", body[:1] + b" " * 3_000_000 + body[1:])).status == 200

    @pytest.mark.parametrize("kind", CHILDREN, ids=lambda kind: kind.name)
    async def test_an_empty_batch_of_children_is_fine(self, admin: Caller, kind: Kind) -> None:
        """No rows are stored, and that is no error."""
        said = await admin.insert(kind)
        assert (said.status, said.body) == (200, b'{"task_instances":[]}')

    async def test_task_instances_bring_the_dag_version(self, server: ModernServer, admin: Caller) -> None:
        """A batch of task instances, new or old, gives all rows of its DAG without a version the newest there is."""
        run, task, _ = await one_of_each(admin)
        await one_of_each(admin, "other")
        server.list_dag("d")
        server.parse_dag("d")
        newest = server.parse_dag("d")
        await admin.store(TASK_INSTANCES)
        assert (await admin.rows(DAG_RUNS))[0]["created_dag_version_id"] is None
        await admin.store(TASK_INSTANCES, task)
        assert (await admin.rows(DAG_RUNS))[0]["created_dag_version_id"] == newest
        for kind in CHILDREN:
            assert [row["dag_version_id"] for row in await admin.rows(kind)] == [newest]
            assert [row["dag_version_id"] for row in await admin.rows(kind, "other")] == [None]
        await admin.store(TASK_INSTANCE_HISTORY, admin.make.tried(run, "t", try_number=5))
        assert {row["dag_version_id"] for row in await admin.rows(TASK_INSTANCE_HISTORY)} == {newest, None}

    async def test_deleting_runs_deletes_what_hangs_on_them(self, admin: Caller) -> None:
        """DELETE dag_runs empties one DAG, children included, and may be repeated."""
        await one_of_each(admin, "d")
        await one_of_each(admin, "other")
        for _ in range(2):
            said = await admin.ask("DELETE", "/api/starship/dag_runs", dag_id="d")
            assert (said.status, said.body) == (200, b"null")
        assert [await self.count(admin, kind) for kind in KINDS] == [0, 0, 0]
        assert await self.count(admin, TASK_INSTANCE_HISTORY, "other") == 1
        await one_of_each(admin, "d")

    @pytest.mark.parametrize("paused", [True, False])
    async def test_pausing_a_dag(self, admin: Caller, *, paused: bool) -> None:
        """PATCH dags sets is_paused and says so, also of a DAG that there is not."""
        admin.server.list_dag("d")
        for dag_id in ("nope", "d"):
            body = json.dumps({"dag_id": dag_id, "is_paused": paused}).encode()
            said = await admin.ask("PATCH", "/api/starship/dags", body=body)
            assert (said.status, said.json()) == (200, {"dag_id": dag_id, "is_paused": paused})
        assert [dag["is_paused"] for dag in (await admin.get("dags")).json()] == [paused]

    async def test_deleting_one_pool_deletes_all(self, admin: Caller) -> None:
        """DELETE pools forgets which one was meant."""
        pool = {"name": "extra", "slots": 1, "include_deferred": False, "description": "mine"}
        assert (await admin.post("pools", pool)).json() == pool | {"team_id": None}
        assert (await admin.ask("DELETE", "/api/starship/pools", name="extra")).body == b"null"
        assert (await admin.get("pools")).body == b"[]"
