"""Rows that are stored but break a page of the deployment are named."""

import pytest

from transfer.emulator import Broken, TableHistory
from transfer.emulator.maker import RowMaker
from transfer.kinds import DAG_RUNS, KINDS, TASK_INSTANCE_HISTORY, TASK_INSTANCES, Row

from . import real

_RUN, _TASK, _TRY = (kind.name for kind in KINDS)


def _table(version: str, kind: str, changes: Row) -> TableHistory:
    """Return a run, a task instance and a try of it, of which the one of ``kind`` is changed."""
    maker, table = RowMaker(version), TableHistory(version=version)
    run = maker.run("d", 1)
    rows = {_RUN: run, _TASK: maker.task(run, "t"), _TRY: maker.tried(run, "t")}
    rows[kind] |= changes
    for one in KINDS:
        assert table.insert(one, [rows[one.name]]) is None
    return table


@pytest.mark.parametrize(
    ("version", "kind", "changes"),
    [
        ("3.1.8", _RUN, {"triggered_by": "ui"}),
        ("3.1.8", _RUN, {"triggered_by": ""}),
        ("3.1.8", _RUN, {"run_type": "dataset_triggered"}),
        ("3.1.8", _RUN, {"run_type": "SCHEDULED"}),
        ("3.1.8", _RUN, {"state": None}),
        ("3.1.8", _RUN, {"state": "SUCCESS"}),
        ("3.1.8", _RUN, {"state": "shutdown"}),
        ("3.1.8", _RUN, {"conf": "text"}),
        ("3.1.8", _RUN, {"conf": [1]}),
        ("3.1.8", _RUN, {"conf": 1}),
        ("3.1.8", _TASK, {"state": "shutdown"}),
        ("3.1.8", _TASK, {"state": "none"}),
        ("3.1.8", _TASK, {"state": ""}),
        ("3.1.8", _TASK, {"try_number": None}),
        ("3.1.8", _TASK, {"max_tries": None}),
        ("3.1.8", _TRY, {"state": "sensing"}),
        ("3.1.8", _TRY, {"max_tries": None}),
        ("3.1.8", _TRY, {"task_display_name": None}),
        ("2.11.2", _RUN, {"state": None}),
        ("2.11.2", _RUN, {"external_trigger": None}),
        ("2.11.2", _RUN, {"conf": "text"}),
        ("2.11.2", _TASK, {"hostname": None}),
        ("2.11.2", _TASK, {"unixname": None}),
        ("2.11.2", _TASK, {"try_number": None}),
        ("2.11.2", _TASK, {"max_tries": None}),
    ],
    ids=str,
)
def test_a_broken_row_is_named(version: str, kind: str, changes: Row) -> None:
    """The row, the column and its value are told."""
    column, value = next(iter(changes.items()))
    found = _table(version, kind, changes).broken()
    assert [(row.kind, row.dag_id, row.column, row.value) for row in found] == [(kind, "d", column, value)]


@pytest.mark.parametrize(
    ("version", "kind", "changes"),
    [
        ("3.1.8", _RUN, {"triggered_by": None}),
        ("3.1.8", _RUN, {"triggered_by": "BACKFILL"}),
        ("3.1.8", _RUN, {"conf": None}),
        ("3.1.8", _RUN, {"span_status": "nonsense"}),
        ("3.1.8", _RUN, {"logical_date": None}),
        ("3.1.8", _TASK, {"state": None}),
        ("3.1.8", _TASK, {"pool": "unknown"}),
        ("3.1.8", _TASK, {"hostname": None}),
        ("2.11.2", _RUN, {"state": "anything"}),
        ("2.11.2", _RUN, {"conf": None}),
    ],
    ids=str,
)
def test_odd_rows_that_can_be_shown_are_not(version: str, kind: str, changes: Row) -> None:
    """What does no harm is left alone."""
    assert _table(version, kind, changes).broken() == []


def test_a_try_with_the_id_of_its_task_instance_is_named() -> None:
    """It reads well, but the task instance cannot be cleared any more."""
    maker, table = RowMaker("3.1.8"), TableHistory(version="3.1.8")
    run = maker.run("d", 1)
    task = maker.task(run, "t")
    table.add(DAG_RUNS, run)
    table.add(TASK_INSTANCES, task)
    table.add(TASK_INSTANCE_HISTORY, maker.tried(run, "t", task_instance_id=task["id"]))
    key = (run["run_id"], "t", -1, 1)
    assert table.broken() == [Broken(_TRY, "d", key, "task_instance_id", task["id"])]


@pytest.mark.parametrize("version", ["2.4.3", "2.6.3", "2.11.2"])
def test_a_task_instance_without_executor_config_is_named(version: str) -> None:
    """The column has to be there when a batch is sent, with whatever value: its absence breaks the page."""
    maker, table = RowMaker(version), TableHistory(version=version)
    run = maker.run("d", 1)
    bare = {name: value for name, value in maker.task(run, "bare").items() if name != "executor_config"}
    table.add(DAG_RUNS, run)
    assert table.insert(TASK_INSTANCES, [maker.task(run, "whole")]) is None
    assert table.insert(TASK_INSTANCES, [bare]) is None
    assert table.broken() == [Broken(_TASK, "d", (run["run_id"], "bare", -1), "executor_config", None)]
    table.remove_run("d", run["run_id"])
    assert table.broken() == []


@pytest.mark.parametrize("version", real.VERSIONS)
def test_no_real_row_is_broken(version: str) -> None:
    """What a real server served of its own can be shown."""
    table = TableHistory(version=version)
    for kind in KINDS:
        table.add(kind, *real.served(version, kind.name))
    assert table.broken() == []
