"""XComs on real deployments: what arrives, what is reported, and what a kill costs; judged by SQL."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import available
from .job import Job, Result
from .pairs import EVERYTHING
from .rig import Connection, Rig, boot_pair
from .seed import Seeded, register_dags, seed_history

Key = tuple[str, str, str, int, str]

PLAIN: dict[str, bytes] = {
    "return_value": json.dumps({"größe": ["漢字", 1, 2.5, -0.0, 1e300, None, True], "n": 2**70}).encode(),
    "nan + ü:%2F?&#": b'{"a": NaN, "b": [Infinity, -Infinity]}',
    "text": json.dumps("a (not) a tuple\nand no date@version \ud800 🐍").encode(),
    "nothing": b"null",
    "empty": b'""',
}
TYPED: dict[str, bytes] = {
    "tuple": b'{"__classname__": "builtins.tuple", "__version__": 1, "__data__": [1, 2]}',
    "set in a list": b'[{"__classname__": "builtins.set", "__version__": 1, "__data__": ["x"]}]',
    "date": b'{"__classname__": "datetime.datetime", "__version__": 2, "__data__": {"timestamp": 1.5, "tz": "UTC"}}',
    "decimal": b'{"d": {"__classname__": "decimal.Decimal", "__version__": 1, "__data__": "1.10"}}',
    "own class": b'{"__classname__": "my.pkg.Thing", "__version__": 3, "__data__": {"a": 1}}',
}
_PUT = """
    INSERT INTO xcom (dag_run_id, task_id, map_index, key, dag_id, run_id, value, timestamp)
    SELECT r.id, t.task_id, t.map_index, %s, t.dag_id, t.run_id, %s, now()
    FROM task_instance t JOIN dag_run r USING (dag_id, run_id) WHERE r.state IN ('success', 'failed')
