"""Replacing and repairing on two real deployments, judged by SQL."""

import random
import signal

import pytest

from .client import PASSWORD, client
from .compare import compare
from .job import Job
from .later import add_run, finished_run_ids, run_again
from .rig import Connection, Rig
from .seed import Seeded, register_dags, seed_history

_COUNT_NEW = (
    "SELECT count(*) FROM dag_run WHERE dag_id = %s AND run_id = ANY(%s) AND start_date > now() - interval '1 day'"
)


@pytest.fixture
def history(source: Connection, target: Connection) -> Seeded:
    """A history of some hundred runs, and its DAGs on the target."""
    seeded = seed_history(source, dags=2, runs=300, wide=400)
    register_dags(target, seeded.dag_ids)
    return seeded


def some(conn: Connection, dag_id: str, count: int) -> list[str]:
    """Return some finished runs of a DAG, those with awkward ids among them; the same at every call."""
    run_ids = finished_run_ids(conn, dag_id)
    awkward = [run_id for run_id in run_ids if "%" in run_id][:3]
    return awkward + random.Random(1).sample([one for one in run_ids if one not in awkward], count - 3)  # noqa: S311


def test_runs_that_were_run_again_are_replaced(
    job: Job, history: Seeded, source: Connection, target: Connection
) -> None:
    """After `run --replace-changed` the target has the new version of every run, and the counts are right."""
    assert job.run().code == 0
    for dag_id in history.dag_ids:
        run_again(source, dag_id, some(source, dag_id, 20))
    add_run(source, history.dag_ids[0], "new")
    result = job.run()
    assert (result.code, result.kinds["dag_runs"]["rejected"]) == (3, 40)

    result = job.run("--replace-changed", "--yes")

    assert result.code == 0, result.err
    assert compare(source, target) == []
    runs = result.kinds["dag_runs"]
    assert (runs["moved"], runs["repaired"], runs["rejected"]) == (history.finished_runs + 1, 40, 0)
    assert job.run().sent == 0


def test_killed_in_the_middle_of_replacing(job: Job, history: Seeded, source: Connection, target: Connection) -> None:
    """Killed with SIGKILL several times while it replaces, no run is ever in two versions, and the end is right."""
    assert job.run().code == 0
    dag_id = history.dag_ids[0]
    again = some(source, dag_id, 200)
    run_again(source, dag_id, again)
    assert job.run().code == 3

    def replaced() -> int:
        (count,) = target.execute(_COUNT_NEW, [dag_id, again]).fetchone() or (0,)
        return int(count)

    moments = random.Random(20261120)  # noqa: S311  the same moments at every run
    for _ in range(4):
        wanted = replaced() + moments.randrange(1, 30)
        with job.started("--replace-changed", "--yes") as process:
            ready = job.target.webserver.service.wait_until
            ready(lambda wanted=wanted: replaced() > wanted or process.poll() is not None, 120)  # type: ignore[misc]
            process.send_signal(signal.SIGKILL)
        _assert_no_mix(source, target, (dag_id, again))
    result = job.run("--replace-changed", "--yes")

    assert result.code == 0, result.err
    assert compare(source, target) == []
    assert result.kinds["dag_runs"]["moved"] == history.finished_runs


def _assert_no_mix(source: Connection, target: Connection, which: tuple[str, list[str]]) -> None:
    """Hold that the task instances of a run that is new are new, and those of one that is not are not."""
    hosts = (
        "SELECT count(*) FROM task_instance t JOIN dag_run r USING (dag_id, run_id) WHERE dag_id = %s"
        " AND run_id = ANY(%s) AND (r.start_date > now() - interval '1 day') <> (coalesce(t.hostname, '') = 'again')"
    )
    for conn in (source, target):
        assert conn.execute(hosts, which).fetchone() == (0,)


def test_damage_is_found_and_repaired(job: Job, history: Seeded, source: Connection, target: Connection) -> None:
    """What somebody did to the target is found, repaired, and not found any more."""
    assert job.run().code == 0
    dag_id, other = history.dag_ids
    runs, others = some(source, dag_id, 30), some(source, other, 9)
    damage = (
        ("DELETE FROM dag_run", dag_id, runs[:8]),
        ("DELETE FROM task_instance", dag_id, runs[8:12]),
        ("DELETE FROM task_instance_history", other, others[:4]),
        ("UPDATE task_instance SET operator = 'Wrong'", dag_id, runs[12:20]),
        ("UPDATE dag_run SET start_date = start_date - interval '7 days'", other, others[4:]),
    )
    for what, of_dag, of_runs in damage:
        target.execute(what.encode() + b" WHERE dag_id = %s AND run_id = ANY(%s)", [of_dag, of_runs])
    run_again(source, dag_id, runs[20:])
    for number in range(3):
        add_run(target, other, f"only there {number}")

    assert job.run(command="verify").code == 3
    result = job.run("--yes", "--delete-extra", command="repair")

    assert result.code == 0, result.err
    assert compare(source, target) == []
    assert job.run(command="verify").code == 0
    assert result.kinds["dag_runs"]["moved"] == history.finished_runs


def test_a_history_that_nothing_is_known_about(
    job: Job, history: Seeded, source: Connection, target: Connection
) -> None:
    """What another job has moved is repaired by a job that has not run before."""
    assert job.run().code == 0
    dag_id = history.dag_ids[0]
    run_again(source, dag_id, some(source, dag_id, 10))
    target.execute("DELETE FROM task_instance WHERE dag_id = %s", [history.dag_ids[1]])
    stranger = Job(job.source, job.target, job.folder / "stranger")
    stranger.folder.mkdir()
    assert stranger.run(command="verify").code == 3
    assert stranger.run("--yes", command="repair").code == 0
    assert compare(source, target) == []
    assert stranger.run(command="verify").code == 0


async def test_a_session_that_ends_between_removals(
    rig: Rig, target: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The 403 that a session gets when it is over is told from a missing right: a new login removes the run."""
    monkeypatch.setenv(PASSWORD, rig.target.admin.password)
    for run_id in ("one", "by hand 9 + ü:%2F?&#=\"'", "three"):
        add_run(target, "d", run_id)
    async with client(rig.target.url, "session", rig.target.admin) as side:
        assert await side.remove_run("d", "one")
        rig.target.expire_sessions()
        assert await side.remove_run("d", "by hand 9 + ü:%2F?&#=\"'")
        assert not await side.remove_run("d", "one")
    assert [run_id for (run_id,) in target.execute("SELECT run_id FROM dag_run")] == ["three"]
