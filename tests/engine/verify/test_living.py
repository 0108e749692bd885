"""Both sides may change while they are compared: what is reported was true at some moment."""

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.engine.reading import TablePage, TableSide
from tests.engine.tables import DAG, Mutator, add_run, history, tied
from transfer.findings import FindingsStore
from transfer.kinds import KINDS, TASK_INSTANCES
from transfer.model import Mark

from .comparing import Found, Verification, verifying
from .corruptions import Vandal, moved

SEEDS = pytest.mark.parametrize("seed", range(12))

GONE = "scheduled__2025-01-06T00:00:00+00:00"


class Weather:
    """Changes one side now and then, and remembers what was different at each moment."""

    def __init__(self, job: Verification, mutator: Mutator, seed: int) -> None:
        self._job = job
        self._mutator = mutator
        self._random = Random(seed)  # noqa: S311 - reproducible tests, no secrets
        self.true: set[Found] = set(job.expected())

    def __call__(self, _side: TableSide) -> None:
        """Change something before one answer of six."""
        if self._random.random() < 1 / 6:
            self._mutator.step()
            self.true.update(self._job.expected())


@SEEDS
async def test_a_living_source_makes_no_false_difference(tmp_path: Path, seed: int) -> None:
    """Of a source whose runs come, go, restart and finish, only what was different at some moment is reported."""
    source = tied(40, 3, tasks=2)
    target = moved(source)
    vandal = Vandal(target, seed)
    for _ in range(seed % 5):
        vandal.strike()
    mutator = Mutator(source, seed)
    async with verifying(tmp_path, source, target, window_runs=7) as job:
        at_rest = set(job.expected())
        job.source.before = weather = Weather(job, mutator, seed)
        ending = await job.run()
        assert (ending.problems, set(job.found()) - weather.true) == ({}, set())
        assert {found for found in at_rest if found[3] not in mutator.touched} <= set(job.found())


@SEEDS
async def test_a_living_target_makes_no_false_difference(tmp_path: Path, seed: int) -> None:
    """The same holds for a target on which somebody works, and damage that was there before is found."""
    source = history(30)
    target = moved(source)
    vandal = Vandal(target, seed)
    for _ in range(seed % 5):
        vandal.strike()
    mutator = Mutator(target, seed)
    async with verifying(tmp_path, source, target, window_runs=7) as job:
        at_rest = set(job.expected())
        job.target.before = weather = Weather(job, mutator, seed)
        ending = await job.run()
        assert (ending.problems, set(job.found()) - weather.true) == ({}, set())
        assert {found for found in at_rest if found[3] not in mutator.touched} <= set(job.found())


async def test_a_run_that_restarts_while_the_others_are_read_is_not_surplus(tmp_path: Path) -> None:
    """A run that was not reached yet and jumps to the front is not taken for one that the source lacks."""
    source = history(40)
    oldest = list(source.runs(DAG))[-1]["run_id"]

    def restart(side: TableSide) -> None:
        if side.requests == 12:
            source.move_run(DAG, oldest, start_date="2026-01-01 00:00:00+00:00", state="success")

    async with verifying(tmp_path, source, moved(source), window_runs=3) as job:
        job.source.before = restart
        ending = await job.run()
        assert (ending.problems, job.found()) == ({}, [])
        assert job.results()[DAG].rows["dag_runs"] == {Mark.SAME: 39}


async def test_a_run_that_arrives_before_the_second_look_is_no_difference(tmp_path: Path) -> None:
    """What a transfer writes while both sides are compared is not missing."""
    source = history(20)
    whole, target = moved(source), moved(source)
    late = whole.run(DAG, "scheduled__2025-01-12T00:00:00+00:00")
    assert late is not None
    target.remove_run(DAG, late["run_id"])

    def arrive(side: TableSide) -> None:
        if side.pages == 2 * 5 and not target.has_run(DAG, late["run_id"]):
            for kind in KINDS:
                target.add(kind, *(row for row in whole.rows(kind) if row["run_id"] == late["run_id"]))

    async with verifying(tmp_path, source, target, window_runs=4) as job:
        job.target.before = arrive
        ending = await job.run()
        assert (ending.problems, job.found(), target.has_run(DAG, late["run_id"])) == ({}, [], True)


def before_the_look(monkeypatch: pytest.MonkeyPatch, happen: Callable[[], None]) -> None:
    """Let something happen between the two looks."""
    begin = FindingsStore.begin_look

    async def begin_look(self: FindingsStore, dag_id: str, runs: tuple[int, int]) -> None:
        await begin(self, dag_id, runs)
        happen()

    monkeypatch.setattr(FindingsStore, "begin_look", begin_look)


