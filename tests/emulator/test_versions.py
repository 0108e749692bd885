"""An emulator is the Airflow that its behaviour names, from the login to the way it hangs up."""

import asyncio
import json
from typing import Any

import pytest

from transfer.emulator import VERSIONS, Behaviour, Emulator, LoginForm, Open, SyntheticHistory, TableHistory, TokenRoute
from transfer.emulator.maker import RowMaker
from transfer.emulator.shape import Shape
from transfer.emulator.traits import Limit, traits_of
from transfer.kinds import DAG_RUNS, TASK_INSTANCES

from .asking import asking

_JSON = {"Content-Type": "application/json"}
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize("version", VERSIONS)
async def test_an_emulator_is_what_its_history_is_of(version: str) -> None:
    """Without a behaviour the version is that of the rows, and the login that of the version."""
    emulator = Emulator(TableHistory(version=version))
    assert emulator.behaviour.airflow_version == version
    assert isinstance(emulator.behaviour.door, TokenRoute if version.startswith("3") else LoginForm)


@pytest.mark.parametrize(("rows", "server"), [("2.11.2", "3.1.8"), ("3.1.8", "2.11.2")])
def test_rows_of_another_generation_cannot_be_served(rows: str, server: str) -> None:
    """An Airflow 3 with the rows of an Airflow 2 would be a mistake of a test."""
    with pytest.raises(ValueError, match=f"an Airflow {server} cannot serve the rows of an Airflow {rows}"):
        Emulator(TableHistory(version=rows), Behaviour(airflow_version=server))


async def test_airflow_3_keeps_connections() -> None:
    """Uvicorn closes no connection after a good answer, unless it is told otherwise."""
    for keep_alive, shown in ((None, None), (False, "close")):
        behaviour = Behaviour(door=Open(), airflow_version="3.1.8", keep_alive=keep_alive)
        async with asking(TableHistory(version="3.1.8"), behaviour) as (_, asker):
            _, headers, _ = await asker.ask("GET", "/api/starship/info")
        assert headers.get("Connection") == shown


@pytest.mark.parametrize(("taken", "told"), [("gzip, deflate", "gzip"), ("deflate", None), ("identity", None)])
async def test_airflow_3_compresses_for_whoever_takes_it(taken: str, told: str | None) -> None:
    """Every answer is compressed with gzip when the client takes that, however small it is."""
    behaviour = Behaviour(door=Open(), airflow_version="3.1.8")
    async with asking(TableHistory(version="3.1.8"), behaviour) as (_, asker):
        _, headers, body = await asker.ask("GET", "/api/starship/dags", headers={"Accept-Encoding": taken})
    assert headers.get("Content-Encoding") == told
    assert body == b"[]"


async def test_after_a_crash_airflow_3_hangs_up_without_a_word() -> None:
    """The answer does not say that the connection is closed, but it is: the next request on it goes nowhere."""
    async with Emulator(TableHistory(version="3.1.8"), Behaviour(door=Open(), airflow_version="3.1.8")) as emulator:
        port = int(emulator.url.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST /api/starship/dag_runs HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}")
        answer = await reader.read()
        writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 500 ")
    assert b"connection" not in head.lower()
    assert body == b"Internal Server Error"


@pytest.mark.parametrize(
    ("simple", "statuses"),
    [(True, {"get": 403, "form": 201, "nothing": 500}), (False, {"get": 404, "form": 422, "nothing": 422})],
)
async def test_the_two_auth_managers(*, simple: bool, statuses: dict[str, int]) -> None:
    """The simple manager takes forms and crashes without a body; FAB's does neither."""
    behaviour = Behaviour(door=TokenRoute(simple=simple), airflow_version="3.1.8")
    async with asking(TableHistory(version="3.1.8"), behaviour) as (_, asker):
        found = {
            "get": await asker.ask("GET", "/auth/token"),
            "form": await asker.ask("POST", "/auth/token", body=b"username=admin&password=admin", headers=_FORM),
            "nothing": await asker.ask("POST", "/auth/token", body=b"", headers=_JSON),
        }
    assert {name: status for name, (status, _, _) in found.items()} == statuses


@pytest.mark.parametrize(("simple", "status"), [(True, 200), (False, 403)])
async def test_viewers_of_airflow_3(*, simple: bool, status: int) -> None:
    """With the simple manager a viewer may use Starship, with FAB's not."""
    door = TokenRoute(simple=simple)
    async with asking(TableHistory(version="3.1.8"), Behaviour(door=door, airflow_version="3.1.8")) as (_, asker):
        assert await asker.info(Authorization=f"Bearer {door.let_in('viewer')}") == status


