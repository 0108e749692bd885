"""What cannot be moved, or should not be: reported with the reason, and everything beside it moves."""

import json
from pathlib import Path

import pytest

from tests.engine.tables import history

from .moving import TUPLE, tasks_of, xcom_world

pytestmark = pytest.mark.anyio

DATE = (
    b'{"when": {"__classname__": "datetime.datetime", "__version__": 2, "__data__": {"timestamp": 1.0, "tz": "UTC"}}}'
)


async def test_what_starship_changes_is_reported_and_not_sent(tmp_path: Path) -> None:
    """A tuple, a date within: their reasons are kept, and what stands beside them moves."""
    table = history(1)
    task, *_ = tasks_of(table)
    async with xcom_world(tmp_path, table) as world:
        for key, value in {"pair": TUPLE, "date": DATE, "fine": b"1"}.items():
            world.source.xcoms.put(task, key, value)
        ending = await world.move()
        assert ending.problems == {}
        assert world.arrived() == {task: {"fine": b"1"}}
        reasons = {row.key: row.reason for row in world.rejected()}
        assert reasons.keys() == {"task_0 pair", "task_0 date"}
        assert "a tuple or a set" in reasons["task_0 pair"]
        assert "a Python type" in reasons["task_0 date"]
        assert "timestamp" not in str(reasons)


async def test_it_is_sent_as_it_is_read_by_whoever_wants_that(tmp_path: Path) -> None:
    """With ``again`` only what was refused is made up for, and nothing is counted twice."""
    table = history(2)
    task, other, *_ = tasks_of(table)
    async with xcom_world(tmp_path, table) as world:
        world.source.xcoms.put(task, "pair", TUPLE)
        world.source.xcoms.put(task, "fine", b"1")
        world.source.xcoms.put(other, "fine", b"2")
        await world.move()
        await world.move(again=True, doubtful=True)
        assert world.arrived() == {task: {"fine": b"1", "pair": b'"(1,2)"'}, other: {"fine": b"2"}}
        assert world.rejected() == []
        assert await world.counted() == {"moved": 3, "bytes": 2 + len(b'"(1,2)"')}


async def test_a_task_instance_that_the_source_cannot_read_is_reported(tmp_path: Path) -> None:
    """One pickled value: the others of its task instance cannot be read either, those beside it move."""
    table = history(1)
    task, other = tasks_of(table)
    async with xcom_world(tmp_path, table) as world:
        world.source.xcoms.put(task, "pickled", b"\x80\x04N.")
        world.source.xcoms.put(other, "fine", b"1")
        await world.move()
        assert world.arrived() == {other: {"fine": b"1"}}
        (row,) = world.rejected()
        assert (row.kind, row.key) == ("xcoms", "task_0")
        assert "pickled" in row.reason


async def test_a_value_that_is_too_large_is_reported_with_its_size_and_not_sent(tmp_path: Path) -> None:
    """Airflow 2.11 takes about 737,000 bytes; the largest that it takes arrives."""
    table = history(1)
    task, other = tasks_of(table)
    async with xcom_world(tmp_path, table) as world:
        world.source.xcoms.put(task, "big", b'"' + b"x" * 1_000_000 + b'"')
        world.source.xcoms.put(other, "fits", b'"' + b"x" * 737_000 + b'"')
        await world.move()
        assert world.arrived() == {other: {"fits": b'"' + b"x" * 737_000 + b'"'}}
        assert world.writes() == 1
        (row,) = world.rejected()
        assert "1,000,002 bytes" in row.reason


async def test_no_value_is_in_the_state_directory_or_a_reason(tmp_path: Path) -> None:
    """XComs may hold secrets: what is refused, or stored, leaves no trace but its names."""
    table = history(1)
    task, *_ = tasks_of(table)
    canary = "canary-xcom-9f8e7d"
    async with xcom_world(tmp_path, table) as world:
        world.source.xcoms.put(task, "pair", json.dumps(f"({canary})").encode())
        world.source.xcoms.put(task, "text", json.dumps(canary).encode())
        world.target.xcoms.put(task, "text", b"1")
        await world.move()
        assert canary not in str(world.rejected())
    files = _contents(tmp_path)
    assert files
    assert not [content for content in files if canary.encode() in content]


def _contents(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
