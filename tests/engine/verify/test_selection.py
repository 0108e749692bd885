"""Which rows count: the selection, samples, one way, DAGs that the target lacks."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.engine.tables import DAG, add_run, empty_like, history
from transfer.emulator import TableHistory
from transfer.emulator.rows import run_row
from transfer.findings import read_findings
from transfer.kinds import DAG_RUNS, TASK_INSTANCES
from transfer.model import Mark

from .comparing import Verification, verifying
from .corruptions import moved


def marks(job: Verification, dag_id: str = DAG, kind: str = "dag_runs") -> dict[Mark, int]:
    """Return the counts of one kind."""
    return dict(job.results()[dag_id].rows.get(kind, {}))


def with_surplus(source: TableHistory, *numbers: int, **changes: Any) -> TableHistory:
    """Return a target that has ``source``, and runs of its own."""
    target = moved(source)
    for number in numbers:
        add_run(target, number, run_id=f"mine {number}", **changes)
    return target


@pytest.mark.parametrize(
    ("selection", "same", "surplus"),
    [
        ({}, 20, 2),
        ({"since": datetime(2025, 1, 11, tzinfo=UTC)}, 10, 2),
        ({"until": datetime(2025, 1, 11, tzinfo=UTC)}, 10, 0),
        ({"states": ("failed",)}, 0, 0),
        ({"newest": 5}, 5, 1),
    ],
)
async def test_only_the_selection_is_compared(
    tmp_path: Path, selection: dict[str, Any], same: int, surplus: int
) -> None:
    """Runs outside of dates and states are neither compared nor surplus; ``newest`` ends where its runs end."""
    source = history(20)
    async with verifying(tmp_path, source, with_surplus(source, 12, 40), window_runs=3, **selection) as job:
        await job.run()
        found = marks(job)
        assert (found.get(Mark.SAME, 0), found.get(Mark.EXTRA, 0)) == (same, surplus)


@pytest.mark.parametrize("newest", [1, 4, 7, 19, 20, 21])
async def test_newest_finds_a_run_that_stands_elsewhere(tmp_path: Path, newest: int) -> None:
    """A run of the newest that starts earlier on the target is found behind where they end."""
    source = history(20)
    target = moved(source)
    first = next(iter(source.runs(DAG)))
    target.move_run(DAG, first["run_id"], start_date="2025-01-02 00:00:00+00:00", state="success")
    async with verifying(tmp_path, source, target, newest=newest) as job:
        await job.run()
        assert [found[:4] + found[5:] for found in job.found()] == [
            (Mark.DIFFERS, "dag_runs", DAG, first["run_id"], ("start_date",), 1)
        ]


async def test_one_way_looks_at_the_source_only(tmp_path: Path) -> None:
    """Rows that only the target has are no differences then; a run that stands elsewhere is still found."""
    source = history(10)
    target = with_surplus(source, 3, 30)
    run_id = "scheduled__2025-01-02T00:00:00+00:00"
    target.move_run(DAG, run_id, start_date="2024-01-01 00:00:00+00:00", state="success")
    target.add(TASK_INSTANCES, target.children(TASK_INSTANCES, DAG, run_id)[0] | {"task_id": "mine"})
    async with verifying(tmp_path, source, target, one_way=True, window_runs=3) as job:
        await job.run()
        assert [(found[0], found[3]) for found in job.found()] == [(Mark.DIFFERS, run_id)]
        assert marks(job, kind="task_instances") == {Mark.SAME: 20}


async def test_a_dag_that_the_target_lacks_is_missing_as_a_whole(tmp_path: Path) -> None:
    """Its finished runs are missing; their children are not read for that."""
    source = history(30)
    add_run(source, 90, state="running")
    async with verifying(tmp_path, source, empty_like(source)) as job:
        await job.run()
        assert (marks(job), job.source.pages, job.results()[DAG].missing) == ({Mark.MISSING: 30}, 0, True)
        assert (len(job.found()), job.results()[DAG].unfinished) == (30, 1)


async def test_a_dag_that_arrives_meanwhile_is_not_missing(tmp_path: Path) -> None:
    """When the target has got runs in the meantime the DAG is compared as usual."""
    source = history(10)
    target = empty_like(source)
    async with verifying(tmp_path, source, target) as job:

        def arrive(_side: object) -> None:
            if not target.run_count(DAG) and job.source.requests > 2:
                for kind in (DAG_RUNS, TASK_INSTANCES):
                    target.add(kind, *source.rows(kind))

        job.source.before = arrive
        await job.run()
        assert (marks(job), job.results()[DAG].missing) == ({Mark.SAME: 10}, False)
        assert marks(job, kind="task_instance_history") == {Mark.MISSING: 10}


async def test_a_dag_without_runs_is_the_same(tmp_path: Path) -> None:
    """Nothing is there, and nothing differs; what the target alone has is surplus."""
    source = history(0, dags=("a", "b"))
    target = empty_like(source)
    target.add(DAG_RUNS, run_row("b", 1))
    async with verifying(tmp_path, source, target) as job:
        ending = await job.run()
        assert (ending.problems, marks(job, "a"), marks(job, "b")) == ({}, {}, {Mark.EXTRA: 1})


async def test_a_sample_compares_all_runs_and_some_children(tmp_path: Path) -> None:
    """The same seed takes the same windows, and what differs in them and in runs is found."""
    source = history(200)
    target = moved(source)
    for row in target.rows(TASK_INSTANCES):
        row["pid"] = 1
    sides = []
    for folder in ("one", "two"):
        async with verifying(tmp_path / folder, source, target, window_runs=10, sample=0.3, seed=4) as job:
            await job.run()
            sides.append((job.found(), marks(job), marks(job, kind="task_instances")))
            assert job.source.pages < 80
    assert sides[0] == sides[1]
    assert sides[0][1] == {Mark.SAME: 200}
    assert 20 <= sides[0][2][Mark.DIFFERS] <= 200


@pytest.mark.parametrize(("share", "runs"), [(0.01, 400), (0.05, 150), (0.2, 60)])
@pytest.mark.parametrize("window_runs", [4, 100])
@pytest.mark.parametrize("seed", [1, 2])
async def test_a_sample_is_as_large_as_it_was_asked_to_be(
    tmp_path: Path, share: float, runs: int, window_runs: int, seed: int
) -> None:
    """The children of about this share of the runs are compared, however long a window is."""
    source = history(runs, tasks=1)
    async with verifying(tmp_path, source, moved(source), window_runs=window_runs, sample=share, seed=seed) as job:
        await job.run()
        compared = job.results()[DAG].with_children
        assert share / 2 <= compared / runs <= share * 2
        assert marks(job, kind="task_instances") == {Mark.SAME: compared}
        assert marks(job) == {Mark.SAME: runs}


@pytest.mark.parametrize("seed", range(4))
async def test_a_sample_takes_something_of_every_dag(tmp_path: Path, seed: int) -> None:
    """Of a small one, too, and of one of whose runs the selection takes few."""
    source = history(40, dags=("a", "b"))
    since = datetime(2025, 2, 7, tzinfo=UTC)
    async with verifying(tmp_path, source, moved(source), sample=0.001, seed=seed, since=since) as job:
        await job.run()
        assert [dag.with_children for dag in job.results().values()] == [1, 1]


async def test_the_seed_of_a_sample_is_kept(tmp_path: Path) -> None:
    """A seed that nobody chose is drawn once, and stays the same when the verification goes on."""
    source = history(40)
    async with verifying(tmp_path, source, moved(source), window_runs=5, sample=0.5) as job:
        job.target.before = lambda side: job.stop.request() if side.requests == 9 else None
        seeds = set()
        for _ in range(2):
            await job.run()
            with read_findings(job.folder) as findings:
                seeds.add(findings.seed)
        assert len(seeds) == 1
