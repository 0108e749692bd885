"""From any version to any version: the real program between real servers, judged by SQL under the rules of `expect`.

The usual selection is short. TRANSFER_LIVE_ALL=1 asks for all pairs of versions and for more rows, which takes half an
hour.
"""

import json
import random
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

import pytest

from .awkward import BOGUS, make_awkward
from .compare import compare
from .conftest import available
from .job import Job
from .later import finished_run_ids
from .login import fetch
from .pairs import EVERYTHING, FULL, LARGE, SMALL, Pairs, one, prepare
from .plant import plant_everywhere
from .rig import Connection, Rig
from .seed import Seeded
from .tables import columns_of
from .undone import assert_undone

Direction = tuple[str, str, Mapping[str, int]]

_TO_3 = ("2.11.2", "3.1.8")
_USUAL: list[Direction] = [
    (*_TO_3, SMALL),
    ("2.4.3", "2.11.2", SMALL),
]
_ALL: list[Direction] = [
    (*_TO_3, FULL),
    ("2.10.5", "3.1.8", LARGE),
    ("2.8.4", "3.1.8", LARGE),
    ("2.4.3", "3.1.8", LARGE),
    ("3.1.8", "3.1.8", LARGE),
    ("2.8.4", "2.11.2", LARGE),
    ("2.4.3", "2.11.2", LARGE),
    ("2.11.2", "2.8.4", LARGE),
    ("2.9.3", "2.6.3", LARGE),
    ("2.6.3", "2.9.3", LARGE),
    ("2.11.2", "2.4.3", LARGE),
]
_DIRECTIONS = _ALL if EVERYTHING else _USUAL
_SECONDS = 1200


@pytest.fixture(scope="module")
def pairs() -> Iterator[Pairs]:
    """The pair of sides that was asked for last; tests of one pair stand together, so that it is booted once."""
    with Pairs(available) as booted:
        yield booted


def assert_the_same(rig: Rig) -> None:
    """Check that the target has all of the source's finished history, and nothing else."""
    with rig.source.connect() as source, rig.target.connect() as target:
        assert compare(source, target, most=10) == []


def keeps_tries(rig: Rig) -> bool:
    """Tell whether the target has a place for earlier tries, which is so from 2.10 on."""
    with rig.target.connect() as target:
        return bool(columns_of(target, "task_instance_history"))


def ids(target: Connection) -> str:
    """Return a digest of the ids of all task instances and tries of an Airflow 3."""
    digests = [
        one(target, f"SELECT md5(string_agg({name}::text, '' ORDER BY {name})) FROM {table}")  # noqa: S608  constants
        for table, name in (("task_instance", "id"), ("task_instance_history", "task_instance_id"))
    ]
    return " ".join(digests)


def test_killed_and_resumed_on_the_way_to_airflow_3(pairs: Pairs, tmp_path: Path) -> None:
    """Three kills lose and double nothing; what is removed then comes back, with the ids that it had."""
    rig = pairs.of(*_TO_3)
    seeded, job = prepare(rig, SMALL), Job(rig.source, rig.target, tmp_path)
    moments = random.Random(20261120)  # noqa: S311  the same moments at every run
    with rig.target.connect() as target:
        for _ in range(3):
            _kill_after(moments.randrange(1, 900), job, target)
        result = job.run()

        assert result.code == 0, result.err
        assert_the_same(rig)
        assert result.kinds["dag_runs"]["moved"] == seeded.finished_runs

        before, left = ids(target), _remove_a_part(target)
        (tmp_path / "again").mkdir()
        again = Job(rig.source, rig.target, tmp_path / "again").run()
        assert again.code == 0, again.err
        assert again.kinds["dag_runs"]["already_there"] == left
        assert_the_same(rig)
        assert ids(target) == before


def _remove_a_part(target: Connection) -> int:
    """Remove every third run, some task instances of others and some tries; return how many runs are left."""
    target.execute("DELETE FROM dag_run WHERE id % 3 = 0")
    target.execute("DELETE FROM task_instance WHERE md5(id::text) < '2'")
    target.execute("DELETE FROM task_instance_history WHERE md5(task_instance_id::text) < '4'")
    return int(one(target, "SELECT count(*) FROM dag_run"))


def test_undone_on_airflow_3(pairs: Pairs, tmp_path: Path) -> None:
    """What was moved is taken back through /api/v2, and every row that was there before is as it was."""
    assert_undone(pairs.of(*_TO_3), tmp_path)


