"""Whole jobs between deployments of different versions: every row arrives as it should be there, and is found equal."""

from pathlib import Path
from typing import Any

import pytest

from transfer.emulator import MYSQL, SQLITE, History, Shape, SyntheticHistory, TableHistory, broken
from transfer.emulator.maker import RowMaker
from transfer.engine.plan import make_plan
from transfer.engine.stop import Stop
from transfer.engine.verify.run import Job, verify
from transfer.errors import UnsupportedError
from transfer.findings import FindingsStore, Identity, Opening, read_findings
from transfer.kinds import TASK_INSTANCE_HISTORY, TASK_INSTANCES
from transfer.model import Difference, Loss, Mark
from transfer.progress import Progress

from .worlds import World, behaviour, world

PAIRS = [
    ("2.4.3", "2.11.2"),
    ("2.11.2", "2.4.3"),
    ("2.8.4", "2.11.2"),
    ("2.11.2", "2.8.4"),
    ("2.6.3", "2.9.3"),
    ("2.5.3", "2.5.3"),
    ("2.4.3", "3.1.8"),
    ("2.10.5", "3.1.8"),
    ("2.11.2", "3.1.8"),
    ("3.1.8", "3.1.8"),
]
ROWS = Shape(dags=2, runs=60, tasks=3, mapped=2, retry_every=2, ties=3, queued=2, running=2, unicode=True)


def source_of(version: str) -> SyntheticHistory:
    """Return a history of ``version`` with ties, tries, unfinished runs and odd names."""
    return SyntheticHistory(Shape(**{name: getattr(ROWS, name) for name in ROWS.__slots__} | {"version": version}))


def target_for(source: History, version: str) -> TableHistory:
    """Return an empty target of ``version`` that has, and has parsed, the DAGs of ``source``."""
    maker = RowMaker(version)
    table = TableHistory([maker.dag(row["dag_id"]) for row in source.dags()], version=version)
    if version >= "3":
        for row in table.dags():
            table.dag_versions.parse(row["dag_id"])
    return table


def both(source: str, target: str) -> dict[str, Any]:
    """Return the servers of two versions."""
    return {"behaviours": (behaviour(airflow_version=source), behaviour(airflow_version=target))}


async def verified(moving: World, folder: Path) -> list[Difference]:
    """Compare both sides as `transfer verify` does, and return what is not the same."""
    identity = Identity("a", "b", moving.settings.selection.model_dump_json(), None, one_way=False)
    async with FindingsStore.open(folder, Opening(identity)) as store, moving.sides() as (source, target):
        plan = await make_plan(source, target, moving.settings.selection, writing=False)
        job = Job(moving.settings, source, target, store, Progress(), Stop(), mapping=plan.mapping)
        await verify(job, [(dag.dag_id, dag.run_count) for dag in plan.dags])
    with read_findings(folder) as findings:
        return [found for dag in findings.dags() for found in findings.differences(dag.dag_id)]


@pytest.mark.parametrize(("source", "target"), PAIRS)
async def test_a_history_arrives(tmp_path: Path, source: str, target: str) -> None:
    """Nothing lacks, nothing is there that should not be, every value is what the measurements say."""
    history = source_of(source)
    async with world(tmp_path, history, target_for(history, target), **both(source, target)) as moving:
        ending = await moving.run()
        assert (ending.problems, moving.differences()) == ({}, [])
        assert list(broken(moving.target.history)) == []


@pytest.mark.parametrize(("source", "target"), PAIRS)
async def test_a_second_run_sends_nothing(tmp_path: Path, source: str, target: str) -> None:
    """What was moved is not sent again, whatever the versions."""
    history = source_of(source)
    async with world(tmp_path, history, target_for(history, target), **both(source, target)) as moving:
        await moving.run()
        posts = moving.posts()
        await moving.run()
        assert moving.posts() == posts


