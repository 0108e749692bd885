"""Everything that differs is found, and nothing else."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine.tables import DAG, add_run, history
from transfer.emulator import TableHistory
from transfer.kinds import KINDS
from transfer.model import Mark

from .comparing import verifying
from .corruptions import Vandal, moved

NULLS_FIRST = st.tuples(st.booleans(), st.booleans())
"""Of the source and of the target."""


def random_history(seed: int, *, nulls_first: bool = True) -> TableHistory:
    """Return a source with ties, runs that never started, unfinished ones, and runs without tasks."""
    table = history(seed % 23, dags=("a", "b"))
    table.nulls_first = nulls_first
    for number in range(100, 100 + seed % 40):
        start: dict[str, str | None] = {} if number % 7 else {"start_date": None}
        if number % 3 == 0:
            start = {"start_date": "2025-09-09 10:00:00+00:00"}
        state = ("success", "failed", "success", "running", "queued")[number % 5]
        add_run(table, number, dag_id="a", state=state, tasks=number % 4, **start)
    for row in table.children(KINDS[1], "a", "scheduled__2025-01-03T00:00:00+00:00"):
        row["trigger_id"] = 5
    return table


async def test_a_moved_history_is_the_same(tmp_path: Path) -> None:
    """Every row is counted as equal, known losses apart."""
    source = history(30, dags=("a", "b"))
    for row in source.children(KINDS[1], "a", "scheduled__2025-01-03T00:00:00+00:00"):
        row["trigger_id"] = 5
    async with verifying(tmp_path, source, moved(source)) as job:
        ending = await job.run()
        assert (ending.problems, job.found()) == ({}, [])
        result = job.results()["a"]
        assert {kind: dict(marks) for kind, marks in result.rows.items()} == {
            "dag_runs": {Mark.SAME: 30},
            "task_instances": {Mark.SAME: 60},
            "task_instance_history": {Mark.SAME: 30},
        }
        assert (result.losses, result.source_runs, result.target_runs) == (
            {"task_instances": {"trigger_id": 2}},
            30,
            30,
        )


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 2**32), deeds=st.integers(0, 30), window=st.integers(1, 40), nulls_first=NULLS_FIRST)
async def test_all_damage_is_found(
    tmp_path_factory: object, seed: int, deeds: int, window: int, nulls_first: tuple[bool, bool]
) -> None:
    """Whatever is done to the target, exactly that is found, wherever runs that never started stand on either side."""
    folder = tmp_path_factory.mktemp("verify")  # type: ignore[attr-defined]  # a fixture for each example
    source = random_history(seed, nulls_first=nulls_first[0])
    target = moved(source)
    target.nulls_first = nulls_first[1]
    vandal = Vandal(target, seed)
    for _ in range(deeds):
        vandal.strike()
    async with verifying(folder, source, target, window_runs=window) as job:
        ending = await job.run()
        assert ending.problems == {}
        assert job.found() == job.expected()
        assert {dag.unfinished for dag in job.results().values()} <= {0, unfinished(source)}


def unfinished(table: TableHistory) -> int:
    """Return the runs of DAG a that are not over; the other one has none."""
    return sum(run["state"] in {"running", "queued"} for run in table.runs("a"))


@pytest.mark.parametrize("nulls_first", [True, False])
@pytest.mark.parametrize("unstarted", [1, 3])
async def test_runs_that_never_started_do_not_hide_others(tmp_path: Path, unstarted: int, *, nulls_first: bool) -> None:
    """Runs with and without a start that differ are looked at together, and all of them are found."""
    source = history(19)
    source.nulls_first = nulls_first
    for number in range(unstarted):
        add_run(source, 500 + number, start_date=None, state="failed")
    target = moved(source)
    target.nulls_first = nulls_first
    for run in source.runs(DAG):
        target.children(KINDS[1], DAG, run["run_id"])[0]["state"] = "damaged"
        target.run(DAG, run["run_id"])["conf"] = {"damaged": 1}  # type: ignore[index]  # it is there
    async with verifying(tmp_path, source, target) as job:
        await job.run()
        assert (job.found(), job.results()[DAG].unfinished) == (job.expected(), 0)
