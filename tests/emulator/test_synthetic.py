"""A synthetic history is the same every time, orders as the server does, and has the difficulties it was asked for."""

import json
from dataclasses import replace
from itertools import chain
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from transfer.emulator import VERSIONS, Shape, SyntheticHistory, TableHistory, compare, tables_of
from transfer.emulator.order import by_start
from transfer.emulator.rows import run_row, task_row
from transfer.kinds import CHILDREN, DAG_RUNS, KINDS, TASK_INSTANCE_HISTORY, TASK_INSTANCES

_DAG = "dag_0000"
_SMALL = Shape(
    dags=2, runs=70, tasks=3, mapped=2, retry_every=2, ties=16, queued=3, running=2, unlisted=1, unicode=True, seed=5
)

shapes = st.builds(
    Shape,
    dags=st.integers(1, 3),
    runs=st.integers(5, 60),
    tasks=st.integers(1, 4),
    mapped=st.integers(0, 3),
    retry_every=st.integers(0, 3),
    ties=st.sampled_from([0, 1, 2, 7, 16]),
    queued=st.integers(0, 2),
    running=st.integers(0, 3),
    long_conf=st.sampled_from([0, 30]),
    failures=st.booleans(),
    unicode=st.booleans(),
    seed=st.integers(0, 200),
)


@given(shapes)
@settings(max_examples=40, deadline=None)
def test_totals_are_what_is_served(shape: Shape) -> None:
    """The totals computed by arithmetic are the rows that one page of everything holds."""
    history = SyntheticHistory(shape)
    for kind in KINDS:
        served = [row for dag_id in history.dag_ids() for row in history.page(kind, dag_id, 0, shape.runs)]
        over = {"success", "failed"}
        finished = {
            (run["dag_id"], run["run_id"])
            for dag_id in history.dag_ids()
            for run in history.runs(dag_id)
            if run["state"] in over
        }
        assert len(served) == shape.totals()[kind.name]
        assert (
            sum((row["dag_id"], row["run_id"]) in finished for row in served)
            == (shape.totals(finished=True)[kind.name])
        )


@given(shapes)
@settings(max_examples=40, deadline=None)
def test_keys_are_unique_and_columns_complete(shape: Shape) -> None:
    """No two rows have the same key or logical date, and every row has exactly the columns of 2.11."""
    history = SyntheticHistory(shape)
    runs = list(history.runs(_DAG))
    assert len({run["run_id"] for run in runs}) == len({run["execution_date"] for run in runs}) == shape.runs
    assert all(run.keys() == run_row("d", 0).keys() for run in runs)
    for kind in CHILDREN:
        rows = history.page(kind, _DAG, 0, shape.runs)
        assert len({kind.key_of(row) for row in rows}) == len(rows)
        assert all(row.keys() == task_row(runs[0], "t").keys() for row in rows)


@given(shapes)
@settings(max_examples=40, deadline=None)
def test_the_settled_order_is_the_sorted_one(shape: Shape) -> None:
    """Runs come newest first and null before all, and ties are exactly the runs with the same start date."""
    starts = [by_start(run) for run in SyntheticHistory(shape).runs(_DAG)]
    assert starts == sorted(starts, reverse=True)
    for position, start in enumerate(starts):
        first, stop = shape.tie(position)
        assert [at for at, other in enumerate(starts) if other == start] == list(range(first, stop))


@given(shapes, st.integers(0, 70), st.integers(0, 70))
@settings(max_examples=60, deadline=None)
def test_a_slice_is_that_of_a_table_with_the_same_rows(shape: Shape, offset: int, limit: int) -> None:
    """Computed pages hold the same start dates as pages of a sorted table with the same rows."""
    history = SyntheticHistory(shape)
    table = TableHistory.copy_of(history)
    for kind in KINDS:
        computed = [by_start(row) for row in history.page(kind, _DAG, offset, limit)]
        assert computed == sorted(computed, reverse=True)
        if kind is DAG_RUNS:
            assert computed == [by_start(row) for row in table.page(kind, _DAG, offset, limit)]


def test_equal_shapes_have_equal_rows() -> None:
    """Two histories of one shape are the same, and another seed is another history."""
    first, second = SyntheticHistory(_SMALL), SyntheticHistory(_SMALL)
    for kind in KINDS:
        assert first.page(kind, _DAG, 3, 40) == second.page(kind, _DAG, 3, 40)
    other = SyntheticHistory(Shape(runs=70, seed=6))
    assert other.page(DAG_RUNS, _DAG, 3, 40) != first.page(DAG_RUNS, _DAG, 3, 40)


