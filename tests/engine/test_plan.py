"""What will be moved, and what it amounts to."""

import pytest

from transfer.checkpoint import PlannedDag
from transfer.config.settings import Selection
from transfer.emulator import Shape, SyntheticHistory, TableHistory
from transfer.emulator.rows import dag_row
from transfer.engine.plan import WRITE_RATE, Plan, exact_names, forecast, is_selected, make_plan
from transfer.errors import TransferError, UnsupportedError
from transfer.kinds import KINDS

from .reading import TableSide
from .tables import DAG, add_run, empty_like, history


def planned(plan: Plan) -> list[tuple[str, int]]:
    """Return DAGs and their counts in order."""
    return [(dag.dag_id, dag.run_count) for dag in plan.dags]


async def test_the_largest_dag_comes_first() -> None:
    """DAGs are ordered by their runs, then by name."""
    source = TableHistory(dag_row(name) for name in ("b", "a", "big"))
    for number in range(5):
        add_run(source, number, dag_id="big")
    plan = await make_plan(TableSide(source), TableSide(empty_like(source)), Selection())
    assert (planned(plan), plan.run_count, plan.left_out) == ([("big", 5), ("a", 0), ("b", 0)], 5, {})


async def test_dags_that_the_target_lacks_are_left_out() -> None:
    """A DAG that the target does not have is left out with the reason, unless that is allowed."""
    source = TableSide(history(2, dags=("here", "gone")))
    target = TableSide(TableHistory([dag_row("here")]))
    plan = await make_plan(source, target, Selection())
    assert planned(plan) == [("here", 2)]
    assert "the target does not have it" in plan.left_out["gone"]
    plan = await make_plan(source, target, Selection(allow_missing_dags=True))
    assert [(dag.dag_id, dag.on_target) for dag in plan.dags] == [("gone", False), ("here", True)]


async def test_unlisted_dags_are_found_by_exact_name() -> None:
    """History without a row in the list is planned when it is named; a name that nobody knows is left out."""
    source = TableHistory([dag_row("listed")])
    add_run(source, 1, dag_id="orphan")
    selection = Selection(dags=("orphan", "nobody", "l*"), allow_missing_dags=True)
    plan = await make_plan(TableSide(source), TableSide(empty_like(source)), selection)
    assert plan.dags[0] == PlannedDag("orphan", 1, listed=False, on_target=False)
    assert "neither lists it nor has runs" in plan.left_out["nobody"]


async def test_what_the_target_had_is_counted() -> None:
    """The plan says how many runs the target has, of DAGs that it lists and of others."""
    source = history(4, dags=("listed", "orphan"))
    target = TableHistory([dag_row("listed")])
    add_run(target, 1, dag_id="listed")
    add_run(target, 1, dag_id="orphan")
    plan = await make_plan(TableSide(source), TableSide(target), Selection(allow_missing_dags=True))
    assert [(dag.dag_id, dag.target_runs) for dag in plan.dags] == [("listed", 1), ("orphan", 1)]


async def test_other_versions_are_refused_before_anything_else() -> None:
    """Versions are looked at first."""
    source = TableSide(history(1))
    with pytest.raises(UnsupportedError, match=r"target: Airflow 2\.3\.4"):
        await make_plan(source, TableSide(TableHistory(), version="2.3.4"), Selection())
    assert source.requests == 1


async def test_an_empty_selection_is_an_error() -> None:
    """A selection that takes nothing is told with what it is."""
    side = TableSide(history(1))
    with pytest.raises(TransferError, match=r"none of its 1 DAGs is selected by a\*, b"):
        await make_plan(side, side, Selection(dags=("a*", "b"), exclude_dags=("b",)))


@pytest.mark.parametrize(
    ("dag_id", "taken"), [("etl_1", True), ("etl_x", False), ("ETL_1", False), ("other", False), ("exact", True)]
)
def test_globs(dag_id: str, *, taken: bool) -> None:
    """Globs take and exclude, and case counts."""
    selection = Selection(dags=("etl_*", "exact"), exclude_dags=("*_x",))
    assert is_selected(dag_id, selection) is taken


def test_exact_names_have_no_wildcards() -> None:
    """Names are those without wildcards, once each, that are not excluded."""
    selection = Selection(dags=("a", "b*", "c?", "d[1]", "a", "e"), exclude_dags=("e",))
    assert exact_names(selection) == ["a"]


async def test_a_forecast_of_a_regular_history_is_exact() -> None:
    """Rows and bytes are extrapolated from a sample; the sample's pages are closed."""
    shape = Shape(dags=2, runs=400, tasks=6, mapped=2, retry_every=4)
    side = TableSide(TableHistory.copy_of(SyntheticHistory(shape)))
    found = await forecast(side, await make_plan(side, side, Selection()))
    assert (found.sampled_runs, found.runs, found.rows) == (40, 800, sum(shape.totals().values()))
    assert found.write_seconds == pytest.approx(found.rows / WRITE_RATE)
    assert (side.open_pages, found.size > 0, found.read_seconds > 0) == (0, True, True)


@pytest.mark.parametrize("runs", [0, 1, 2, 39])
async def test_a_forecast_of_a_small_history(runs: int) -> None:
    """Few runs, or none, are no trouble."""
    table = history(runs)
    side = TableSide(table)
    found = await forecast(side, await make_plan(side, side, Selection(dags=(DAG,))))
    assert (found.runs, found.rows) == (runs, sum(len(table.rows(kind)) for kind in KINDS))
