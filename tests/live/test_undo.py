"""Taking back what was moved, on real deployments, judged by SQL: every row of the history is what it was before.

From 2.11 to 3.1 it is tried where that pair runs anyway, in `test_directions`; TRANSFER_LIVE_ALL=1 asks for more pairs.
"""

import random
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from .compare import compare
from .conftest import available
from .everything import count_runs, everything
from .job import Job
from .later import add_run, copy_history, finished_run_ids
from .pairs import ALL_VARIABLE, EVERYTHING, Pairs
from .rig import Connection
from .seed import Seeded, register_dags, seed_history
from .undone import assert_undone

_PAIRS = (("2.4.3", "2.11.2"), ("2.11.2", "2.8.4"), ("2.10.5", "2.10.5"), ("3.1.8", "3.1.8"))


@pytest.fixture(scope="module")
def pairs() -> Iterator[Pairs]:
    """The pair of sides that was asked for last."""
    with Pairs(available) as booted:
        yield booted


@pytest.fixture
def history(source: Connection, target: Connection) -> Seeded:
    """A history of 100 runs on the source; the target has the DAGs, some of the same runs, and some of its own."""
    seeded = seed_history(source, dags=2, runs=50, wide=30)
    register_dags(target, seeded.dag_ids)
    for dag_id in seeded.dag_ids:
        copy_history(source, target, dag_id, finished_run_ids(source, dag_id)[10:20])
        for number in range(3):
            add_run(target, dag_id, f"own + {number}/ü", state="running" if number else "success")
    return seeded


def changed_on_the_target(target: Connection, dag_id: str, run_ids: Sequence[str]) -> None:
    """Clear a run, let one be run again, and mark one as failed by hand."""
    cleared, again, marked = run_ids
    which = "WHERE dag_id = %s AND run_id = %s"
    changes = (
        ("state = 'queued', start_date = NULL, clear_number = clear_number + 1", cleared),
        ("start_date = now(), end_date = now()", again),
        ("state = CASE state WHEN 'failed' THEN 'success' ELSE 'failed' END", marked),
    )
    for what, run_id in changes:
        statement = f"UPDATE dag_run SET {what} {which}".encode()  # noqa: S608  constants
        assert target.execute(statement, [dag_id, run_id]).rowcount == 1


def test_the_tables_are_what_they_were(job: Job, history: Seeded, source: Connection, target: Connection) -> None:
    """Undone after a move, with SIGKILL twice in between, nothing is lost, nothing left; and it can be moved again."""
    before, moments = everything(target), random.Random(20261120)  # noqa: S311  the same moments at every run
    assert job.run().code == 0
    moved = count_runs(target)
    for _ in range(2):
        wanted = count_runs(target) - moments.randrange(5, 25)
        with job.started("--yes", command="undo") as process:
            ready = job.target.webserver.service.wait_until
            ready(lambda wanted=wanted: count_runs(target) < wanted or process.poll() is not None, 60)  # type: ignore[misc]
            process.send_signal(signal.SIGKILL)
    result = job.run("--yes", command="undo")
    assert (result.code, result.summary["left"]) == (0, []), result.err + result.out
    assert everything(target) == before
    assert moved - count_runs(target) == history.finished_runs - 20

    said = job.run("--yes", command="undo")
    assert (said.code, said.summary["event"]) == (0, "undo")
    assert everything(target) == before

    assert job.run().code == 0
    target.execute("DELETE FROM dag_run WHERE run_id LIKE 'own + %'")
    assert compare(source, target) == []


def test_what_was_changed_there_stays(job: Job, history: Seeded, target: Connection, source: Connection) -> None:
    """Runs that were cleared, run again or marked by hand on the target since are left and named; the others go."""
    before = everything(target)
    assert job.run().code == 0
    dag_id = history.dag_ids[0]
    left = [run_id for run_id in finished_run_ids(source, dag_id)[30:] if "/" not in run_id][:3]
    changed_on_the_target(target, dag_id, left)
    result = job.run("--yes", command="undo")
    assert result.code == 3, result.err
    reasons = result.summary["left"]
    assert len(reasons) == 3
    for run_id, reason in zip(left, ("it is queued there", "(end_date, start_date)", "(state)"), strict=True):
        assert [line for line in reasons if run_id in line and reason in line]
    target.execute("DELETE FROM dag_run WHERE dag_id = %s AND run_id = ANY(%s)", [dag_id, left])
    assert everything(target) == before


@pytest.mark.skipif(not EVERYTHING, reason=f"{ALL_VARIABLE}=1 asks for more pairs of versions")
@pytest.mark.parametrize("versions", _PAIRS, ids="-".join)
def test_between_versions(pairs: Pairs, tmp_path: Path, versions: tuple[str, str]) -> None:
    """What was fitted to another version on its way is recognised there, and nothing of it stays."""
    assert_undone(pairs.of(*versions), tmp_path)
