"""What a server stores, and what it says when it did."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from transfer.emulator.columns import MODERN
from transfer.kinds import CHILDREN, DAG_RUNS, TASK_INSTANCE_HISTORY, TASK_INSTANCES, Kind

from .releases import releases
from .server import ECHOES_BYTES, KEEPS_TRIES, Caller, Contract, one_of_each, without

_CHILDREN = pytest.mark.parametrize("kind", CHILDREN, ids=lambda kind: kind.name)
_CONF = {"a": 1, "é": "ü€", "big": 2**70, "f": 1.5, "n": None, "l": [1, {}], "nul": "\x00"}
_SAFE = 983_040
_MEBIBYTE = 1_048_576
_DEFERS = (2, 7)  # pools have include_deferred
_LIMITED = (2, 8)
_NAMES_TASKS = (2, 9)
_CUTS = (2, 11)


def _sized(admin: Caller, size: int) -> bytes:
    """Return the body of a batch with one run, blown up with spaces to ``size`` bytes."""
    body = json.dumps({"dag_runs": [admin.make.run("d", 1)]}).encode()
    return body[:1] + b" " * (size - len(body)) + body[1:]


async def _chunks(body: bytes) -> AsyncIterator[bytes]:
    """Yield the body in pieces, which makes the request a chunked one."""
    for at in range(0, len(body), 65_536):
        yield body[at : at + 65_536]


@releases(before=MODERN)
class WritingContract(Contract):
    """Tests of accepted POSTs, of sizes, and of the few other ways to change something."""

    async def test_runs_are_echoed_with_the_new_count(self, admin: Caller) -> None:
        """An accepted batch of runs comes back whole, with the DAG's count."""
        run = admin.make.run("d", 1, conf=_CONF)
        said = await admin.insert(DAG_RUNS, run)
        assert (said.status, said.body) == (
            200,
            json.dumps({"dag_run_count": 1, "dag_runs": [run]}, sort_keys=True).encode(),
        )

    @releases(since=ECHOES_BYTES)
    async def test_children_are_echoed_with_a_pickled_executor_config(self, admin: Caller) -> None:
        """The echo shows executor_config as the empty dict that was pickled instead of what was sent."""
        run = admin.make.run("d", 1)
        task = admin.make.task(run, "t", executor_config={"some": "thing"})
        await admin.store(DAG_RUNS, run)
        said = await admin.insert(TASK_INSTANCES, task)
        assert said.json() == {"task_instances": [task | {"executor_config": "\x80\x04}\x94."}]}

    async def test_conf_survives(self, admin: Caller) -> None:
        """A conf reads back equal: letters, NUL, whole numbers over 64 bits, nesting."""
        await admin.store(DAG_RUNS, admin.make.run("d", 1, conf=_CONF))
        assert (await admin.rows(DAG_RUNS))[0]["conf"] == _CONF

    async def test_null_and_absent_conf_read_back_null(self, admin: Caller) -> None:
        """A conf that is null and one that was not sent look the same afterwards."""
        silent = admin.make.run("d", 2)
        del silent["conf"]
        await admin.store(DAG_RUNS, admin.make.run("d", 1, conf=None))
        await admin.store(DAG_RUNS, silent)
        assert [row["conf"] for row in await admin.rows(DAG_RUNS)] == [None, None]

    async def test_defaults_of_a_task_instance(self, admin: Caller) -> None:
        """Columns that are not sent are null, but for map_index and max_tries; the display name falls back."""
        run = admin.make.run("d", 1)
        await admin.store(DAG_RUNS, run)
        task: dict[str, Any] = {"dag_id": "d", "run_id": run["run_id"], "task_id": "t", "pool": "p", "pool_slots": 1}
        await admin.store(TASK_INSTANCES, task)
        row = (await admin.rows(TASK_INSTANCES))[0]
        filled = {name: value for name, value in row.items() if value is not None}
        named = {"task_display_name": "t"} if admin.release >= _NAMES_TASKS else {}
        assert filled == task | {"map_index": -1, "max_tries": -1} | named

    @releases(since=KEEPS_TRIES)
    async def test_defaults_of_a_try(self, admin: Caller) -> None:
        """A try has the same defaults, but its display name stays null."""
        run, _, _ = await one_of_each(admin)
        row = {"dag_id": "d", "run_id": run["run_id"], "task_id": "t", "pool": "p", "pool_slots": 1, "try_number": 7}
        await admin.store(TASK_INSTANCE_HISTORY, row)
        found = next(row for row in await admin.rows(TASK_INSTANCE_HISTORY) if row["try_number"] == 7)
        assert (found["map_index"], found["max_tries"], found["task_display_name"]) == (-1, -1, None)

    @releases(since=_NAMES_TASKS)
    async def test_clear_number_is_zero_by_default(self, admin: Caller) -> None:
        """A run without clear_number was never cleared."""
        run = admin.make.run("d", 1)
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
        await admin.store(DAG_RUNS, admin.make.run("d", 1, end_date=sent))
        assert (await admin.rows(DAG_RUNS))[0]["end_date"] == read

    async def test_trigger_timeout_has_no_zone(self, admin: Caller) -> None:
        """A trigger_timeout is stored without its offset and comes back without one."""
        run = admin.make.run("d", 1)
        await admin.store(DAG_RUNS, run)
        await admin.store(TASK_INSTANCES, admin.make.task(run, "t", trigger_timeout="2026-01-01 02:00:00+02:00"))
        assert (await admin.rows(TASK_INSTANCES))[0]["trigger_timeout"] == "2026-01-01 02:00:00"

    async def test_an_id_is_dropped(self, admin: Caller) -> None:
        """The id of another database is not stored, and not echoed."""
        said = await admin.insert(DAG_RUNS, admin.make.run("d", 1, id=5))
        assert (said.status, said.json()["dag_runs"]) == (200, [admin.make.run("d", 1)])

    async def test_a_key_that_the_first_row_lacks_is_lost(self, admin: Caller) -> None:
        """The first row's keys decide: what only later rows have is answered with 200 and stored as null."""
        silent = admin.make.run("d", 1)
        del silent["conf"]
        await admin.store(DAG_RUNS, silent, admin.make.run("d", 2, conf={"a": 1}, zz=1))
        assert [row["conf"] for row in await admin.rows(DAG_RUNS)] == [None, None]

    @_CHILDREN
    async def test_an_empty_batch_of_children_is_fine(self, admin: Caller, kind: Kind) -> None:
        """No rows are stored, and that is no error."""
        said = await admin.insert(kind)
        assert (said.status, said.body) == (200, b'{"task_instances": []}')

    @releases(since=_LIMITED)
    @pytest.mark.parametrize("size", [_SAFE, _MEBIBYTE])
    async def test_sizes_that_are_stored(self, admin: Caller, size: int) -> None:
        """A body of 983,040 bytes is fine, and one of exactly 1 MiB."""
        assert (await admin.post("dag_runs", _sized(admin, size))).status == 200
        assert await self.count(admin, DAG_RUNS) == 1

    @releases(since=_CUTS)
    @pytest.mark.parametrize(("size", "status"), [(_SAFE + 1, 500), (_MEBIBYTE - 1, 500), (_MEBIBYTE + 1, 413)])
    async def test_sizes_that_are_not(self, admin: Caller, size: int, status: int) -> None:
        """From 983,041 bytes on the answer is a 500 page, above 1 MiB a 413 page; nothing is stored."""
        said = await admin.post("dag_runs", _sized(admin, size))
        assert (said.status, said.kind) == (status, "text/html")
        assert await self.count(admin, DAG_RUNS) == 0

    @releases(since=_CUTS)
    async def test_a_chunked_body_over_the_limit_is_cut(self, admin: Caller) -> None:
        """Without a Content-Length what exceeds 1 MiB is cut off, and the rest is no JSON."""
        said = await admin.post("dag_runs", _chunks(_sized(admin, _MEBIBYTE + 100_000)))
        assert (said.status, said.kind) == (400, "text/html")

    async def test_a_small_chunked_body_is_stored(self, admin: Caller) -> None:
        """A body may come in chunks."""
        assert (await admin.post("dag_runs", _chunks(_sized(admin, 500_000)))).status == 200

    async def test_deleting_runs_deletes_what_hangs_on_them(self, admin: Caller) -> None:
        """DELETE dag_runs empties one DAG, children included, and may be repeated."""
        await one_of_each(admin, "d")
        await one_of_each(admin, "other")
        for _ in range(2):
            said = await admin.ask("DELETE", "/api/starship/dag_runs", dag_id="d")
            assert (said.status, said.body) == (204, b"")
        assert [await self.count(admin, kind) for kind in (DAG_RUNS, *CHILDREN)] == [0, 0, 0]
        assert await self.count(admin, TASK_INSTANCES, "other") == 1
        assert await self.count(admin, TASK_INSTANCE_HISTORY, "other") == (admin.release >= KEEPS_TRIES)

    @pytest.mark.parametrize("paused", [True, False])
    async def test_pausing_a_dag(self, admin: Caller, *, paused: bool) -> None:
        """PATCH dags sets is_paused and says so."""
        admin.server.list_dag("d")
        body = json.dumps({"dag_id": "d", "is_paused": paused}).encode()
        headers = {"Content-Type": "application/json"}
        said = await admin.ask("PATCH", "/api/starship/dags", body=body, headers=headers)
        assert (said.status, said.body) == (200, body)
        assert [dag["is_paused"] for dag in (await admin.get("dags")).json()] == [paused]

    @releases(since=_DEFERS)
    async def test_deleting_one_pool_deletes_all(self, admin: Caller) -> None:
        """DELETE pools forgets which one was meant."""
        pool = {"name": "extra", "slots": 1, "include_deferred": False, "description": "mine"}
        assert (await admin.post("pools", pool)).json() == pool
        assert len((await admin.get("pools")).json()) == 2
        assert (await admin.ask("DELETE", "/api/starship/pools", name="extra")).status == 204
        assert (await admin.get("pools")).body == b"[]"

    @releases(before=_DEFERS)
    async def test_pools_that_do_not_defer(self, admin: Caller) -> None:
        """Before 2.7 a pool has no ``include_deferred``; deleting one deletes all, too."""
        pool = {"name": "extra", "slots": 1, "description": "mine"}
        assert (await admin.post("pools", pool | {"include_deferred": True})).json() == pool
        assert (await admin.ask("DELETE", "/api/starship/pools", name="extra")).status == 204
        assert (await admin.get("pools")).body == b"[]"

    @releases(since=(2, 8), before=_NAMES_TASKS)
    async def test_clear_number_has_no_default_yet(self, admin: Caller) -> None:
        """When clear_number was new, a run without one was refused; null is refused ever since."""
        run = without(admin.make.run("d", 1), "clear_number")
        said = await admin.insert(DAG_RUNS, run)
        assert (said.status, said.json()["error"]) == (409, "Integrity Error (Duplicate Record?)")
        assert 'NotNullViolation) null value in column "clear_number"' in said.json()["error_message"]

    @releases(since=_LIMITED, before=_CUTS)
    async def test_only_the_announced_length_is_limited(self, admin: Caller) -> None:
        """From 2.8 to 2.10 a body over 1 MiB is refused with a 413 page, unless it comes in chunks."""
        body = _sized(admin, _MEBIBYTE + 1)
        said = await admin.post("dag_runs", body)
        assert (said.status, said.kind) == (413, "text/html")
        assert (await admin.post("dag_runs", _sized(admin, _MEBIBYTE - 1))).status == 200
        assert (await admin.ask("DELETE", "/api/starship/dag_runs", dag_id="d")).status == 204
        assert (await admin.post("dag_runs", _chunks(body))).status == 200

    @releases(before=_LIMITED)
    async def test_any_size_is_stored(self, admin: Caller) -> None:
        """Before 2.8 there is no limit."""
        assert (await admin.post("dag_runs", _sized(admin, 3 * _MEBIBYTE))).status == 200
        assert await self.count(admin, DAG_RUNS) == 1

    @releases(before=KEEPS_TRIES)
    async def test_tries_vanish(self, admin: Caller) -> None:
        """Before 2.10 tries are taken, whatever they are, and nothing is stored or said about it."""
        for rows in ([{"nonsense": 1}], [1], "abc"):
            said = await admin.post("task_instance_history", {"task_instances": rows})
            assert (said.status, said.body) == (200, b'{"task_instances": []}')
        assert await self.count(admin, TASK_INSTANCE_HISTORY) == 0