def test_runs_are_found_by_their_id() -> None:
    """Every run and its children are found by id; other ids find nothing."""
    history = SyntheticHistory(_SMALL)
    for run in history.runs(_DAG):
        assert history.run(_DAG, run["run_id"]) == run
        assert len(history.children(TASK_INSTANCES, _DAG, run["run_id"])) == _SMALL.slots
    for wrong in ("x", "scheduled__2024-01-01T00:01:00", "scheduled__2030-01-01T00:01:00+00:00", "manual__"):
        assert history.run(_DAG, wrong) is None
    assert history.run("dag_0002", next(history.runs(_DAG))["run_id"]) is None


def test_the_difficulties_are_there() -> None:
    """A shape with everything switched on has every kind of row that is hard to move."""
    history = SyntheticHistory(
        Shape(runs=120, mapped=3, retry_every=4, queued=1, running=1, long_conf=9000, unicode=True)
    )
    runs = list(history.runs(_DAG))
    tasks = history.page(TASK_INSTANCES, _DAG, 0, 120)
    assert {run["state"] for run in runs} == {"queued", "running", "success", "failed"}
    assert runs[0]["start_date"] is None
    assert {"success", "failed", "skipped", "running", None} == {task["state"] for task in tasks}
    assert any(len(str(run["conf"])) > 9000 for run in runs)
    assert any("é" in run["run_id"] for run in runs)
    assert {-1, 0, 1, 2} == {task["map_index"] for task in tasks}
    assert {task["try_number"] for task in tasks} == {0, 1, 2}
    assert all(row["try_number"] == 1 for row in history.page(TASK_INSTANCE_HISTORY, _DAG, 0, 120))


def test_unlisted_dags_are_served_only() -> None:
    """The last DAGs have history, but no row in table ``dag``."""
    history = SyntheticHistory(_SMALL)
    assert [dag["dag_id"] for dag in history.dags()] == ["dag_0000"]
    assert history.run_count("dag_0001") == _SMALL.runs
    assert history.run_count("dag_0002") == 0


def test_ten_million_rows_start_at_once_and_serve_their_last_page() -> None:
    """Nothing is built in advance: the far end of a large history is as near as its beginning."""
    shape = Shape(dags=10, runs=100_000, tasks=10, ties=16)
    history = SyntheticHistory(shape)
    assert shape.totals()["task_instances"] == 10_000_000
    assert len(history.page(TASK_INSTANCES, "dag_0009", 99_995, 10)) == 50


def test_naive_pages_lose_rows_of_split_ties() -> None:
    """Pages whose edges split ties repeat some runs and lose as many; pages between the ties lose none."""
    history = SyntheticHistory(Shape(runs=640, ties=16))

    def distinct(limit: int) -> int:
        pages = (history.page(DAG_RUNS, _DAG, offset, limit) for offset in range(0, 640, limit))
        rows = list(chain.from_iterable(pages))
        assert len(rows) == 640
        return len({row["run_id"] for row in rows})

    assert distinct(7) < 640
    assert distinct(100) < 640
    assert distinct(32) == 640
    assert distinct(640) == 640


@given(shapes, st.sampled_from(VERSIONS))
@settings(max_examples=40, deadline=None)
def test_every_version_has_its_own_columns(shape: Shape, version: str) -> None:
    """Rows, totals and what is found by id are those of the version; before 2.10 there are no tries."""
    history = SyntheticHistory(replace(shape, version=version))
    assert history.version == version
    for kind in KINDS:
        rows = [row for dag_id in history.dag_ids() for row in history.page(kind, dag_id, 0, shape.runs)]
        table = tables_of(version).get(kind.name)
        assert len(rows) == history.shape.totals()[kind.name]
        assert rows == [] or table is not None
        assert all(table is not None and set(row) == set(table.served) for row in rows)
    copy = TableHistory.copy_of(history)
    assert copy.version == version
    assert {found.what for found in compare(history, copy)} <= {"extra"}  # runs that are not over


def test_ids_of_airflow_3_are_unique() -> None:
    """No two rows share an id, a try has another one than its task instance, and all fit into their columns."""
    history = SyntheticHistory(replace(_SMALL, version="3.1.8"))
    names = {"task_instances": "id", "task_instance_history": "task_instance_id"}
    rows = {kind: history.page(kind, _DAG, 0, _SMALL.runs) for kind in CHILDREN}
    ids = [row[names[kind.name]] for kind in CHILDREN for row in rows[kind]]
    assert len(set(ids)) == len(ids) > 0
    assert all(str(UUID(one)) == one for one in ids)


def test_airflow_3_has_difficulties_of_its_own() -> None:
    """Some of its runs have no logical date, and none has a NUL in its conf, which it could not hold."""
    runs = list(SyntheticHistory(replace(_SMALL, version="3.1.8")).runs(_DAG))
    assert {run["logical_date"] is None for run in runs} == {True, False}
    assert {run["triggered_by"] for run in runs} == {"REST_API", "TIMETABLE"}
    assert "\\u0000" not in json.dumps(runs)
    assert "\\u0000" in json.dumps(list(SyntheticHistory(_SMALL).runs(_DAG)))