"""
_READ = "SELECT dag_id, run_id, task_id, map_index, key, value FROM xcom"


@pytest.fixture
def small(source: Connection, target: Connection) -> Seeded:
    """A short history with mapped tasks, and its DAG on the target."""
    seeded = seed_history(source, dags=1, runs=9, tasks=3, wide=0)
    register_dags(target, seeded.dag_ids)
    return seeded


def put(conn: Connection, values: dict[str, bytes], where: str = "true") -> int:
    """Store values for every task instance of a finished run that fits ``where``; return how many were stored."""
    return sum(conn.execute(f"{_PUT} AND {where}", [key, value]).rowcount for key, value in values.items())


def stored(conn: Connection) -> dict[Key, bytes]:
    """Return all XComs, as bytes of the database."""
    return {row[:5]: bytes(row[5]) for row in conn.execute(_READ)}


def some_run(conn: Connection, number: int) -> str:
    """Return SQL that is true for one finished run that has task instances."""
    runs = conn.execute(
        "SELECT DISTINCT run_id FROM task_instance JOIN dag_run USING (dag_id, run_id)"
        " WHERE dag_run.state IN ('success', 'failed') ORDER BY 1"
    ).fetchall()
    name = str(runs[number][0]).replace("'", "''").replace("%", "%%")
    return f"t.run_id = '{name}'"


def moved(job: Job, *arguments: str) -> Result:
    """Move the XComs of what was moved."""
    return job.run(*arguments, command="xcoms")


def test_plain_values_arrive_byte_by_byte_and_a_rerun_sends_nothing(
    job: Job, small: Seeded, source: Connection, target: Connection
) -> None:
    """Of some task instances, with every plain kind of JSON; the source stays what it was."""
    count = put(source, PLAIN, "t.task_id <> 'group.task_00'")
    before = stored(source)
    first = job.run("--xcoms")
    assert first.code == 0, first.err
    assert first.summary["xcoms"] == {"moved": count, "already": 0, "rejected": 0, "bytes": _size(before)}
    assert stored(target) == before == stored(source)
    assert small.finished_runs == first.kinds["dag_runs"]["moved"]

    second = moved(job)
    assert second.code == 0
    assert second.summary["this_run"]["xcoms_sent"] == 0
    assert second.summary["xcoms"] == first.summary["xcoms"]


def _size(values: dict[Key, bytes]) -> int:
    return sum(map(len, values.values()))


def test_what_cannot_be_moved_is_reported_and_all_else_arrives(
    job: Job, small: Seeded, source: Connection, target: Connection
) -> None:
    """Values of Python types, pickled ones, one of 1 MB: with the reason; the largest that fits arrives."""
    assert small.finished_runs
    put(source, TYPED | {"fine": b"1"}, some_run(source, 0))
    put(source, {"pickled": b"\x80\x04N.", "lost": b"1"}, some_run(source, 2) + " AND t.task_id = 'group.task_00'")
    put(source, {"fine": b"2"}, some_run(source, 2) + " AND t.task_id <> 'group.task_00'")
    large = {"1 MB": b'"' + b"x" * 1_048_576 + b'"', "largest": b'"' + b"x" * 737_000 + b'"'}
    put(source, large, some_run(source, 3) + " AND t.task_id = 'group.task_01'")
    assert job.run().code == 0

    result = moved(job)

    assert result.code == 3
    wanted = {key: value for key, value in stored(source).items() if key[4] in ("fine", "largest")}
    assert stored(target) == wanted
    assert result.summary["xcoms"]["moved"] == len(wanted)
    listed = job.run("--rejected", command="status").out
    assert "a value of a Python type" in listed
    assert "a tuple or a set" in listed
    assert "the source itself cannot read them" in listed
    assert "1,048,578 bytes" in listed
    assert moved(job).summary["this_run"]["xcoms_sent"] == 0


def test_values_that_are_there_stay_and_later_ones_follow(
    job: Job, small: Seeded, source: Connection, target: Connection
) -> None:
    """A duplicate is no error; `--found` adds to runs that the target had."""
    assert small.finished_runs
    count = put(source, {"a": b"1", "b": b"2"}, some_run(source, 0))
    assert job.run().code == 0
    put(target, {"a": b'"of the target"'}, some_run(source, 0))

    result = moved(job)

    assert result.code == 0, result.err
    assert result.summary["xcoms"]["already"] == result.summary["xcoms"]["moved"] == count // 2
    assert {value for key, value in stored(target).items() if key[4] == "a"} == {b'"of the target"'}


def test_killed_in_the_middle_it_goes_on_and_nothing_is_doubled(
    job: Job, small: Seeded, source: Connection, target: Connection
) -> None:
    """SIGKILL while values are written; the next run brings what lacks."""
    assert small.finished_runs
    count = put(source, {f"k{number}": b'{"v": [1, 2]}' for number in range(4)})
    with job.started("--xcoms") as process:
        job.target.webserver.service.wait_until(
            lambda: len(stored(target)) > count // 3 or process.poll() is not None, 120
        )
        process.send_signal(signal.SIGKILL)

    result = moved(job)

    assert result.code == 0, result.err
    assert stored(target) == stored(source)
    counted = result.summary["xcoms"]
    assert counted["moved"] + counted["already"] == count


@pytest.fixture(scope="module")
def older() -> Iterator[Rig]:
    """A source of 2.8, whose list of XComs is ordered otherwise, and a target of 2.10, which takes large values."""
    if not EVERYTHING:
        pytest.skip("TRANSFER_LIVE_ALL=1 boots this pair")
    with available(boot_pair("2.8.4", "2.10.5")) as rig:
        yield rig


def test_to_2_10_a_large_value_arrives_as_it_is(older: Rig, tmp_path: Path) -> None:
    """3 MB, and 400 keys of a mapped task, whose pages tie on 2.8."""
    older.reset()
    job = Job(older.source, older.target, tmp_path)
    with older.source.connect() as source, older.target.connect() as target:
        seeded = seed_history(source, dags=1, runs=8, tasks=3, wide=400)
        register_dags(target, seeded.dag_ids)
        put(source, {"return_value": b"[1, 2]"}, "t.map_index >= 0")
        put(source, {"big": b'"' + b"y" * 3_000_000 + b'"'}, some_run(source, 0) + " AND t.task_id = 'group.task_00'")
        result = job.run("--xcoms")
        assert result.code == 0, result.err
        assert stored(target) == stored(source)
        assert result.summary["xcoms"]["moved"] == len(stored(source))
