"""XComs: how they are served, taken and listed."""

import json
from base64 import b64decode, b64encode
from typing import Any
from urllib.parse import quote

import pytest

from transfer.emulator.columns import MODERN
from transfer.kinds import DAG_RUNS, TASK_INSTANCES, Row

from .releases import releases
from .server import Caller, Contract, Said, one_of_each

_TYPED = {
    "tuple": (b'{"__classname__": "builtins.tuple", "__version__": 1, "__data__": [1, 2]}', b'"(1,2)"'),
    "class": (
        b'{"__classname__": "my.Cls", "__version__": 1, "__data__": {"a": "b", "c": 1}}',
        b'"my.Cls@version=1(a=b,c=1)"',
    ),
    "within": (
        b'{"a": [{"__classname__": "decimal.Decimal", "__version__": 1, "__data__": "1.10"}]}',
        b'{"a": ["decimal.Decimal@version=1(1.10)"]}',
    ),
    "old": (b'{"__type": "dict", "__var": {"x": 1}}', b'{"x": 1}'),
}
_PLAIN = {
    "object": b'{"b": 1, "a": [1.5, null, true, "\\u00e9 \\ud800"]}',
    "nan": b'{"a": NaN, "b": [Infinity, -0.0]}',
    "number": b"1606938044258990275541962092341162602522202993782792835301376",
}


def named(run: Row, task_id: str = "t", map_index: int = -1) -> dict[str, Any]:
    """Return the parameters that name a task instance."""
    return {"dag_id": run["dag_id"], "run_id": run["run_id"], "task_id": task_id, "map_index": map_index}


async def put(caller: Caller, run: Row, key: str, value: bytes, task_id: str = "t", map_index: int = -1) -> Said:
    """Store a value."""
    body = named(run, task_id, map_index) | {"key": key, "value": b64encode(value).decode()}
    return await caller.post("xcom", body)


async def served(caller: Caller, run: Row) -> dict[str, bytes]:
    """Return the values of a task instance by key."""
    said = await caller.get("xcom", **named(run))
    return {row["key"]: b64decode(row["value"]) for row in said.json()}


async def listed(caller: Caller, run_id: str, dag_id: str = "d", **params: Any) -> Said:
    """Return a page of the list of a run, or with ``~`` of a DAG."""
    run = run_id if run_id == "~" else quote(run_id, safe="")
    path = f"/api/v1/dags/{quote(dag_id, safe='')}/dagRuns/{run}/taskInstances/~/xcomEntries"
    return await caller.ask("GET", path, **params)