@pytest.mark.parametrize(("name", "mark"), [("target", Mark.MISSING), ("source", Mark.EXTRA)])
async def test_a_run_that_goes_on_one_side_is_a_difference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, mark: Mark
) -> None:
    """Deleted between the two looks, it is missing there; the other side is at rest."""
    source = history(20)
    target = moved(source)
    target.run(DAG, GONE)["conf"] = {"x": 1}  # type: ignore[index]  # it is there
    sides = {"source": source, "target": target}
    before_the_look(monkeypatch, lambda: sides[name].remove_run(DAG, GONE))
    async with verifying(tmp_path, source, target, window_runs=5) as job:
        await job.run()
        assert {found[:4] for found in job.found()} >= {(mark, "dag_runs", DAG, GONE)}
        assert job.found() == job.expected()
        assert (job.results()[DAG].unfinished, job.results()[DAG].changed) == (0, 0)


async def test_a_run_that_goes_on_both_sides_has_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is left to compare; that is counted apart from runs that are not over."""
    source = history(20)
    target = moved(source)
    target.run(DAG, GONE)["conf"] = {"x": 1}  # type: ignore[index]  # it is there

    def go() -> None:
        source.remove_run(DAG, GONE)
        target.remove_run(DAG, GONE)

    before_the_look(monkeypatch, go)
    async with verifying(tmp_path, source, target, window_runs=5) as job:
        await job.run()
        assert (job.found(), job.results()[DAG].unfinished, job.results()[DAG].changed) == ([], 0, 1)


@pytest.mark.parametrize("nulls_first", [True, False])
@pytest.mark.parametrize("start", [None, "2026-01-01 00:00:00+00:00"], ids=["cleared", "restarted"])
async def test_a_run_that_moves_between_the_looks_is_not_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start: str | None, *, nulls_first: bool
) -> None:
    """One that somebody clears or restarts on the target is found where it went, and differs."""
    source = history(20)
    target = moved(source)
    target.nulls_first = nulls_first
    target.run(DAG, GONE)["conf"] = {"x": 1}  # type: ignore[index]  # it is there
    before_the_look(monkeypatch, lambda: target.move_run(DAG, GONE, start_date=start, state="success"))
    async with verifying(tmp_path, source, target, window_runs=5) as job:
        await job.run()
        assert [found[:6] for found in job.found()] == [
            (Mark.DIFFERS, "dag_runs", DAG, GONE, "", ("conf", "start_date"))
        ]


async def test_a_run_that_comes_and_goes_shifts_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run of the target that is there only while children are read leads to no difference."""
    source = history(20)
    target = moved(source)
    target.run(DAG, GONE)["conf"] = {"x": 1}  # type: ignore[index]  # it is there
    brief: list[int] = []
    before_the_look(monkeypatch, lambda: brief.extend([900, 901]))

    async with verifying(tmp_path, source, target, window_runs=5) as job:
        real = job.target.children

        async def children(*args: Any, **named: Any) -> TablePage:
            if not brief:
                return await real(*args, **named)
            come = add_run(target, brief.pop(), tasks=0)
            page = await real(*args, **named)
            target.remove_run(DAG, come["run_id"])
            return page

        job.target.children = children  # type: ignore[method-assign]  # what happens there
        await job.run()
        assert (brief, job.found()) == ([], job.expected())


async def test_runs_that_are_not_over_are_counted_and_not_compared(tmp_path: Path) -> None:
    """An unfinished run is no difference, whatever the target has of it."""
    source = history(10)
    target = moved(source)
    unfinished = list(source.runs(DAG))[2:5]
    for run, start in zip(unfinished, (None, None, unfinished[2]["start_date"]), strict=True):
        source.move_run(DAG, run["run_id"], start_date=start, state="running" if start else "queued")
    async with verifying(tmp_path, source, target, window_runs=3) as job:
        await job.run()
        assert (job.found(), job.results()[DAG].unfinished) == ([], 3)


async def test_a_run_that_ended_just_now_may_wait_for_a_task(tmp_path: Path) -> None:
    """A finished run with a running task is not at rest, and not compared."""
    source = history(3)
    target = moved(source)
    run = add_run(source, 50, end_date="2999-01-01 00:00:00+00:00")
    source.children(TASK_INSTANCES, DAG, run["run_id"])[0]["state"] = "running"
    async with verifying(tmp_path, source, target) as job:
        await job.run()
        assert (job.found(), job.results()[DAG].unfinished) == ([], 1)
