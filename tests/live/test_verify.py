"""`transfer verify` on two real deployments, judged by what was done to the target by SQL."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from .compare import compare
from .job import Job
from .later import finish_runs
from .rig import Connection
from .seed import Seeded, register_dags, seed_history
from .vandal import Found, Vandal

ROWS = int(os.environ.get("TRANSFER_LIVE_VERIFY_ROWS", "15000"))
"""About how many rows are moved and compared; the damage is the same."""

DEEDS = 216
ROWS_OF_A_RUN = 12


@pytest.fixture
def moved(job: Job, source: Connection, target: Connection) -> Seeded:
    """A history that was moved and is the same on both sides."""
    runs = max(ROWS // 3 // ROWS_OF_A_RUN, 150)
    seeded = seed_history(source, dags=3, runs=runs, wide=1_000)
    register_dags(target, seeded.dag_ids)
    assert job.run().code == 0
    assert compare(source, target) == []
    return seeded


def listed(job: Job) -> list[Found]:
    """Return every difference that the last verification found."""
    lines = map(json.loads, job.run("--list", command="verify").out.splitlines())
    names = ("mark", "kind", "dag_id", "run_id", "key")
    return sorted(
        (*(line[name] for name in names), tuple(line["columns"]), line["rows"])
        for line in lines
        if line["event"] == "difference"
    )


def test_a_moved_history_is_the_same_and_its_known_losses_are_counted(
    job: Job, moved: Seeded, source: Connection
) -> None:
    """Nothing is reported of a moved history, every finished row is counted, and so are the triggers that were lost."""
    result = job.run(command="verify")

    assert result.code == 0, result.out
    kinds = result.summary["kinds"]
    assert kinds["dag_runs"]["same"] == moved.finished_runs
    assert kinds["task_instances"]["same"] == moved.finished_task_instances
    assert kinds["task_instance_history"]["same"] == moved.finished_tries
    (triggers,) = source.execute(
        "SELECT count(*) FROM task_instance JOIN dag_run USING (dag_id, run_id) WHERE trigger_id IS NOT NULL"
        " AND dag_run.state IN ('success', 'failed')"
    ).fetchone() or (0,)
    assert result.summary["losses"]["task_instances"] == {"trigger_id": triggers}


@pytest.mark.usefixtures("moved")
def test_every_corruption_is_found_and_mended(job: Job, source: Connection, target: Connection) -> None:
    """Of more than 200 corruptions of every sort each one is found, by row and column, and nothing else; all mend."""
    vandal = Vandal(target, seed=20_261_120)
    vandal.strike(DEEDS)

    result = job.run(command="verify")

    assert result.code == 3, result.err
    assert listed(job) == sorted(vandal.found)
    assert len(vandal.found) >= DEEDS >= 200
    mended = job.run("--yes", "--delete-extra", command="repair")
    assert mended.code == 0, mended.out
    assert job.run(command="verify").code == 0
    assert compare(source, target) == []


@pytest.mark.usefixtures("moved")
def test_a_killed_verification_goes_on(job: Job, target: Connection) -> None:
    """Killed with SIGKILL in the middle, the next run goes on with the same verification and finds the same."""
    vandal = Vandal(target, seed=7)
    vandal.strike(DEEDS)
    with verifying(job) as process:
        assert process.stdout is not None
        wait_for_a_window(job)
        process.send_signal(signal.SIGKILL)

    result = job.run(command="verify")

    assert (result.code, result.summary["finished"]) == (3, True)
    assert "resumed" in result.err
    assert listed(job) == sorted(vandal.found)


def test_a_live_source_makes_no_difference(job: Job, moved: Seeded, source: Connection, target: Connection) -> None:
    """Runs that finish at the source while it is compared are no differences; what was there before is still equal."""
    with verifying(job) as process:
        wait_for_a_window(job)
        for dag_id in moved.dag_ids:
            finish_runs(source, dag_id)
        out, _ = process.communicate(timeout=300)
    summary = json.loads(out.splitlines()[-1])
    assert [found for found in summary["differences"] if found["mark"] != "+"] == []
    assert job.run().code == 0
    assert compare(source, target) == []
    assert job.run("--restart", command="verify").code == 0


@contextmanager
def verifying(job: Job) -> Iterator[subprocess.Popen[str]]:
    """Start `transfer verify`; it is killed if it still runs at the end of the block."""
    process = subprocess.Popen(  # noqa: S603  our own program
        job._command("verify", ()),
        env=job._environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def wait_for_a_window(job: Job) -> None:
    """Wait until a verification has stored something."""
    database = job.state_dir / "verify.sqlite-wal"
    service = job.target.webserver.service
    service.wait_until(lambda: database.exists() and database.stat().st_size > 100_000, 60)
