"""The loop with duties moves everything, and each duty sees what it is there for."""

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from benchmarks.canned import canned
from benchmarks.canned_rows import DAG, rows_of
from benchmarks.duties import DUTIES, Loop, _are_rows, _without_nulls
from benchmarks.duties_state import DutyFailedError, State
from transfer.kinds import TASK_INSTANCE_HISTORY, TASK_INSTANCES

RUNS = 45
TRY = {"dag_id": "d", "run_id": "r", "task_id": "t", "map_index": -1, "try_number": 1, "state": None, "pid": None}


@pytest.mark.parametrize("duties", range(len(DUTIES) + 1))
def test_everything_arrives_with_any_of_the_duties(tmp_path: Path, duties: int) -> None:
    """And with all of them every window is settled at the end, with all runs."""
    file = str(tmp_path / "state.sqlite3")
    state = State(file)
    with canned(RUNS) as servers:
        urls = [servers.source, servers.target]
        asyncio.run(Loop(urls, DAG, 10, 2, frozenset(list(DUTIES)[:duties]), state).move())
        arrived = servers.arrived()
    state.close()
    assert arrived.pop("requests") == 15
    assert sum(arrived.values()) == rows_of(RUNS)
    settled = [[5], [RUNS]] if duties == len(DUTIES) else [[0], [0]]
    queries = ("SELECT count(*) FROM window WHERE state = 1", "SELECT count(*) FROM run WHERE outcome = 1")
    with sqlite3.connect(file) as connection:
        assert [list(connection.execute(query).fetchone()) for query in queries] == settled
    connection.close()


@pytest.mark.parametrize(
    ("column", "value"),
    [("run_id", 1), ("task_id", None), ("map_index", "1"), ("try_number", None), ("dag_id", "other"), ("state", 1)],
)
def test_a_row_without_an_identity_is_seen(column: str, value: Any) -> None:
    """Among others that have one."""
    assert _are_rows(TASK_INSTANCE_HISTORY, [TRY, TRY], "d")
    assert not _are_rows(TASK_INSTANCE_HISTORY, [TRY, TRY | {column: value}], "d")


def test_only_columns_that_are_null_everywhere_are_left_out() -> None:
    """And rows that would then have other keys than the first do not share a batch."""
    assert [list(row) for row in _without_nulls(TASK_INSTANCES, [TRY.copy(), TRY.copy()])] == [list(TRY)[:-1]] * 2
    assert [set(row) for row in _without_nulls(TASK_INSTANCES, [TRY.copy(), TRY | {"pid": 1}])] == [set(TRY)] * 2
    with pytest.raises(DutyFailedError):
        _without_nulls(TASK_INSTANCES, [TRY.copy(), TRY | {"pool": "p"}])


def test_a_run_that_was_claimed_before_is_seen(tmp_path: Path) -> None:
    """Nothing of a window may be sent of which something is remembered."""
    state = State(str(tmp_path / "state.sqlite3"))
    runs = [{"run_id": "a"}, {"run_id": "b"}]
    asyncio.run(state.claim(0, runs, [1, 2]))
    with pytest.raises(DutyFailedError):
        asyncio.run(state.claim(2, runs[1:], [2]))
    state.close()
