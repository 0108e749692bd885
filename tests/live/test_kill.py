"""Killing either end at any moment: nothing is lost, nothing is doubled, and it goes on."""

import random
import signal
import subprocess

import pytest

from .compare import compare
from .environment import OFTEN
from .faults import held, kill_blocked_worker, wait_for_blocked
from .job import RUN_SECONDS, Job, Result
from .rig import Connection, Rig
from .seed import Seeded, register_dags, seed_history

SOFT_STOP_SECONDS = 10


@pytest.fixture
def history(source: Connection, target: Connection) -> Seeded:
    """A history that takes a while, and its DAGs on the target."""
    seeded = seed_history(source, dags=3, runs=500, wide=1_000)
    register_dags(target, seeded.dag_ids)
    return seeded


def arrived(target: Connection) -> int:
    """Return how many task instances the target has."""
    (count,) = target.execute("SELECT count(*) FROM task_instance").fetchone() or (0,)
    return int(count)


def wait_until(job: Job, target: Connection, process: subprocess.Popen[str], rows: int) -> None:
    """Wait until the target has more than ``rows`` task instances, or the process has ended."""
    job.target.webserver.service.wait_until(lambda: arrived(target) > rows or process.poll() is not None, 120)


def test_five_kills_at_random_moments_lose_and_double_nothing(
    job: Job, history: Seeded, source: Connection, target: Connection
) -> None:
    """Killed with SIGKILL five times and started again, the job ends with the target exactly right."""
    random_moments = random.Random(20261120)  # noqa: S311  the same moments at every run
    for _ in range(5):
        with job.started() as process:
            wait_until(job, target, process, arrived(target) + random_moments.randrange(1, 2_000))
            process.send_signal(signal.SIGKILL)

    result = job.run()

    assert result.code == 0, result.err
    assert compare(source, target) == []
    assert result.kinds["dag_runs"]["moved"] == history.finished_runs
    assert result.kinds["dag_runs"]["already_there"] == 0


def test_a_worker_of_the_target_killed_in_mid_post_costs_nothing(
    job: Job, history: Seeded, source: Connection, target: Connection
) -> None:
    """A gunicorn worker that dies with an insert in its hands is noticed, and what did not arrive is sent again."""
    with job.started() as process:
        with held(job.target, "task_instance"):
            wait_for_blocked(job.target)
            kill_blocked_worker(job.target)
        out, _ = process.communicate(timeout=RUN_SECONDS)

    result = Result(process.returncode, out, "")
    assert result.code == 0, result.summary
    assert result.summary["this_run"]["retries"] > 0
    assert compare(source, target) == []
    assert result.kinds["dag_runs"]["moved"] == history.finished_runs


def test_a_soft_stop_ends_in_time_and_can_be_resumed(
    job: Job, history: Seeded, source: Connection, target: Connection
) -> None:
    """SIGTERM ends the job with exit code 4 within ten seconds, and the next run completes it."""
    with job.started() as process:
        wait_until(job, target, process, 1_000)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=SOFT_STOP_SECONDS)
    assert process.returncode == 4

    result = job.run()

    assert result.code == 0, result.err
    assert compare(source, target) == []
    assert result.kinds["task_instances"]["moved"] == history.finished_task_instances


@pytest.mark.usefixtures("history")
def test_a_dead_target_ends_the_job_with_a_clear_message(job: Job, target: Connection, rig: Rig) -> None:
    """When the target's web server is gone the job gives up after bounded retries, says so, and can be resumed."""
    with rig.serve(rig.target, OFTEN) as mortal:
        doomed = Job(rig.source, mortal, job.folder)
        with doomed.started() as process:
            wait_until(job, target, process, 1_000)
            mortal.webserver.stop()
            out, err = process.communicate(timeout=120)
    assert process.returncode == 1, out
    assert "target" in err
    assert "run" in err
