"""A proving target refuses and serves as a table does, and knows whether everything came once."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transfer.emulator import ProofHistory, Shape, SyntheticHistory, TableHistory, compare
from transfer.emulator.order import by_start
from transfer.emulator.rows import run_row, task_row
from transfer.kinds import DAG_RUNS, FINISHED_STATES, KINDS, TASK_INSTANCES, Kind, Row

_SHAPE = Shape(dags=2, runs=40, tasks=2, mapped=2, retry_every=2, ties=4, queued=1, running=2, unicode=True)


def _finished(source: SyntheticHistory, kind: Kind, dag_id: str) -> list[Row]:
    """Return the rows of ``kind`` of all finished runs of a DAG."""
    runs = [run for run in source.runs(dag_id) if run["state"] in FINISHED_STATES]
    return runs if kind is DAG_RUNS else [row for run in runs for row in source.children(kind, dag_id, run["run_id"])]


def _filled(source: SyntheticHistory, target: Any) -> Any:
    """Insert everything that should be moved into ``target`` and return it."""
    for dag_id in source.dag_ids():
        for kind in KINDS:
            assert target.insert(kind, _finished(source, kind, dag_id)) is None
    return target


def test_everything_once_is_proved() -> None:
    """When all rows of all finished runs came, the proof holds and no difference is found."""
    source = SyntheticHistory(_SHAPE)
    target = _filled(source, ProofHistory(source))
    proof = target.proof()
    assert proof.exactly_once
    assert proof.stored == _SHAPE.totals(finished=True)
    assert compare(source, target) == []


def test_it_serves_what_a_table_serves() -> None:
    """Pages of a proving target are those of a table with the same rows."""
    source = SyntheticHistory(_SHAPE)
    proving, table = _filled(source, ProofHistory(source)), _filled(source, TableHistory())
    for kind in KINDS:
        for offset in range(0, 40, 7):
            wanted = table.page(kind, "dag_0001", offset, 7)
            found = proving.page(kind, "dag_0001", offset, 7)
            assert sorted(found, key=kind.key_of) == sorted(wanted, key=kind.key_of)


_ODD: list[Row] = [{}, {"zz": 1}, {"run_id": None}, {"state": "removed"}, {"start_date": "x"}]
_BATCHES = st.lists(
    st.tuples(st.integers(0, 2), st.lists(st.integers(0, 5), min_size=1, max_size=3), st.sampled_from(_ODD)),
    max_size=12,
)


@given(_BATCHES)
@settings(max_examples=50, deadline=None)
def test_it_refuses_what_a_table_refuses(batches: list[tuple[int, list[int], Row]]) -> None:
    """Whatever batches come in whatever order, both say the same and end with the same rows."""
    source = SyntheticHistory(Shape(runs=3, tasks=2, retry_every=1, failures=False))
    proving, table = ProofHistory(source), TableHistory()
    for number, chosen, changes in batches:
        kind = KINDS[number]
        rows = _finished(source, kind, "dag_0000")
        sent = [rows[at % len(rows)] | changes for at in chosen]
        assert (proving.insert(kind, sent) is None) == (table.insert(kind, sent) is None)
    assert {name: len(rows) for name, rows in table.snapshot().items()} == proving.proof().stored
    assert list(proving.runs("dag_0000")) == sorted(table.rows(DAG_RUNS), key=by_start, reverse=True)


def test_columns_that_were_left_out_count_as_equal_when_null() -> None:
    """A batch may leave out what is null anyway, but nothing else."""
    source = SyntheticHistory(Shape(runs=2, tasks=1, failures=False))
    target = ProofHistory(source)
    runs = list(source.runs("dag_0000"))
    target.insert(DAG_RUNS, runs)
    for run, lost in zip(runs, ("executor", "operator"), strict=True):
        row = source.children(TASK_INSTANCES, "dag_0000", run["run_id"])[0]
        target.insert(TASK_INSTANCES, [{name: row[name] for name in row if name != lost}])
    assert [(found.what, found.columns) for found in compare(source, target)] == [("different", ("operator",))]
    assert (target.proof().different, target.proof().exactly_once) == (1, False)


@pytest.mark.parametrize("deleted", ["dag_0000", "nope"])
def test_deleting_a_dag(deleted: str) -> None:
    """Deleting the runs of a DAG forgets them with their children; an unknown DAG has none."""
    source = SyntheticHistory(_SHAPE)
    target = _filled(source, ProofHistory(source))
    target.delete_runs(deleted)
    left = _SHAPE.totals(finished=True)
    assert target.proof().stored == {
        name: count // 2 if deleted == "dag_0000" else count for name, count in left.items()
    }


def test_strangers_and_unfinished_runs_break_the_proof() -> None:
    """Rows that the source does not have, or should not give yet, are counted."""
    source = SyntheticHistory(_SHAPE)
    target = _filled(source, ProofHistory(source))
    assert target.insert(DAG_RUNS, [run_row("other", 1)]) is None
    assert target.insert(DAG_RUNS, [next(source.runs("dag_0000"))]) is None
    assert target.insert(TASK_INSTANCES, [task_row(run_row("other", 1), "t")]) is not None
    proof = target.proof()
    assert (proof.strangers, proof.unfinished, proof.exactly_once) == (1, 1, False)


def test_refused_duplicates_are_counted() -> None:
    """A batch that is sent twice is refused, stores nothing, and is remembered."""
    source = SyntheticHistory(_SHAPE)
    target = _filled(source, ProofHistory(source))
    refusal = target.insert(DAG_RUNS, _finished(source, DAG_RUNS, "dag_0000"))
    assert refusal is not None
    assert refusal.status == 409
    assert target.proof().duplicates == {"dag_runs": 1, "task_instances": 0, "task_instance_history": 0}
    assert target.proof().exactly_once


@pytest.mark.parametrize("version", ["2.4.3", "2.8.4", "2.10.5"])
def test_older_versions_are_proved_too(version: str) -> None:
    """A target of the source's own version gets the columns of that one, and no tries before 2.10."""
    source = SyntheticHistory(replace(_SHAPE, version=version))
    target = _filled(source, ProofHistory(source))
    assert target.proof().exactly_once
    assert compare(source, target) == []


def test_airflow_3_is_not_proved() -> None:
    """An Airflow 3 changes rows by itself: none would be as it should."""
    with pytest.raises(ValueError, match="do not come as they were"):
        ProofHistory(SyntheticHistory(replace(_SHAPE, version="3.1.8")))