@pytest.mark.parametrize(("source", "target"), PAIRS)
async def test_what_has_arrived_is_found_equal(tmp_path: Path, source: str, target: str) -> None:
    """A verification finds no difference but one that was made."""
    history = source_of(source)
    table = target_for(history, target)
    async with world(tmp_path, history, table, **both(source, target)) as moving:
        await moving.run()
        assert await verified(moving, tmp_path / "first") == []
        table.rows(TASK_INSTANCES)[0]["pool"] = "another"
        (found,) = await verified(moving, tmp_path / "second")
        assert (found.mark, found.columns) == (Mark.DIFFERS, ("pool",))


async def test_earlier_tries_without_a_place_are_counted(tmp_path: Path) -> None:
    """A target before 2.10 gets none, and the report says how many there were."""
    history = source_of("2.11.2")
    async with world(tmp_path, history, target_for(history, "2.8.4"), **both("2.11.2", "2.8.4")) as moving:
        await moving.run()
        assert moving.target.asked("POST", "task_instance_history") == []
        lost = (await moving.totals()).losses[
            Loss("task_instance_history", "*", "Airflow 2.8 does not keep earlier tries")
        ]
        assert lost == history.shape.totals(finished=True)["task_instance_history"]


async def test_versions_of_dags_are_filled_in_everywhere(tmp_path: Path) -> None:
    """Airflow 3 fills them in with each task instance, so one is sent again behind the earlier tries."""
    history = source_of("2.11.2")
    table = target_for(history, "3.1.8")
    async with world(tmp_path, history, table, **both("2.11.2", "3.1.8")) as moving:
        await moving.run()
    for kind in (TASK_INSTANCES, TASK_INSTANCE_HISTORY):
        assert [row for row in table.rows(kind) if row["dag_version_id"] is None] == []


@pytest.mark.parametrize("allow_missing_dags", [False, True])
async def test_airflow_3_gets_no_runs_of_dags_that_it_has_not_parsed(
    tmp_path: Path,
    allow_missing_dags: bool,  # noqa: FBT001  a switch of the selection
) -> None:
    """They would break its pages: such DAGs are left out with the reason, also where missing ones are allowed."""
    history = source_of("2.11.2")
    table = RowMaker("3.1.8")
    listed = TableHistory([table.dag("dag_0000")], version="3.1.8")
    settings: dict[str, Any] = {"allow_missing_dags": allow_missing_dags}
    async with world(tmp_path, history, listed, **both("2.11.2", "3.1.8"), **settings) as moving:
        async with moving.sides() as (source, target):
            plan = await make_plan(source, target, moving.settings.selection)
        assert plan.dags == []
        assert "has not parsed it" in plan.left_out["dag_0000"]
        assert "the target does not have it" in plan.left_out["dag_0001"]


async def test_a_database_that_takes_no_offsets(tmp_path: Path) -> None:
    """On MariaDB the dates go without them, which is found out before anything is sent."""
    history = source_of("2.11.2")
    table = TableHistory(history.dags(), database=MYSQL)
    async with world(tmp_path, history, table) as moving:
        moving.probes = True
        ending = await moving.run()
        assert (ending.problems, moving.differences()) == ({}, [])


async def test_a_database_that_takes_no_dates(tmp_path: Path) -> None:
    """SQLite is refused before anything is sent."""
    history = source_of("2.11.2")
    async with world(tmp_path, history, TableHistory(history.dags(), database=SQLITE)) as moving:
        moving.probes = True
        with pytest.raises(UnsupportedError, match="target: its database is SQLite"):
            await moving.run()


async def test_there_is_no_way_back(tmp_path: Path) -> None:
    """From 3 to 2 nothing is even planned."""
    history = source_of("3.1.8")
    async with world(tmp_path, history, target_for(history, "2.11.2"), **both("3.1.8", "2.11.2")) as moving:
        with pytest.raises(UnsupportedError, match="cannot be moved back"):
            await moving.run()
        assert moving.posts() == 0
