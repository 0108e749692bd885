"""Moving the logs of the runs that were moved."""

from pathlib import Path
from random import Random

import pytest

from tests.engine.tables import empty_like, history
from transfer.client.logs import LogName
from transfer.emulator.rows import run_row, task_row
from transfer.kinds import DAG_RUNS, TASK_INSTANCES

from .moving import DAG, log_world, names_of

pytestmark = pytest.mark.anyio

NOISE = Random(7).randbytes(3_000_000)  # noqa: S311 - reproducible


async def test_every_try_of_every_run_arrives_byte_by_byte(tmp_path: Path) -> None:
    """Earlier tries and the present one, empty logs and binary ones."""
    table = history(4)
    async with log_world(tmp_path, table) as world:
        names = names_of(table)
        contents = {name: NOISE[number : 90_000 * number] for number, name in enumerate(names)}
        for name, content in contents.items():
            world.write(name, content)
        ending = await world.move()
        assert (ending.problems, ending.left, ending.stopped) == ({}, {}, False)
        assert {name: world.arrived(name) for name in names} == contents
        assert await world.counted() == {"moved": 12, "bytes": sum(map(len, contents.values()))}
        assert len(world.target.logs.files) == 12


async def test_a_second_run_asks_nobody_for_anything(tmp_path: Path) -> None:
    """What is done is done."""
    table = history(4)
    async with log_world(tmp_path, table) as world:
        for name in names_of(table):
            world.write(name, b"once")
        await world.move()
        before = len(world.source.asked("GET", "task_log"))
        await world.move()
        assert len(world.source.asked("GET", "task_log")) == before + 2  # to see whether logs can be moved at all
        assert (await world.counted())["moved"] == 12


async def test_missing_logs_are_counted_and_no_error(tmp_path: Path) -> None:
    """A log that the source does not have is none; it is not looked for again."""
    table = history(4)
    async with log_world(tmp_path, table) as world:
        first, *_ = names_of(table)
        world.write(first, b"the only one")
        ending = await world.move()
        assert ending.problems == {}
        assert await world.counted() == {"moved": 1, "missing": 11, "bytes": 12}
        assert world.rejected() == []


async def test_odd_names_and_mapped_tasks_arrive(tmp_path: Path) -> None:
    """Names with +, :, %, &, #, spaces and letters of all kinds, and each index of a mapped task."""
    table = empty_like(history(0))
    names = []
    for number, odd in enumerate(
        ["a+b", "x:y", "100%", "ünï cødé", "a&b=c", "a#b?c", "scheduled__2024-01-01T00:00:00+00:00"]
    ):
        run = run_row(DAG, number, run_id=odd)
        table.add(DAG_RUNS, run)
        for index in range(2):
            table.add(TASK_INSTANCES, task_row(run, "grüße.mapped", map_index=index))
            names.append(LogName(DAG, odd, "grüße.mapped", index, 1))
    async with log_world(tmp_path, table) as world:
        for name in names:
            world.write(name, name.run_id.encode() + bytes([name.map_index]))
        await world.move()
        assert {world.arrived(name) for name in names} == {n.run_id.encode() + bytes([n.map_index]) for n in names}


@pytest.mark.parametrize("run_id", ["a/../../b", "/etc", "a//b", "a/./b", "a/.."])
async def test_a_name_that_would_leave_the_folder_is_refused(tmp_path: Path, run_id: str) -> None:
    """Nothing is read or written under it, and the reason is kept."""
    table = empty_like(history(0))
    run = run_row(DAG, 1, run_id=run_id)
    table.add(DAG_RUNS, run)
    table.add(TASK_INSTANCES, task_row(run, "t"))
    async with log_world(tmp_path, table) as world:
        world.write(LogName(DAG, run_id, "t", -1, 1), b"outside")
        await world.move()
        assert world.target.logs.files == {}
        (row,) = world.rejected()
        assert (row.kind, row.run_id, row.key) == ("task_logs", run_id, "t try 1")
        assert "out of the log's folder" in row.reason


async def test_an_id_with_a_slash_that_stays_inside_arrives(tmp_path: Path) -> None:
    """It makes a folder of its own, on both sides the same."""
    table = empty_like(history(0))
    run = run_row(DAG, 1, run_id="a/b")
    table.add(DAG_RUNS, run)
    table.add(TASK_INSTANCES, task_row(run, "t"))
    async with log_world(tmp_path, table) as world:
        world.write(LogName(DAG, "a/b", "t", -1, 1), b"inside")
        await world.move()
        assert world.arrived(LogName(DAG, "a/b", "t", -1, 1)) == b"inside"


async def test_runs_that_the_target_had_are_left_alone_unless_asked_for(tmp_path: Path) -> None:
    """And then their logs are only added where there are none."""
    table = history(2)
    async with log_world(tmp_path, table, history(2)) as world:
        first, second, *_ = names_of(table)
        for name in (first, second):
            world.write(name, b"of the source")
        world.target.logs.put(b"of the target", **first.params)
        await world.move()
        assert world.arrived(second) is None
        await world.move(found=True)
        assert world.arrived(first) == b"of the target"
        assert world.arrived(second) == b"of the source"
        assert await world.counted() == {"moved": 1, "already": 1, "missing": 4, "bytes": 13}


async def test_a_task_that_never_ran_is_not_asked_for(tmp_path: Path) -> None:
    """Skipped, removed or never begun: there can be no log, and no request is made for one."""
    table = empty_like(history(0))
    run = run_row(DAG, 1)
    table.add(DAG_RUNS, run)
    for state in ("skipped", "upstream_failed", "removed", None):
        table.add(TASK_INSTANCES, task_row(run, f"t_{state}", state=state, start_date=None, try_number=0))
        table.add(TASK_INSTANCES, task_row(run, f"u_{state}", state=state, start_date=None, try_number=1))
    async with log_world(tmp_path, table) as world:
        await world.move()
        asked = [exchange.params["task_id"] for exchange in world.source.asked("GET", "task_log")]
        assert [task for task in asked if task != "probe"] == []
        assert await world.counted() == {}
