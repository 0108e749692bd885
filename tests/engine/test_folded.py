"""Rows that are under way are held as their body, and are there again as soon as something goes wrong."""

import asyncio
import math
import weakref
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transfer.emulator.rows import run_row, task_row
from transfer.engine.batch import Batcher
from transfer.engine.deliver import Courier, Delivery, Strikes
from transfer.engine.folded import Folded
from transfer.kinds import DAG_RUNS, TASK_INSTANCES, Kind, Row
from transfer.model import Batch

from .storing import Store, deliver, rows

ANSWERS = st.lists(st.sampled_from(["ok", "ok", "before", "after", "late"]), max_size=30)
SOME = st.frozensets(st.integers(0, 39), max_size=6)
FRACTIONS = st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.none() | st.integers(-(2**70), 2**70) | FRACTIONS | st.text(max_size=3) | st.just("\ud800")


def batcher(most: int = 1_000, size: int = 1_000_000) -> Batcher:
    """Return a batcher of at most ``most`` rows and ``size`` bytes."""
    return Batcher(UUID(int=1), max_rows=most, max_bytes=size)


def plain(batch: Batch) -> tuple[Any, ...]:
    """Return all of a batch, with its rows as they are asked for."""
    return batch.kind, batch.dag_id, repr(list(batch.rows)), batch.body, batch.key


@settings(max_examples=50, deadline=None)
@given(st.lists(st.fixed_dictionaries({"pool": VALUES, "pid": VALUES}), max_size=20), st.integers(1, 8))
def test_consumed_rows_make_the_same_batches(values: list[Row], most: int) -> None:
    """With the same rows and keys, to the type of each value; of what was given nothing is left."""
    given_ = [{"run_id": "r", "task_id": f"t{number}", "map_index": -1, **row} for number, row in enumerate(values)]
    expected = list(map(plain, batcher(most, 400).cut(TASK_INSTANCES, "d", list(map(dict.copy, given_)))))
    assert list(map(plain, batcher(most, 400).consume(TASK_INSTANCES, "d", given_))) == expected
    assert given_ == []


class Watched(dict[str, Any]):
    """A row of which can be told whether anybody holds it."""


@pytest.mark.parametrize(
    ("kind", "row"), [(TASK_INSTANCES, task_row(run_row("d", 1), "t")), (DAG_RUNS, run_row("d", 1))]
)
def test_nobody_holds_the_rows_while_their_body_is_under_way(kind: Kind, row: Row) -> None:
    """They are gone when the batch comes, and the batch can still say what they were."""
    watched = [Watched(row)]
    there = weakref.ref(watched[0])
    batches = batcher().consume(kind, "d", watched)  # type: ignore[arg-type]  # a list of a kind of rows
    batch = next(batches)
    assert there() is None
    assert [kind.key_of(found) for found in batch.rows] == [kind.key_of(row)]


def test_rows_that_the_fast_codec_cannot_carry_are_held_as_they_are() -> None:
    """What it would make of them again might be something else."""
    row = task_row(run_row("d", 1), "t", duration=math.nan)
    (batch,) = batcher().consume(TASK_INSTANCES, "d", [row])
    assert isinstance(batch.rows, list)
    assert math.isnan(batch.rows[0]["duration"])


def test_folded_rows_are_a_sequence() -> None:
    """Of which single ones and parts can be had."""
    folded = Folded(TASK_INSTANCES, b'{"task_instances":[{"n":1},{"n":2},{"n":3}]}', 3)
    assert (len(folded), folded[-1], folded[1:]) == (3, {"n": 3}, [{"n": 2}, {"n": 3}])
    assert list(folded) == list(folded) == [{"n": 1}, {"n": 2}, {"n": 3}]


def test_batches_behind_one_that_was_too_large_are_cut_anew() -> None:
    """A ceiling that is learnt holds from the next batch on."""
    cutter = batcher(4, 500)
    found = []
    for batch in cutter.consume(TASK_INSTANCES, "d", rows(4, wide=lambda _number: 120)):
        found.append((len(batch.rows), len(batch.body)))
        cutter.max_bytes = 300
    assert [count for count, _ in found] == [2, 1, 1]


async def consumed(store: Store, news: list[Row], batch_rows: int) -> Delivery:
    """Deliver ``news`` and leave nothing of them."""
    courier = Courier(store, batcher(batch_rows), store.present, Strikes())  # type: ignore[arg-type]  # only written
    await courier.deliver(TASK_INSTANCES, "dag", news, consume=True)
    assert news == []
    return courier.delivery


def fates(delivery: Delivery) -> tuple[Any, ...]:
    """Return what became of all rows."""
    return delivery.sent, delivery.found, delivery.refused, delivery.sent_rows


@settings(max_examples=100, deadline=None)
@given(schedule=ANSWERS, there=SOME, invalid=SOME, crashing=SOME, batch_rows=st.integers(1, 50))
def test_folded_rows_have_the_same_fate(
    schedule: list[str], there: frozenset[int], invalid: frozenset[int], crashing: frozenset[int], batch_rows: int
) -> None:
    """Whatever the target answers, and with the same requests."""
    found = []
    for consume in (False, True):
        store = Store(schedule, invalid=invalid - there, crashing=crashing - there)
        store.rows = {TASK_INSTANCES.key_of(row): row for row in rows(40) if row["number"] in there}
        try:
            news = rows(40)
            bring = consumed(store, news, batch_rows) if consume else deliver(store, news, batch_rows=batch_rows)
            fate: Any = fates(asyncio.run(bring))
        except Exception as error:  # noqa: BLE001 - which one it is must be the same, too
            fate = type(error)
        found.append((fate, store.rows, store.stored, store.requests, store.bodies))
    assert found[0] == found[1]
