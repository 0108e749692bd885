"""Cutting rows into bodies."""

import json
import math
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transfer.emulator.rows import run_row, task_row
from transfer.engine.batch import SMALLEST_CEILING, Batcher, drop_nulls
from transfer.kinds import DAG_RUNS, TASK_INSTANCE_HISTORY, TASK_INSTANCES, Kind, Row
from transfer.model import Batch

JOB_ID = UUID(int=1)
OPTIONAL = sorted(TASK_INSTANCES.optional)[:4]
TASK_ROWS = st.lists(
    st.tuples(st.integers(0, 3000), st.sets(st.sampled_from(OPTIONAL)), st.sets(st.sampled_from(OPTIONAL))), max_size=40
)


def batcher(*, most: int = 1_000, size: int = 1_000_000, job_id: UUID = JOB_ID) -> Batcher:
    """Return a batcher of at most ``most`` rows and ``size`` bytes."""
    return Batcher(job_id, max_rows=most, max_bytes=size)


def cut(rows: list[Row], kind: Kind = TASK_INSTANCES, *, most: int = 1_000, size: int = 1_000_000) -> list[Batch]:
    """Return the batches of ``rows``."""
    return list(batcher(most=most, size=size).cut(kind, "dag", rows))


def sent(batches: list[Batch]) -> list[Row]:
    """Return the rows of all bodies."""
    return [row for batch in batches for row in json.loads(batch.body)[batch.kind.envelope]]


def tasks(shapes: list[tuple[int, set[str], set[str]]]) -> list[Row]:
    """Return a task instance for each shape: characters of text, optional columns that are null, and that lack."""
    rows = []
    for number, (width, nulls, lacking) in enumerate(shapes):
        row: Row = {"run_id": "r", "task_id": f"t{number}", "map_index": -1, "hostname": "x" * width}
        row |= {column: None if column in nulls else "set" for column in OPTIONAL if column not in lacking}
        rows.append(row)
    return rows


def without_nulls(row: Row) -> Row:
    """Return what is set in ``row``."""
    return {name: value for name, value in row.items() if value is not None}


@settings(max_examples=200, deadline=None)
@given(shapes=TASK_ROWS, most=st.integers(1, 20), size=st.integers(1_024, 20_000))
def test_batches_hold_all_rows_once_within_the_limits(
    shapes: list[tuple[int, set[str], set[str]]], most: int, size: int
) -> None:
    """Each batch has one set of keys and keeps to the limits; together they hold every value of every row."""
    rows = tasks(shapes)
    batches = cut(rows, most=most, size=size)
    arrived = {row["task_id"]: row for row in sent(batches)}
    assert len(sent(batches)) == len(rows)
    for row in rows:
        there = arrived[row["task_id"]]
        assert without_nulls(row) == without_nulls(there)
        assert there.keys() <= row.keys()
    for batch in batches:
        assert len({frozenset(row) for row in sent([batch])}) == 1
        assert len(batch.rows) <= most
        assert len(batch.body) <= size or len(batch.rows) == 1


@settings(max_examples=100, deadline=None)
@given(shapes=TASK_ROWS, most=st.integers(1, 20), size=st.integers(1_024, 20_000))
def test_the_rows_of_a_batch_are_those_of_its_body(
    shapes: list[tuple[int, set[str], set[str]]], most: int, size: int
) -> None:
    """What is read back and halved later is what was sent."""
    for batch in cut(tasks(shapes), most=most, size=size):
        assert sent([batch]) == batch.rows


def test_nothing_makes_no_batch() -> None:
    """No rows, no body."""
    assert cut([]) == []


def test_columns_that_are_null_everywhere_are_left_out() -> None:
    """A column that is optional and null in all rows of a batch is not sent; one that is needed is."""
    run = run_row("dag", 1)
    first, second = task_row(run, "a", duration=None, hostname=None), task_row(run, "b", duration=None, hostname=None)
    (batch,) = cut([first, second])
    assert "duration" not in batch.rows[0]
    assert batch.rows[0]["hostname"] is None
    (batch,) = cut([first, second | {"duration": 1.0}])
    assert [row["duration"] for row in batch.rows] == [None, 1.0]


def test_a_null_conf_is_left_out_of_its_row_alone() -> None:
    """Runs without a conf go in a batch of their own, without the column; an empty conf is one."""
    runs = [run_row("dag", 1, conf=None), run_row("dag", 2, conf={}), run_row("dag", 3, conf=None)]
    batches = cut(runs, DAG_RUNS)
    assert sorted(("conf" in batch.rows[0], len(batch.rows)) for batch in batches) == [(False, 2), (True, 1)]
    assert all("conf" not in row or row["conf"] is not None for row in sent(batches))


def test_every_number_of_a_conf_survives() -> None:
    """Integers beyond 64 bits, NaN, infinity and lone surrogates are sent as they came."""
    conf = {"big": 2**80, "nan": math.nan, "inf": -math.inf, "half": "\ud800", "deep": [[{"x": 10**30}]]}
    (row,) = sent(cut([run_row("dag", 1, conf=conf)], DAG_RUNS))
    assert repr(row["conf"]) == repr(conf)


@pytest.mark.parametrize("value", [2**70, -(2**70), "\ud83d", "é漢😀\u0000"])
def test_odd_values_of_task_instances_survive(value: object) -> None:
    """What the fast codec refuses goes through the other one."""
    row = task_row(run_row("dag", 1), "a", external_executor_id=value)
    assert sent(cut([row]))[0]["external_executor_id"] == value


def test_keys_are_stable_and_distinct() -> None:
    """The same rows of the same job have the same key; other rows, kinds, DAGs and jobs have others."""
    rows = tasks([(5, set(), set())] * 6)
    (first,) = cut(rows)
    (again,) = cut([row.copy() for row in rows])
    assert first.key == again.key == str(UUID(first.key))
    tries = [row | {"try_number": 1} for row in rows]
    others = [
        *cut(rows[:5]),
        *cut(tries, TASK_INSTANCE_HISTORY),
        *batcher().cut(TASK_INSTANCES, "other", rows),
        *batcher(job_id=uuid4()).cut(TASK_INSTANCES, "dag", rows),
    ]
    assert len({first.key, *(batch.key for batch in others)}) == 5


@settings(max_examples=100, deadline=None)
@given(refused=st.lists(st.integers(1, 2_000_000), max_size=10), size=st.integers(1_024, 2_000_000))
def test_the_ceiling_only_sinks(refused: list[int], size: int) -> None:
    """Every refusal lowers the ceiling or leaves it, down to a size that no server refuses for being too large."""
    one = batcher(size=size)
    for body in refused:
        before = one.max_bytes
        one.lower_ceiling(body)
        assert min(before, SMALLEST_CEILING) <= one.max_bytes <= before


@given(shapes=TASK_ROWS.filter(bool))
def test_only_what_is_null_in_all_rows_is_dropped(shapes: list[tuple[int, set[str], set[str]]]) -> None:
    """A column that one row lacks, or has a value for, is left as it was in all of them."""
    rows = tasks(shapes)
    null = {column for column in OPTIONAL if all(row.get(column, "lacks") is None for row in rows)}
    kept = [{name: value for name, value in row.items() if name not in null} for row in rows]
    drop_nulls(TASK_INSTANCES, rows)
    assert rows == kept
