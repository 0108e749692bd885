"""Histories of two versions are held against each other by what a row has to become."""

from dataclasses import replace
from itertools import combinations, product
from uuid import uuid4

import pytest

from transfer.emulator import VERSIONS, Shape, SyntheticHistory, TableHistory, compare, tables_of
from transfer.emulator.expected import kept, opinion
from transfer.kinds import CHILDREN, DAG_RUNS, FINISHED_STATES, KINDS, TASK_INSTANCE_HISTORY, Kind, Row

_SHAPE = Shape(runs=40, tasks=2, mapped=2, retry_every=2, queued=1, running=2)
_PAIRS = [pair for pair in product(VERSIONS, VERSIONS) if not (pair[0].startswith("3") and pair[1].startswith("2"))]


def _moved(source: SyntheticHistory, version: str) -> TableHistory:
    """Return a table with every finished run as it should be, server's own columns left to the server."""
    table = TableHistory(version=version)
    expect = opinion(source.version, version) or (lambda _kind, row: row)
    for dag_id in source.dag_ids():
        runs = [run for run in source.runs(dag_id) if run["state"] in FINISHED_STATES]
        for kind in filter(lambda kind: kept(kind, version), KINDS):
            rows = (
                runs
                if kind is DAG_RUNS
                else [row for run in runs for row in source.children(kind, dag_id, run["run_id"])]
            )
            sent = [_with_id(kind, expect(kind, row), version) for row in rows]
            assert table.insert(kind, sent) is None
    return table


def _with_id(kind: Kind, row: Row, version: str) -> Row:
    """Return ``row`` with the id that Airflow 3 wants and does not make by itself."""
    name = "task_instance_id" if kind is TASK_INSTANCE_HISTORY else "id"
    wanted = version.startswith("3") and kind in CHILDREN and name not in row
    return row | {name: str(uuid4())} if wanted else row


@pytest.mark.parametrize(("source", "target"), _PAIRS)
def test_what_was_moved_well_differs_in_nothing(source: str, target: str) -> None:
    """From every version to every version there is a way; rows as expected can be stored, and break no page."""
    history = SyntheticHistory(replace(_SHAPE, version=source))
    table = _moved(history, target)
    assert compare(history, table) == []
    assert table.broken() == []


@pytest.mark.parametrize(("source", "target"), [("2.4.3", "2.11.2"), ("2.11.2", "3.1.8"), ("3.1.8", "3.1.8")])
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_wrong_value_is_seen(source: str, target: str, kind: Kind) -> None:
    """One column of one row that is not as expected is one difference; a row that is not there another."""
    history = SyntheticHistory(replace(_SHAPE, version=source))
    table = _moved(history, target)
    rows = table.rows(kind)
    if not rows:
        return
    rows[0]["end_date"] = None
    found = compare(history, table)
    assert [(one.what, one.kind, one.columns) for one in found] == [("different", kind.name, ("end_date",))]
    table.remove_run(rows[0]["dag_id"], rows[0]["run_id"])
    assert {one.what for one in compare(history, table)} == {"missing"}


def test_airflow_3_gets_a_run_after_and_other_names() -> None:
    """A run of Airflow 2 runs after the end of its interval, and a dataset is an asset."""
    history = SyntheticHistory(Shape(runs=5, version="2.10.5"))
    run = next(history.runs("dag_0000"))
    expect = opinion("2.10.5", "3.1.8")
    assert expect is not None
    row = expect(DAG_RUNS, run | {"run_type": "dataset_triggered", "state": "SUCCESS", "conf": {"a": 1}})
    assert (row["logical_date"], row["run_after"]) == (run["execution_date"], run["data_interval_end"])
    assert (row["run_type"], row["state"], row["triggered_by"]) == ("asset_triggered", "success", None)
    bare = expect(DAG_RUNS, run | {"data_interval_end": None})
    assert bare["run_after"] == run["execution_date"]


@pytest.mark.parametrize(
    ("before", "after"), [("shutdown", "failed"), ("none", None), ("", None), (None, None), ("SKIPPED", "skipped")]
)
def test_states_that_airflow_3_does_not_know(before: str | None, after: str | None) -> None:
    """Old states have a new name, capital letters none."""
    history = SyntheticHistory(Shape(runs=2))
    kind = CHILDREN[0]
    row = history.page(kind, "dag_0000", 0, 1)[0] | {"state": before, "try_number": None, "max_tries": None}
    expect = opinion("2.11.2", "3.1.8")
    assert expect is not None
    moved = expect(kind, row)
    assert (moved["state"], moved["try_number"], moved["max_tries"]) == (after, 0, -1)


@pytest.mark.parametrize(
    ("changes", "column"),
    [
        ({"conf": "text"}, "conf"),
        ({"conf": {"a": "\x00"}}, "conf"),
        ({"run_type": "nonsense"}, "run_type"),
        ({"state": "nonsense"}, "state"),
    ],
)
def test_there_is_no_opinion_on_what_cannot_be_kept(changes: Row, column: str) -> None:
    """What Airflow 3 could not show or store may be corrected in any way."""
    run = next(SyntheticHistory(Shape(runs=5)).runs("dag_0000")) | changes
    expect = opinion("2.11.2", "3.1.8")
    assert expect is not None
    assert column not in expect(DAG_RUNS, run)


def test_a_conf_is_expected_as_the_database_keeps_it() -> None:
    """Numbers of a conf lose their exponents on the way into Airflow 3."""
    run = next(SyntheticHistory(Shape(runs=5)).runs("dag_0000")) | {"conf": {"n": 1.5e300}}
    expect = opinion("2.11.2", "3.1.8")
    assert expect is not None
    assert expect(DAG_RUNS, run)["conf"] == {"n": 15 * 10**299}


def test_there_is_no_way_back() -> None:
    """From Airflow 3 to Airflow 2 nothing can be moved."""
    with pytest.raises(ValueError, match=r"from Airflow 3\.1\.8 to 2\.11\.2"):
        opinion("3.1.8", "2.11.2")


def test_equal_tables_need_no_opinion() -> None:
    """Between releases with the same columns every row stays as it is."""
    same = [pair for pair in combinations(VERSIONS[:-1], 2) if tables_of(pair[0]) == tables_of(pair[1])]
    assert ("2.10.5", "2.11.2") in same
    assert all(opinion(*pair) is None for pair in same)
