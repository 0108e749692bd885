"""Reading back what a target has of a window, by key, while others write to it."""

from collections.abc import Callable
from datetime import datetime, timedelta

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transfer.emulator import TableHistory
from transfer.emulator.rows import EPOCH, run_row
from transfer.engine.reconcile import Reconciler
from transfer.errors import DriftError
from transfer.kinds import CHILDREN, DAG_RUNS, KINDS, TASK_INSTANCES, Kind

from .reading import TableSide
from .tables import DAG, add_run, empty_like, history

STARTS = st.lists(st.one_of(st.none(), st.integers(0, 8)), min_size=1, max_size=25)


def source_with(starts: list[int | None]) -> TableHistory:
    """Return a source whose runs started on these days; equal days tie."""
    table = history(0)
    for number, start in enumerate(starts):
        date = None if start is None else str(EPOCH + timedelta(days=start, hours=30))
        add_run(table, number, start_date=date, tasks=number % 3)
    return table


def keys_of(table: TableHistory, kind: Kind, run_ids: set[str]) -> set[tuple[object, ...]]:
    """Return the keys of the rows of ``kind`` that the table has for these runs."""
    return {kind.key_of(row) for row in table.rows(kind) if row["run_id"] in run_ids}


@settings(max_examples=150, deadline=None)
@given(
    starts=STARTS,
    there=st.sets(st.integers(0, 24)),
    window=st.tuples(st.integers(0, 24), st.integers(1, 10)),
    slice_runs=st.integers(1, 9),
    grow=st.integers(0, 12),
    nulls_first=st.booleans(),
)
def test_exactly_what_is_there_is_found(
    starts: list[int | None], there: set[int], window: tuple[int, int], slice_runs: int, grow: int, *, nulls_first: bool
) -> None:
    """All rows of the window that the target has are found, and no others, while new runs are inserted."""
    source = source_with(starts)
    source.nulls_first = nulls_first
    runs = list(source.runs(DAG))
    target = empty_like(source)
    target.nulls_first = nulls_first
    for number in there & set(range(len(runs))):
        target.add(DAG_RUNS, runs[number])
        for kind in CHILDREN:
            target.add(kind, *source.children(kind, DAG, runs[number]["run_id"]))
    asked = runs[window[0] : sum(window)] or runs[-1:]
    run_ids = {run["run_id"] for run in asked}
    for kind in KINDS:
        side = TableSide(target, before=growing(grow))
        found = anyio.run(Reconciler(side, slice_runs=slice_runs).present, kind, DAG, asked)
        assert found == keys_of(target, kind, run_ids)


def growing(times: int) -> Callable[[TableSide], None]:
    """Return a hook that inserts a new run before each of the first ``times`` answers."""

    def grow(side: TableSide) -> None:
        if side.requests <= times:
            add_run(side.table, 1_000 + side.table.run_count(DAG), tasks=side.requests % 2)

    return grow


async def test_another_version_of_a_run_counts_as_absent() -> None:
    """A run that stands elsewhere on the target is another version: it is not found."""
    target = history(6)
    runs = [dict(run) for run in target.runs(DAG)][2:4]
    target.move_run(DAG, runs[0]["run_id"], start_date="2026-01-01 00:00:00+00:00", state="success")
    found = await Reconciler(TableSide(target), slice_runs=5).present(DAG_RUNS, DAG, runs)
    assert found == {(runs[1]["run_id"],)}


async def test_another_version_among_the_runs_of_the_window_counts_as_absent() -> None:
    """Where it stands decides, even if that lies between two runs that are asked for: of it nothing is found."""
    target = history(8)
    runs = [dict(run) for run in target.runs(DAG)][2:7]
    between = str(datetime.fromisoformat(runs[3]["start_date"]) + timedelta(seconds=1))
    target.move_run(DAG, runs[1]["run_id"], start_date=between, state="success")
    others = {run["run_id"] for run in runs} - {runs[1]["run_id"]}
    for kind in (DAG_RUNS, TASK_INSTANCES):
        found = await Reconciler(TableSide(target), slice_runs=5).present(kind, DAG, runs)
        assert {key[0] for key in found} == others


async def test_an_empty_target_has_nothing() -> None:
    """A DAG that the target does not have is asked once or twice."""
    side = TableSide(TableHistory())
    assert await Reconciler(side, slice_runs=5).present(DAG_RUNS, DAG, [run_row(DAG, 1)]) == set()
    assert side.requests <= 2


async def test_a_large_target_is_searched_not_walked() -> None:
    """The window's place among thousands of runs is found in a few requests."""
    target = history(3_000, tasks=0)
    runs = list(target.runs(DAG))[1_700:1_720]
    side = TableSide(target)
    assert len(await Reconciler(side, slice_runs=50).present(DAG_RUNS, DAG, runs)) == 20
    assert side.requests < 20


async def test_writers_beside_it_do_not_disturb() -> None:
    """Runs that are inserted at older places while children are read back cost no second reading."""
    target = history(30)
    runs = list(target.runs(DAG))[5:10]

    def insert_older(side: TableSide) -> None:
        add_run(side.table, 9_000 + side.requests, start_date=str(EPOCH - timedelta(days=side.requests)), tasks=0)

    side = TableSide(target, before=insert_older)
    found = await Reconciler(side, slice_runs=5).present(KINDS[1], DAG, runs)
    assert (len(found), side.pages) == (10, 1)


async def test_a_target_that_never_rests_is_given_up() -> None:
    """When the slice moves each time it is read, the window is left with an error, pages closed."""
    target = history(10)
    runs = list(target.runs(DAG))[3:5]
    side = TableSide(target, before=growing(10_000))
    with pytest.raises(DriftError, match="moves faster than it can be read"):
        await Reconciler(side, slice_runs=5).present(KINDS[1], DAG, runs)
    assert (side.open_pages, side.requests < 400) == (0, True)


async def test_pages_are_as_large_as_the_window() -> None:
    """Runs may be large: no more of them are asked for at once than the window has, and a few around them."""
    target = history(300, tasks=0)
    side = TableSide(target)
    runs = list(target.runs(DAG))[100:104]
    assert len(await Reconciler(side, slice_runs=500).present(DAG_RUNS, DAG, runs)) == 4
    assert side.largest <= 10
