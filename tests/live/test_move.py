"""The main job on two real deployments, judged by SQL."""

import pytest

from .compare import compare
from .job import Job
from .later import add_rival, add_run, copy_history, finish_runs, finished_run_ids
from .rig import Connection
from .seed import Seeded, register_dags, seed_history


@pytest.fixture
def small(source: Connection, target: Connection) -> Seeded:
    """A history of a few hundred runs, and its DAGs on the target."""
    seeded = seed_history(source, dags=2, runs=150, wide=400)
    register_dags(target, seeded.dag_ids)
    return seeded


def test_a_whole_history_arrives(job: Job, source: Connection, target: Connection) -> None:
    """3 DAGs x 2,000 runs x 10 task instances with every awkward thing are the same on both sides afterwards."""
    seeded = seed_history(source)
    register_dags(target, seeded.dag_ids)

    result = job.run()

    assert result.code == 0, result.err
    assert compare(source, target) == []
    assert result.kinds["dag_runs"]["moved"] == seeded.finished_runs
    assert result.kinds["task_instances"]["moved"] == seeded.finished_task_instances
    assert result.kinds["task_instance_history"]["moved"] == seeded.finished_tries


def test_a_second_run_sends_nothing_and_a_third_only_what_is_new(
    job: Job, small: Seeded, source: Connection, target: Connection
) -> None:
    """What is settled is not sent again; runs that were added or have finished since are."""
    assert job.run().code == 0
    second = job.run()
    assert (second.code, second.sent) == (0, 0)

    add_run(source, small.dag_ids[0], "manual__later", conf={"late": True})
    finished = finish_runs(source, small.dag_ids[0])
    third = job.run()

    assert third.code == 0
    assert third.kinds["dag_runs"]["moved"] == small.finished_runs + 1 + finished
    assert compare(source, target) == []


@pytest.mark.parametrize("tables", [1, 2, 3], ids=["runs only", "without tries", "whole runs"])
def test_a_target_that_holds_a_part_ends_complete(
    job: Job, small: Seeded, source: Connection, target: Connection, tables: int
) -> None:
    """What something else has moved is left alone, what lacks is added, and nothing is rejected."""
    held = finished_run_ids(source, small.dag_ids[0])[20:90]
    copy_history(source, target, small.dag_ids[0], held, tables=tables)

    result = job.run()

    assert result.code == 0, result.err
    assert compare(source, target) == []
    assert result.kinds["dag_runs"]["already_there"] == len(held)
    assert sum(counts["rejected"] for counts in result.kinds.values()) == 0


def test_a_rival_run_is_rejected_with_its_reason_and_all_else_moves(
    job: Job, small: Seeded, source: Connection, target: Connection
) -> None:
    """A run whose logical date is taken on the target ends as rejected rows, with exit code 3."""
    rivalled = finished_run_ids(source, small.dag_ids[1])[40]
    rival = add_rival(source, target, small.dag_ids[1], rivalled)

    result = job.run()

    assert result.code == 3
    assert result.kinds["dag_runs"]["rejected"] == 1
    assert result.kinds["task_instances"]["rejected"] == _count(source, small.dag_ids[1], rivalled)
    assert "dag_run_dag_id_execution_date_key" in result.summary["rejected"][0]
    differences = [(found.table, found.verdict) for found in compare(source, target)]
    assert ("dag_run", "extra") in differences, rival
    assert sum(table == "dag_run" for table, _ in differences) == 2


def _count(conn: Connection, dag_id: str, run_id: str) -> int:
    query = "SELECT count(*) FROM task_instance WHERE dag_id = %s AND run_id = %s"
    (count,) = conn.execute(query, [dag_id, run_id]).fetchone() or (0,)
    return int(count)


def test_a_deleted_dag_is_moved_when_it_is_named(
    job: Job, small: Seeded, source: Connection, target: Connection
) -> None:
    """History of a DAG that the source does not list any more is moved if its id is given exactly."""
    source.execute("DELETE FROM dag WHERE dag_id = %s", [small.dag_ids[0]])

    assert job.run("--dag", small.dag_ids[0]).code == 0

    moved = target.execute("SELECT DISTINCT dag_id FROM dag_run").fetchall()
    assert moved == [(small.dag_ids[0],)]


def test_a_dag_that_the_target_lacks_is_left_out_unless_allowed(
    job: Job, small: Seeded, source: Connection, target: Connection
) -> None:
    """The summary names the DAG that was left out; with --allow-missing-dags the same job moves it, too."""
    target.execute("DELETE FROM dag WHERE dag_id = %s", [small.dag_ids[0]])

    first = job.run()
    assert first.code == 0
    assert list(first.summary["left_out"]) == [small.dag_ids[0]]

    assert job.run("--allow-missing-dags").code == 0
    assert compare(source, target) == []