@releases(since=(2, 8), before=MODERN)
class XComContract(Contract):
    """Tests of ``/api/starship/xcom``, and of the list in the stable REST API."""

    async def test_what_is_stored_is_served(self, admin: Caller) -> None:
        """Plain JSON byte for byte; rows name their task instance, the answer to the write is empty."""
        run, _, _ = await one_of_each(admin)
        for key, value in _PLAIN.items():
            said = await put(admin, run, key, value)
            assert (said.status, said.body, said.kind) == (204, b"", "text/html")
        assert await served(admin, run) == _PLAIN
        row, *_ = (await admin.get("xcom", **named(run))).json()
        assert row.keys() == {"dag_id", "run_id", "task_id", "map_index", "key", "value"}

    async def test_values_of_types_are_served_as_texts(self, admin: Caller) -> None:
        """As Airflow's pages show them, at any depth."""
        run, _, _ = await one_of_each(admin)
        for key, (value, _) in _TYPED.items():
            assert (await put(admin, run, key, value)).status == 204
        assert await served(admin, run) == {key: shown for key, (_, shown) in _TYPED.items()}

    @pytest.mark.parametrize("value", [b"\x80\x04N.", b'{"a": '], ids=["pickled", "no JSON"])
    async def test_a_value_that_cannot_be_read_hides_all_of_its_task_instance(
        self, admin: Caller, value: bytes
    ) -> None:
        """A 500 that says where, and the list of its run is a page."""
        run, _, _ = await one_of_each(admin)
        await put(admin, run, "fine", b"1")
        await put(admin, run, "odd", value)
        said = await admin.get("xcom", **named(run))
        assert said.status == 500
        assert "deserialize_value" in said.json()["error_message"]
        page = await listed(admin, run["run_id"])
        assert (page.status, page.kind) == (500, "text/html")

    async def test_none_is_an_empty_list(self, admin: Caller) -> None:
        """Also of a task instance or a run that there is not; a parameter that lacks is a 400."""
        run, _, _ = await one_of_each(admin)
        for asked in (named(run), named(run, "nope"), named(run | {"run_id": "nope"})):
            assert (await admin.get("xcom", **asked)).json() == []
        said = await admin.get("xcom", dag_id="d")
        assert (said.status, "Missing required key: run_id" in said.json()["error"]) == (400, True)

    async def test_a_key_is_taken_once(self, admin: Caller) -> None:
        """409, and the first value stays."""
        run, _, _ = await one_of_each(admin)
        await put(admin, run, "k", b"1")
        said = await put(admin, run, "k", b"2")
        assert said.status == 409
        assert "UniqueViolation" in said.json()["error_message"]
        assert await served(admin, run) == {"k": b"1"}

    async def test_parents_must_be_there(self, admin: Caller) -> None:
        """A run that lacks is a 404 that names it, a task instance a 409."""
        run, _, _ = await one_of_each(admin)
        said = await put(admin, run | {"run_id": "nope"}, "k", b"1")
        assert (said.status, said.json()) == (404, {"error": "DagRun with dag_id=d and run_id=nope not found"})
        said = await put(admin, run, "k", b"1", task_id="nope")
        assert said.status == 409
        assert "ForeignKeyViolation" in said.json()["error_message"]

    async def test_removing_takes_all_of_a_task_instance(self, admin: Caller) -> None:
        """204, and 204 again."""
        run, _, _ = await one_of_each(admin)
        await put(admin, run, "k", b"1")
        for _ in range(2):
            said = await admin.ask("DELETE", "/api/starship/xcom", **named(run))
            assert (said.status, said.body) == (204, b"")
            assert await served(admin, run) == {}

    async def test_the_list_names_keys_of_a_run_and_of_a_dag(self, admin: Caller) -> None:
        """With their number, a hundred at most, whatever is asked for; nothing of a DAG that nobody knows."""
        run = admin.make.run("d", 1, run_id="a b+c%2Fé:1?&#")
        await admin.store(DAG_RUNS, run)
        await admin.store(TASK_INSTANCES, *(admin.make.task(run, "t", map_index=index) for index in range(3)))
        for index in range(3):
            for number in range(35):
                await put(admin, run, f"k{number:02}", b"1", map_index=index)
        pages = [json.loads((await listed(admin, run["run_id"], limit=1000, offset=at)).body) for at in (0, 100)]
        assert [(page["total_entries"], len(page["xcom_entries"])) for page in pages] == [(105, 100), (105, 5)]
        for row in pages[1]["xcom_entries"]:
            assert row.keys() == {"dag_id", "task_id", "map_index", "key", "execution_date", "timestamp"}
        whole = json.loads((await listed(admin, "~", limit=1)).body)
        assert (whole["total_entries"], len(whole["xcom_entries"])) == (105, 1)
        nothing = json.loads((await listed(admin, "~", dag_id="nope")).body)
        assert nothing == {"xcom_entries": [], "total_entries": 0}

    @releases(since=(2, 11))
    async def test_a_large_value_is_refused(self, admin: Caller) -> None:
        """Up to 983,040 bytes of a request are taken."""
        run, _, _ = await one_of_each(admin)
        assert (await put(admin, run, "fits", b'"' + b"x" * 737_000 + b'"')).status == 204
        assert (await put(admin, run, "more", b'"' + b"x" * 740_000 + b'"')).status == 500
        assert (await put(admin, run, "most", b'"' + b"x" * 800_000 + b'"')).status == 413
        assert (await served(admin, run)).keys() == {"fits"}

    @releases(before=(2, 11))
    async def test_a_large_value_is_taken_in_pieces(self, admin: Caller) -> None:
        """With its length it is a 413, without it is stored."""
        run, _, _ = await one_of_each(admin)
        value = b'"' + b"x" * 2_000_000 + b'"'
        body = json.dumps(named(run) | {"key": "k", "value": b64encode(value).decode()}).encode()

        async def pieces() -> Any:
            for start in range(0, len(body), 65_536):
                yield body[start : start + 65_536]

        assert (await admin.post("xcom", body)).status == 413
        assert (await admin.post("xcom", pieces())).status == 204
        assert await served(admin, run) == {"k": value}


@releases(since=(2, 6), before=(2, 8))
class NoXComContract(Contract):
    """The same before there was anything."""

    async def test_nothing_can_be_done(self, admin: Caller) -> None:
        """409 with the reason, before anything is looked at."""
        said = await admin.get("xcom", **named({"dag_id": "d", "run_id": "r"}))
        assert (said.status, said.json()) == (409, {"error": "XComs require Airflow 2.8 or later"})