def test_a_rival_on_airflow_3_keeps_one_run_out(pairs: Pairs, tmp_path: Path) -> None:
    """A run whose logical date another one has there is rejected with the reason, with all that hangs on it."""
    rig = pairs.of(*_TO_3)
    prepare(rig, SMALL)
    with rig.source.connect() as source, rig.target.connect() as target:
        key = ("history_001", finished_run_ids(source, "history_001")[40])
        target.execute(
            "INSERT INTO dag_run (dag_id, run_id, logical_date, run_after, state, run_type, clear_number)"
            " SELECT %s, 'the rival', %s, %s, 'success', 'manual', 0",
            [key[0], *[_logical_date(source, key)] * 2],
        )

        result = Job(rig.source, rig.target, tmp_path).run()

        assert result.code == 3, result.err
        assert result.kinds["dag_runs"]["rejected"] == 1
        assert "dag_run_dag_id_logical_date_key" in result.summary["rejected"][0]
        differences = compare(source, target)
    missing = [found for found in differences if found.verdict == "missing"]
    assert {(found.key[0], found.key[1 if found.table == "dag_run" else 2]) for found in missing} == {key}
    assert [found.key for found in differences if found.verdict != "missing"] == [("history_001", "the rival")]


def _logical_date(source: Connection, key: tuple[str, str]) -> object:
    query = "SELECT execution_date FROM dag_run WHERE dag_id = %s AND run_id = %s"
    return (source.execute(query, key).fetchone() or (None,))[0]


def _kill_after(rows: int, job: Job, target: Connection) -> None:
    """Start the job and kill it as soon as the target has so many task instances more."""
    enough = _arrived(target) + rows
    with job.started() as process:
        ready = job.target.webserver.service.wait_until
        ready(lambda: _arrived(target) > enough or process.poll() is not None, 120)
        process.send_signal(signal.SIGKILL)


def _arrived(target: Connection) -> int:
    return int(one(target, "SELECT count(*) FROM task_instance"))


def test_values_that_airflow_3_cannot_show_are_mended_or_rejected(pairs: Pairs, tmp_path: Path) -> None:
    """What would break a page there arrives by a stated rule, or is listed as rejected; every page answers."""
    rig = pairs.of(*_TO_3)
    seeded, job = prepare(rig, SMALL), Job(rig.source, rig.target, tmp_path)
    with rig.source.connect() as source, rig.target.connect() as target:
        without_home = make_awkward(source)

        result = job.run()

        assert result.code == 3, result.err
        differences = compare(source, target)
        assert {(found.table, found.verdict, found.key) for found in differences} == {
            (table, "missing", key) for table, key in without_home
        }
        rejected = {kind: counts["rejected"] for kind, counts in result.kinds.items()}
        assert rejected == {
            "dag_runs": 0,
            "task_instances": sum(table == "task_instance" for table, _ in without_home),
            "task_instance_history": sum(table == "task_instance_history" for table, _ in without_home),
        }
        assert any(BOGUS in line for line in result.summary["rejected"])
    assert _pages_that_break(rig, seeded) == []


def _pages_that_break(rig: Rig, seeded: Seeded) -> list[str]:
    """Ask the target's own API for all that was moved; return what it did not answer with 200."""
    headers, broken = rig.target.headers(), []
    for path in _lists(seeded):
        offset, total = 0, 1
        while offset < total:
            answer, body = fetch(rig.target.url, f"{path}?limit=100&offset={offset}", headers=headers)
            if answer.status != 200:
                broken.append(f"{path} at {offset}: {answer.status}")
                break
            offset, total = offset + 100, json.loads(body).get("total_entries", 0)
    return broken


def _lists(seeded: Seeded) -> Iterator[str]:
    for dag_id in map(quote, ("~", *seeded.dag_ids)):
        yield f"/api/v2/dags/{dag_id}/dagRuns"
        yield f"/api/v2/dags/{dag_id}/dagRuns/~/taskInstances"
    yield "/ui/dags"


@pytest.mark.timeout(_SECONDS)
@pytest.mark.parametrize(
    ("source", "target", "volume"), _DIRECTIONS, ids=[f"{source} to {target}" for source, target, _ in _DIRECTIONS]
)
def test_a_whole_history_arrives(
    pairs: Pairs, tmp_path: Path, source: str, target: str, volume: Mapping[str, int]
) -> None:
    """All finished history is there, a second run sends nothing, and `verify` agrees; what is planted is found."""
    rig = pairs.of(source, target)
    seeded, job = prepare(rig, volume), Job(rig.source, rig.target, tmp_path)

    result = job.run()

    assert result.code == 0, result.err
    assert_the_same(rig)
    assert result.kinds["dag_runs"]["moved"] == seeded.finished_runs
    assert result.kinds["task_instances"]["moved"] == seeded.finished_task_instances
    assert result.kinds["task_instance_history"]["moved"] == (seeded.finished_tries if keeps_tries(rig) else 0)
    again = job.run()
    assert (again.code, again.sent) == (0, 0)
    verified = job.run(command="verify")
    assert verified.code == 0, verified.out.splitlines()[-1]

    with rig.source.connect() as left, rig.target.connect() as right:
        planted = plant_everywhere(right)
        found = compare(left, right)
    assert {(one.table, name, one.key) for one in found for name, _, _ in one.columns} == planted
