"""Handing DAGs that run every few seconds over from one real scheduler to another."""

import json
from collections import Counter
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from .conftest import available
from .job import Job, Result
from .pairs import EVERYTHING
from .rig import Rig, boot_pair
from .ticking import DAGS, SECONDS, Ticking, ticking

CATCHUP, LATEST = DAGS
STEP = timedelta(seconds=SECONDS)


def handed_over(world: Ticking, job: Job) -> Result:
    """Let the source work, move the history, cut over, and let the target work for a while."""
    source, target = world.rig.source, world.rig.target
    world.wait("runs at the source", world.finished(source, 2))
    assert job.run().code == 0
    result = job.run("--yes", "--wait", "3", command="cutover")
    if result.code == 0:
        moved = frozenset(run.run_id for dag_id in DAGS for run in world.runs(source, dag_id))
        world.wait("runs on the target", world.finished(target, 2, beside=moved))
    return result


def check(world: Ticking, result: Result) -> None:
    """Hold that nothing was lost, nothing ran twice, and nothing was made in the past."""
    source, target = world.rig.source, world.rig.target
    assert result.code == 0, result.out + result.err
    assert json.loads(result.out.splitlines()[-1]) == {"event": "cutover_ends", "exit_code": 0, "step": "done"}
    assert '/dags/~/dagRuns/list HTTP/1.1" 200' in source.webserver.log.read_text(), "runs were looked for one by one"
    assert "does not tell when DAGs were parsed" not in result.err
    assert world.paused(source) == dict.fromkeys(DAGS, True)
    assert world.paused(target) == dict.fromkeys(DAGS, False)
    for dag_id in DAGS:
        before, after = world.runs(source, dag_id), world.runs(target, dag_id)
        ids = [run.run_id for run in before]
        assert [run.state for run in before] == ["success"] * len(before), "nothing was stopped in its middle"
        assert [run.run_id for run in after if run.run_id in ids] == ids, "no run was lost"
        new = [run for run in after if run.run_id not in ids]
        assert len(new) >= 2
        assert min(run.due for run in new) > max(run.due for run in before), "none was made in the past"
        assert len({run.due for run in after}) == len(after)
    steps = [later.due - run.due for run, later in pairwise(world.runs(target, CATCHUP))]
    assert steps == [STEP] * len(steps), "no interval was left out"
    assert [which for which, times in Counter(world.marked()).items() if times > 1] == [], "none ran twice"


@pytest.mark.skipif(not EVERYTHING, reason="only with TRANSFER_LIVE_ALL=1")
def test_two_schedulers_hand_over(rig: Rig, job: Job) -> None:
    """With catch-up and without: no run is lost, none runs twice, none is made in the past."""
    with ticking(rig) as world:
        check(world, handed_over(world, job))


@pytest.mark.skipif(not EVERYTHING, reason="only with TRANSFER_LIVE_ALL=1")
def test_an_airflow_3_takes_over(tmp_path: Path) -> None:
    """The same from 2.11.2 to 3.1.8, which has to parse the DAGs after the move."""
    with available(boot_pair("2.11.2", "3.1.8")) as rig, ticking(rig) as world:
        check(world, handed_over(world, Job(rig.source, rig.target, tmp_path)))


@pytest.mark.skipif(not EVERYTHING, reason="only with TRANSFER_LIVE_ALL=1")
def test_it_is_taken_back(rig: Rig, job: Job) -> None:
    """After an undo the source makes runs again, and the target none."""
    with ticking(rig) as world:
        assert handed_over(world, job).code == 0
        result = job.run("--undo", "--yes", command="cutover")
        assert result.code == 0, result.err
        assert world.paused(rig.source) == dict.fromkeys(DAGS, False)
        assert world.paused(rig.target) == dict.fromkeys(DAGS, True)
        runs = len(world.runs(rig.source, CATCHUP))
        world.wait("a new run at the source", lambda: len(world.runs(rig.source, CATCHUP)) > runs)
