"""Undos over HTTP: between versions, while answers get lost, with ids that are not what they should be."""

from pathlib import Path

import pytest

from tests.engine.tables import DAG, add_run, empty_like, history, tied
from tests.engine.test_directions import PAIRS, both, source_of, target_for
from tests.engine.test_replace_weather import REMOVALS
from tests.engine.test_weather import PATIENT, weather
from tests.engine.worlds import World, behaviour, world
from transfer.emulator import Answer, Rule, Truncate
from transfer.engine.plan import make_plan
from transfer.engine.stop import Stop
from transfer.engine.undo.run import Job, UndoEnding, undo
from transfer.kinds import DAG_RUNS
from transfer.progress import Progress


async def undone(job: World) -> UndoEnding:
    """Undo a job: one run of the program."""
    async with job.checkpoint() as checkpoint, job.sides() as (source, target):
        plan = await make_plan(source, target, job.settings.selection, writing=False)
        undoing = checkpoint.undoing()
        dags = {dag_id: written for dag_id, written in (await undoing.written()).items() if written.ours}
        work = Job(job.settings, source, target, undoing, Progress(), Stop(), mapping=plan.mapping)
        return await undo(work, dags)


@pytest.mark.parametrize(("source", "target"), PAIRS)
async def test_what_was_fitted_to_another_version_is_recognised(tmp_path: Path, source: str, target: str) -> None:
    """A run that became something else on its way goes all the same; only ids that are no paths keep theirs there."""
    there = target_for(source_of(source), target)
    async with world(tmp_path, source_of(source), there, **both(source, target)) as job:
        assert (await job.run()).problems == {}
        moved = (await job.moved())["dag_runs"]
        ending = await undone(job)
        left = {run_id: reason for dag in ending.dags.values() for run_id, reason in dag.left.items()}
        assert all("/" in run_id and "cannot be part of an address" in reason for run_id, reason in left.items())
        assert {run["run_id"] for run in there.rows(DAG_RUNS)} == left.keys()
        assert sum(dag.removed + len(dag.left) for dag in ending.dags.values()) == moved
        assert sum(dag.removed for dag in ending.dags.values()) > 50


@pytest.mark.parametrize("seed", range(8))
async def test_in_bad_weather(tmp_path: Path, seed: int) -> None:
    """Whatever answers get lost on either side, to removals too, exactly what was moved is gone."""
    source = tied(24, 1 + seed % 4)
    target = empty_like(source)
    for number in (3, 60, 61):
        add_run(target, number, tasks=3)
    before = target.snapshot()
    of_source, of_target = weather(seed, 0.3)
    whole = [rule for rule in of_target.rules if not isinstance(rule.action, Truncate)]
    removals = [Rule(action, method="DELETE", probability=0.06) for action in REMOVALS]
    rules = list(of_source.rules), [*whole, *removals, Rule(Truncate(0.4), route="dag_runs", probability=0.1)]
    of_source.rules.clear()
    of_target.rules.clear()
    servers = (behaviour(faults=of_source), behaviour(faults=of_target))
    async with world(tmp_path, source, target, behaviours=servers, retry=PATIENT, window_runs=5) as job:
        assert (await job.run()).problems == {}
        of_source.rules.extend(rules[0])
        of_target.rules.extend(rules[1])
        ending = await undone(job)
        assert (ending.problems, ending.dags[DAG].left) == ({}, {})
        assert of_target.injected
        assert target.snapshot()["dag_runs"] == before["dag_runs"]


async def test_a_target_that_never_removes(tmp_path: Path) -> None:
    """When no removal is ever answered it says so of the DAG, and goes on when the target is well again."""
    source = history(6)
    target = empty_like(source)
    async with world(tmp_path, source, target) as job:
        await job.run()
        job.target.faults.rules.append(Rule(Answer(502), method="DELETE"))
        ending = await undone(job)
        assert "no answer 6 times" in ending.problems[DAG]
        assert (target.run_count(DAG), ending.dags[DAG].removed) == (6, 0)
        job.target.faults.rules.clear()
        assert (await undone(job)).dags[DAG].removed == 6
        assert target.run_count(DAG) == 0


async def test_an_id_that_is_no_path_is_left_alone(tmp_path: Path) -> None:
    """A run whose id cannot be part of an address is named with the reason, and still this job's; the others go."""
    source = history(4)
    awkward = add_run(source, 50, run_id="by/hand")["run_id"]
    target = empty_like(source)
    async with world(tmp_path, source, target) as job:
        await job.run()
        for _ in range(2):
            found = (await undone(job)).dags[DAG]
            assert list(found.left) == [awkward]
            assert "cannot be part of an address" in found.left[awkward]
        assert [run["run_id"] for run in target.runs(DAG)] == [awkward]