async def test_a_synthetic_airflow_3_cannot_be_written() -> None:
    """A POST to a read-only history is an SQL error there, too."""
    history = SyntheticHistory(Shape(version="3.1.8"))
    async with asking(history, Behaviour(door=Open(), airflow_version="3.1.8")) as (_, asker):
        assert await asker.insert("dag_runs", dag_runs=[RowMaker("3.1.8").run("d", 1)]) == 400


@pytest.mark.parametrize("exact", [True, False])
async def test_compact_json_of_airflow_3_says_the_same(*, exact: bool) -> None:
    """Fast JSON is the same JSON; it is compact already."""
    history = SyntheticHistory(Shape(runs=5, unicode=True, version="3.1.8"))
    behaviour = Behaviour(door=Open(), exact=exact, airflow_version="3.1.8")
    async with asking(history, behaviour) as (_, asker):
        _, _, body = await asker.ask("GET", "/api/starship/dag_runs?dag_id=dag_0000")
    wanted: dict[str, Any] = {"dag_runs": list(history.runs("dag_0000")), "dag_run_count": 5}
    assert json.loads(body) == wanted
    assert body == json.dumps(wanted, ensure_ascii=False, separators=(",", ":")).encode()


async def test_a_dag_that_was_parsed_can_be_shown() -> None:
    """Airflow 3 shows a DAG once its file was parsed."""
    table = TableHistory([RowMaker("3.1.8").dag("d")], version="3.1.8")
    async with asking(table, Behaviour(door=Open(), airflow_version="3.1.8")) as (_, asker):
        assert (await asker.ask("GET", "/api/v2/dags/d"))[0] == 404
        table.dag_versions.parse("d")
        status, _, body = await asker.ask("GET", "/api/v2/dags/d")
    assert (status, json.loads(body)["dag_id"]) == (200, "d")


async def test_dags_are_listed_by_the_page() -> None:
    """Airflow 3 lists DAGs with a row, parsed or not, at most a hundred at once; a negative slice is refused."""
    maker = RowMaker("3.1.8")
    table = TableHistory([maker.dag(f"d{number:03d}") for number in range(120)], version="3.1.8")
    table.dag_versions.parse("d101")
    async with asking(table, Behaviour(door=Open(), airflow_version="3.1.8")) as (_, asker):
        pages = [json.loads((await asker.ask("GET", f"/api/v2/dags?limit=500&offset={at}"))[2]) for at in (0, 100)]
        assert (await asker.ask("GET", "/api/v2/dags?limit=-1"))[0] == 422
    assert [(len(page["dags"]), page["total_entries"]) for page in pages] == [(100, 120), (20, 120)]
    parsed = [dag["dag_id"] for page in pages for dag in page["dags"] if dag["last_parsed_time"]]
    assert parsed == ["d101"]


async def test_clearing_a_run_of_airflow_3_gives_the_id_to_the_try() -> None:
    """The try keeps the id that its task instance had, which gets a new one: the old may be sent again."""
    maker, table = RowMaker("3.1.8"), TableHistory(version="3.1.8")
    run = maker.run("d", 1)
    task = maker.task(run, "t")
    table.add(DAG_RUNS, run)
    table.add(TASK_INSTANCES, task)
    table.clear_run("d", run["run_id"])
    rows = table.snapshot()
    assert [row["task_instance_id"] for row in rows["task_instance_history"]] == [task["id"]]
    assert [row["id"] != task["id"] for row in rows["task_instances"]] == [True]


def test_traits_change_when_they_were_seen_to() -> None:
    """What a release brought stays until another one changes it."""
    limits = [traits_of(version).limit for version in VERSIONS[:-1]]
    assert limits == [Limit.NONE] * 4 + [Limit.ANNOUNCED] * 3 + [Limit.CUT]
    assert [traits_of(version).opaque for version in VERSIONS[:-1]] == [True, True, *[False] * 6]
    assert [traits_of(version).fields for version in VERSIONS[:-1]] == [*[False] * 5, True, True, True]


async def test_logins_are_not_counted_before_2_6() -> None:
    """An older Airflow lets everybody try as often as they like."""
    for version, limited in (("2.5.3", False), ("2.6.3", True)):
        async with asking(TableHistory(version=version), Behaviour(airflow_version=version)) as (_, asker):
            statuses = [await _posted(asker) for _ in range(6)]
        assert (429 in statuses) is limited


async def _posted(asker: Any) -> int:
    _, headers, body = await asker.ask("GET", "/login/")
    token = body.partition(b'type="hidden" value="')[2].partition(b'"')[0].decode()
    cookie = headers["Set-Cookie"].partition(";")[0]
    form = f"csrf_token={token}&username=admin&password=wrong".encode()
    status: int = (await asker.ask("POST", "/login/", body=form, headers=_FORM | {"Cookie": cookie}))[0]
    return status
