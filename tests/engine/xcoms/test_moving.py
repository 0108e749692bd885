"""Moving the XComs of the runs that were moved."""

from pathlib import Path

import pytest

from tests.engine.tables import add_run, empty_like, history
from transfer.capabilities import capabilities
from transfer.emulator import TableHistory
from transfer.emulator.rows import run_row, task_row
from transfer.emulator.xcoms import XComStore
from transfer.engine.xcoms.check import check_versions
from transfer.errors import UnsupportedError
from transfer.kinds import DAG_RUNS, TASK_INSTANCES
from transfer.model import ServerInfo, SideName

from .moving import DAG, TUPLE, tasks_of, xcom_world

pytestmark = pytest.mark.anyio

VALUES = {
    "return_value": b'{"a": [1, 2.5, null, true], "gr\\u00f6\\u00dfe": "\\u6f22 (not a tuple"}',
    "number": b"1606938044258990275541962092341162602522202993782792835301376",
    "nan": b'{"a": NaN, "b": [Infinity, -0.0]}',
    "nothing": b"null",
    "text": b'"\\ud800 (a) b"',
}


async def test_values_arrive_byte_by_byte(tmp_path: Path) -> None:
    """Whatever JSON they are, of every task instance that has any."""
    table = history(4)
    async with xcom_world(tmp_path, table) as world:
        for task in tasks_of(table):
            for key, value in VALUES.items():
                world.source.xcoms.put(task, key, value)
        ending = await world.move()
        assert (ending.problems, ending.left, ending.stopped) == ({}, {}, False)
        assert world.arrived() == world.source.xcoms.values
        assert await world.counted() == {"moved": 40, "bytes": 8 * sum(map(len, VALUES.values()))}
        assert world.progress.snapshot().rows_sent == 40


async def test_a_second_run_asks_nobody_for_anything(tmp_path: Path) -> None:
    """What is done is done, also where something was not sent for what it is."""
    table = history(4)
    async with xcom_world(tmp_path, table) as world:
        for task in tasks_of(table):
            world.source.xcoms.put(task, "return_value", b"1")
        world.source.xcoms.put(tasks_of(table)[0], "pair", TUPLE)
        await world.move()
        before = world.lists(), world.reads(), world.writes()
        await world.move()
        assert (world.lists(), world.reads(), world.writes()) == before
        assert (await world.counted())["moved"] == 8
        assert len(world.rejected()) == 1


async def test_a_dag_without_any_costs_one_request(tmp_path: Path) -> None:
    """The list says so for all of its runs at once."""
    async with xcom_world(tmp_path, history(30)) as world:
        await world.move()
        assert (world.lists(), world.reads(), world.writes()) == (1, 0, 0)
        assert await world.counted() == {}


async def test_task_instances_without_any_are_not_asked(tmp_path: Path) -> None:
    """One request for each run says which have some."""
    table = history(4, tasks=20)
    async with xcom_world(tmp_path, table) as world:
        task = tasks_of(table)[25]
        world.source.xcoms.put(task, "return_value", b"1")
        await world.move()
        assert (world.lists(), world.reads(), world.writes()) == (1 + 4, 1, 1)
        assert world.arrived() == {task: {"return_value": b"1"}}


async def test_a_closed_list_costs_a_request_for_each_task_instance(tmp_path: Path) -> None:
    """An id that cannot be part of an address closes it for that run only."""
    table = empty_like(history(0))
    for name in ("a/b", "plain"):
        run = run_row(DAG, len(name), run_id=name)
        table.add(DAG_RUNS, run)
        for number in range(5):
            table.add(TASK_INSTANCES, task_row(run, f"t{number}"))
    async with xcom_world(tmp_path, table) as world:
        for run_id in ("a/b", "plain"):
            world.source.xcoms.put((DAG, run_id, "t3", -1), "k", b"1")
        await world.move()
        assert world.reads() == 5 + 1
        assert world.arrived() == world.source.xcoms.values


async def test_a_list_of_several_pages_is_read_to_its_end(tmp_path: Path) -> None:
    """Each index of a mapped task, 250 of them, of which every second has a value."""
    table = empty_like(history(0))
    run = run_row(DAG, 1, run_id="r")
    table.add(DAG_RUNS, run)
    for index in range(250):
        table.add(TASK_INSTANCES, task_row(run, "t", map_index=index))
    async with xcom_world(tmp_path, table) as world:
        for index in range(0, 250, 2):
            for key in ("x", "y"):
                world.source.xcoms.put((DAG, "r", "t", index), key, b"%d" % index)
        await world.move()
        assert (world.lists(), world.reads()) == (1 + 3, 125)
        assert world.arrived() == world.source.xcoms.values


