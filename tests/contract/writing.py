"""What a server stores, and what it says when it did."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from transfer.emulator.rows import run_row, task_row
from transfer.kinds import CHILDREN, DAG_RUNS, TASK_INSTANCE_HISTORY, TASK_INSTANCES, Kind

from .server import Caller, Contract, one_of_each

_CHILDREN = pytest.mark.parametrize("kind", CHILDREN, ids=lambda kind: kind.name)
_CONF = {"a": 1, "é": "ü€", "big": 2**70, "f": 1.5, "n": None, "l": [1, {}], "nul": "\x00"}
_SAFE = 983_040
_MEBIBYTE = 1_048_576


def _sized(size: int, number: int) -> bytes:
    """Return the body of a batch with one run, blown up with spaces to ``size`` bytes."""
    body = json.dumps({"dag_runs": [run_row("d", number)]}).encode()
    return body[:1] + b" " * (size - len(body)) + body[1:]


async def _chunks(body: bytes) -> AsyncIterator[bytes]:
    """Yield the body in pieces, which makes the request a chunked one."""
    for at in range(0, len(body), 65_536):
        yield body[at : at + 65_536]


class WritingContract(Contract):
    """Tests of accepted POSTs, of sizes, and of the few other ways to change something."""

    async def test_runs_are_echoed_with_the_new_count(self, admin: Caller) -> None:
        """An accepted batch of runs comes back whole, with the DAG's count."""
        run = run_row("d", 1, conf=_CONF)
        said = await admin.insert(DAG_RUNS, run)
        assert (said.status, said.body) == (
            200,
            json.dumps({"dag_run_count": 1, "dag_runs": [run]}, sort_keys=True).encode(),
        )

    async def test_children_are_echoed_with_a_pickled_executor_config(self, admin: Caller) -> None:
        """The echo shows executor_config as the empty dict that was pickled instead of what was sent."""
        run = run_row("d", 1)
        task = task_row(run, "t", executor_config={"some": "thing"})
        await admin.store(DAG_RUNS, run)
        said = await admin.insert(TASK_INSTANCES, task)
        assert said.json() == {"task_instances": [task | {"executor_config": "\x80\x04}\x94."}]}

    async def test_conf_survives(self, admin: Caller) -> None:
        """A conf reads back equal: letters, NUL, whole numbers over 64 bits, nesting."""
        await admin.store(DAG_RUNS, run_row("d", 1, conf=_CONF))
        assert (await admin.rows(DAG_RUNS))[0]["conf"] == _CONF

    async def test_null_and_absent_conf_read_back_null(self, admin: Caller) -> None:
        """A conf that is null and one that was not sent look the same afterwards."""
        silent = run_row("d", 2)
        del silent["conf"]
        await admin.store(DAG_RUNS, run_row("d", 1, conf=None))
        await admin.store(DAG_RUNS, silent)
        assert [row["conf"] for row in await admin.rows(DAG_RUNS)] == [None, None]

    async def test_defaults_of_a_task_instance(self, admin: Caller) -> None:
        """Columns that are not sent are null, but for map_index and max_tries; the display name falls back."""
        run = run_row("d", 1)
        await admin.store(DAG_RUNS, run)
        task: dict[str, Any] = {"dag_id": "d", "run_id": run["run_id"], "task_id": "t", "pool": "p", "pool_slots": 1}
        await admin.store(TASK_INSTANCES, task)
        row = (await admin.rows(TASK_INSTANCES))[0]
        filled = {name: value for name, value in row.items() if value is not None}
        assert filled == task | {"map_index": -1, "max_tries": -1, "task_display_name": "t"}

    async def test_defaults_of_a_try(self, admin: Caller) -> None:
        """A try has the same defaults, but its display name stays null."""
        run, _, _ = await one_of_each(admin)
        row = {"dag_id": "d", "run_id": run["run_id"], "task_id": "t", "pool": "p", "pool_slots": 1, "try_number": 7}
        await admin.store(TASK_INSTANCE_HISTORY, row)
        found = next(row for row in await admin.rows(TASK_INSTANCE_HISTORY) if row["try_number"] == 7)
        assert (found["map_index"], found["max_tries"], found["task_display_name"]) == (-1, -1, None)

    async def test_clear_number_is_zero_by_default(self, admin: Caller) -> None:
        """A run without clear_number was never cleared."""
        run = run_row("d", 1)
        del run["clear_number"]
        await admin.store(DAG_RUNS, run)
        assert (await admin.rows(DAG_RUNS))[0]["clear_number"] == 0

    @pytest.mark.parametrize(
        ("sent", "read"),
        [
            ("2026-01-01 02:00:00+02:00", "2026-01-01 00:00:00+00:00"),
            ("2026-01-01T00:00:00.120000+00:00", "2026-01-01 00:00:00.120000+00:00"),
            ("2026-01-01 00:00:00.000000+00:00", "2026-01-01 00:00:00+00:00"),
            ("2026-01-01T00:00:00Z", "2026-01-01 00:00:00+00:00"),
        ],
    )
    async def test_dates_read_back_in_utc(self, admin: Caller, sent: str, read: str) -> None:
        """A date comes back in UTC, with six digits of a second or none."""
        await admin.store(DAG_RUNS, run_row("d", 1, end_date=sent))
        assert (await admin.rows(DAG_RUNS))[0]["end_date"] == read

    async def test_trigger_timeout_has_no_zone(self, admin: Caller) -> None:
        """A trigger_timeout is stored without its offset and comes back without one."""
        run = run_row("d", 1)
        await admin.store(DAG_RUNS, run)
        await admin.store(TASK_INSTANCES, task_row(run, "t", trigger_timeout="2026-01-01 02:00:00+02:00"))
        assert (await admin.rows(TASK_INSTANCES))[0]["trigger_timeout"] == "2026-01-01 02:00:00"

    async def test_an_id_is_dropped(self, admin: Caller) -> None:
        """The id of another database is not stored, and not echoed."""
        said = await admin.insert(DAG_RUNS, run_row("d", 1, id=5))
        assert (said.status, said.json()["dag_runs"]) == (200, [run_row("d", 1)])

    async def test_a_key_that_the_first_row_lacks_is_lost(self, admin: Caller) -> None:
        """The first row's keys decide: what only later rows have is answered with 200 and stored as null."""
        silent = run_row("d", 1)
        del silent["conf"]
        await admin.store(DAG_RUNS, silent, run_row("d", 2, conf={"a": 1}, zz=1))
        assert [row["conf"] for row in await admin.rows(DAG_RUNS)] == [None, None]

    @_CHILDREN
    async def test_an_empty_batch_of_children_is_fine(self, admin: Caller, kind: Kind) -> None:
        """No rows are stored, and that is no error."""
        said = await admin.insert(kind)
        assert (said.status, said.body) == (200, b'{"task_instances": []}')

    @pytest.mark.parametrize("size", [_SAFE, _MEBIBYTE])
    async def test_sizes_that_are_stored(self, admin: Caller, size: int) -> None:
        """A body of 983,040 bytes is fine, and one of exactly 1 MiB."""
        assert (await admin.post("dag_runs", _sized(size, 1))).status == 200
        assert await self.count(admin, DAG_RUNS) == 1

    @pytest.mark.parametrize(("size", "status"), [(_SAFE + 1, 500), (_MEBIBYTE - 1, 500), (_MEBIBYTE + 1, 413)])
    async def test_sizes_that_are_not(self, admin: Caller, size: int, status: int) -> None:
        """From 983,041 bytes on the answer is a 500 page, above 1 MiB a 413 page; nothing is stored."""
        said = await admin.post("dag_runs", _sized(size, 1))
        assert (said.status, said.kind) == (status, "text/html")
        assert await self.count(admin, DAG_RUNS) == 0

    async def test_a_chunked_body_over_the_limit_is_cut(self, admin: Caller) -> None:
        """Without a Content-Length what exceeds 1 MiB is cut off, and the rest is no JSON."""
        said = await admin.post("dag_runs", _chunks(_sized(_MEBIBYTE + 100_000, 1)))
        assert (said.status, said.kind) == (400, "text/html")

    async def test_a_small_chunked_body_is_stored(self, admin: Caller) -> None:
        """A body may come in chunks."""
        assert (await admin.post("dag_runs", _chunks(_sized(500_000, 1)))).status == 200

    async def test_deleting_runs_deletes_what_hangs_on_them(self, admin: Caller) -> None:
        """DELETE dag_runs empties one DAG, children included, and may be repeated."""
        await one_of_each(admin, "d")
        await one_of_each(admin, "other")
        for _ in range(2):
            said = await admin.ask("DELETE", "/api/starship/dag_runs", dag_id="d")
            assert (said.status, said.body) == (204, b"")
        assert [await self.count(admin, kind) for kind in (DAG_RUNS, *CHILDREN)] == [0, 0, 0]
        assert await self.count(admin, TASK_INSTANCE_HISTORY, "other") == 1

    @pytest.mark.parametrize("paused", [True, False])
    async def test_pausing_a_dag(self, admin: Caller, *, paused: bool) -> None:
        """PATCH dags sets is_paused and says so."""
        admin.server.list_dag("d")
        body = json.dumps({"dag_id": "d", "is_paused": paused}).encode()
        headers = {"Content-Type": "application/json"}
        said = await admin.ask("PATCH", "/api/starship/dags", body=body, headers=headers)
        assert (said.status, said.body) == (200, body)
        assert [dag["is_paused"] for dag in (await admin.get("dags")).json()] == [paused]

    async def test_deleting_one_pool_deletes_all(self, admin: Caller) -> None:
        """DELETE pools forgets which one was meant."""
        pool = {"name": "extra", "slots": 1, "include_deferred": False, "description": "mine"}
        assert (await admin.post("pools", pool)).json() == pool
        assert len((await admin.get("pools")).json()) == 2
        assert (await admin.ask("DELETE", "/api/starship/pools", name="extra")).status == 204
        assert (await admin.get("pools")).body == b"[]"