async def test_pages_that_do_not_add_up_are_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before 2.10 ties between pages may repeat keys and lose others: then every task instance is asked."""
    table = empty_like(history(0))
    run = run_row(DAG, 1, run_id="r")
    table.add(DAG_RUNS, run)
    for index in range(150):
        table.add(TASK_INSTANCES, task_row(run, "t", map_index=index))
    of_dag = XComStore.of_dag

    def repeating(store: XComStore, dag_id: str, run_id: str | None) -> list[object]:
        rows: list[object] = list(of_dag(store, dag_id, run_id))
        rows[120:122] = rows[5:7]
        return rows

    async with xcom_world(tmp_path, table, versions=("2.8.4", "2.8.4")) as world:
        for index in range(150):
            world.source.xcoms.put((DAG, "r", "t", index), "k", b"%d" % index)
        monkeypatch.setattr(XComStore, "of_dag", repeating)
        await world.move()
        assert world.reads() == 150
        assert world.arrived() == world.source.xcoms.values


async def test_before_2_11_a_large_value_goes_in_pieces(tmp_path: Path) -> None:
    """There a body without its length is not bounded."""
    table = history(1)
    task, *_ = tasks_of(table)
    async with xcom_world(tmp_path, table, versions=("2.11.2", "2.10.5")) as world:
        world.source.xcoms.put(task, "big", b'"' + b"x" * 3_000_000 + b'"')
        await world.move()
        assert world.arrived() == world.source.xcoms.values
        assert world.rejected() == []


async def test_what_is_there_already_stays(tmp_path: Path) -> None:
    """Another value under the same key is not replaced; it counts as there."""
    table = history(1)
    task, *_ = tasks_of(table)
    async with xcom_world(tmp_path, table) as world:
        world.source.xcoms.put(task, "k", b"1")
        world.target.xcoms.put(task, "k", b"2")
        await world.move()
        assert world.arrived() == {task: {"k": b"2"}}
        assert await world.counted() == {"already": 1}


async def test_runs_that_the_target_had_are_left_alone_unless_asked_for(tmp_path: Path) -> None:
    """The job did not write them."""
    table = history(2)
    task, *_ = tasks_of(table)
    async with xcom_world(tmp_path, table, history(2)) as world:
        world.source.xcoms.put(task, "k", b"1")
        await world.move()
        assert world.arrived() == {}
        await world.move(found=True)
        assert world.arrived() == {task: {"k": b"1"}}


async def test_a_later_run_moves_the_xcoms_of_what_is_new(tmp_path: Path) -> None:
    """Of runs that were moved since; the others are not asked for again."""
    table = history(3)
    async with xcom_world(tmp_path, table) as world:
        for task in tasks_of(table):
            world.source.xcoms.put(task, "k", b"1")
        await world.move()
        before = world.reads()
        add_run(table, 10)
        for task in tasks_of(table):
            world.source.xcoms.put(task, "k", b"1")
        await world.world.run()
        await world.move()
        assert world.arrived() == world.source.xcoms.values
        assert world.reads() == before + 2


@pytest.mark.parametrize("versions", [("2.7.3", "2.11.2"), ("2.11.2", "2.7.3")])
async def test_versions_without_xcoms_are_refused_with_the_reason(tmp_path: Path, versions: tuple[str, str]) -> None:
    """Before anything is asked for."""
    table = history(1)
    old = table if versions[0] != "2.7.3" else _of_version("2.7.3")
    target = _of_version("2.7.3") if versions[1] == "2.7.3" else None
    async with xcom_world(tmp_path, old, target, versions=versions) as world:
        with pytest.raises(UnsupportedError, match=r"XComs cannot be moved with Airflow 2\.7"):
            await world.move()
        assert world.reads() == 0


@pytest.mark.parametrize("side", ["source", "target"])
def test_airflow_3_is_refused_with_the_reason(side: SideName) -> None:
    """Starship has no such route there, and Airflow's own would store something else."""
    old, new = (ServerInfo(version, "2.10.1") for version in ("2.11.2", "3.1.8"))
    pair = {"source": old, "target": old} | {side: new}
    with pytest.raises(UnsupportedError, match=rf"{side}: XComs cannot be moved with Airflow 3\.1: Starship does not"):
        check_versions(capabilities("source", pair["source"]), capabilities("target", pair["target"]))


def _of_version(version: str) -> TableHistory:
    return TableHistory((dag.copy() for dag in history(0).dags()), version=version)
