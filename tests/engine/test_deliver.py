"""The fate of rows: every one sent, found or refused, and on the target accordingly, whatever the target answers."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transfer.engine.deliver import Delivery
from transfer.errors import UnavailableError, UnexpectedAnswerError
from transfer.kinds import TASK_INSTANCES, Key
from transfer.model import Batch

from .storing import Store, deliver, rows

ANSWERS = st.lists(st.sampled_from(["ok", "ok", "before", "after", "late"]), max_size=30)
SOME = st.frozensets(st.integers(0, 39), max_size=6)


def keys(numbers: Sequence[int] | frozenset[int]) -> set[Key]:
    """Return the keys of rows by number."""
    return {("r", f"t{number}", -1) for number in numbers}


def assert_accounted(delivery: Delivery, store: Store, count: int) -> None:
    """Check that each row has one fate, and that the table agrees."""
    fates = [delivery.sent, delivery.found, delivery.refused.keys()]
    assert sum(map(len, fates)) == count
    assert set().union(*fates) == keys(range(count))
    assert len(store.stored) == len(set(store.stored))
    assert set(store.rows) >= delivery.sent | delivery.found
    assert delivery.refused.keys().isdisjoint(store.rows)


@settings(max_examples=300, deadline=None)
@given(
    count=st.integers(0, 40),
    schedule=ANSWERS,
    there=SOME,
    invalid=SOME,
    batch_rows=st.integers(1, 50),
    late_after=st.integers(1, 6),
)
def test_every_row_has_one_fate(
    count: int, schedule: list[str], there: frozenset[int], invalid: frozenset[int], batch_rows: int, late_after: int
) -> None:
    """Rows that can be stored are there once, rows that cannot are refused, in a bounded number of requests."""
    store = Store(schedule, invalid=invalid - there, late_after=late_after)
    store.rows = {TASK_INSTANCES.key_of(row): row for row in rows(40) if row["number"] in there}
    try:
        delivery = asyncio.run(deliver(store, rows(count), batch_rows=batch_rows))
    except UnavailableError:
        assert len(store.stored) == len(set(store.stored))
        return
    assert_accounted(delivery, store, count)
    assert delivery.refused.keys() == keys((invalid - there) & set(range(count)))
    assert delivery.found <= keys(there)
    assert store.requests <= 40 + 4 * len(schedule) + 40 * (len(invalid) + len(there) + 1)


@settings(max_examples=100, deadline=None)
@given(count=st.integers(1, 40), crashing=SOME, batch_rows=st.integers(1, 50))
def test_rows_that_crash_the_server_are_isolated(count: int, crashing: frozenset[int], batch_rows: int) -> None:
    """Rows that make the server answer 500 again and again are refused alone, with the reason."""
    store = Store(crashing=crashing)
    delivery = asyncio.run(deliver(store, rows(count), batch_rows=batch_rows))
    assert_accounted(delivery, store, count)
    assert delivery.refused.keys() == keys(crashing & set(range(count)))
    assert set(delivery.refused.values()) <= {"HTTP 500: Ooops"}


@settings(max_examples=100, deadline=None)
@given(
    widths=st.lists(st.integers(0, 60_000), min_size=1, max_size=30),
    ceiling=st.integers(1_000, 120_000),
    batch_rows=st.integers(1, 40),
)
def test_only_rows_over_the_ceiling_are_refused(widths: list[int], ceiling: int, batch_rows: int) -> None:
    """A row is refused for its size exactly if a body with nothing else in it is too large for the target."""
    store = Store(ceiling=ceiling)
    news = rows(len(widths), wide=widths.__getitem__)
    delivery = asyncio.run(deliver(store, news, batch_rows=batch_rows))
    assert_accounted(delivery, store, len(widths))
    alone = [
        len('{"task_instances":[') + len("]}") + width + 73 + 2 * len(str(n)) - 2 for n, width in enumerate(widths)
    ]
    assert all(
        (size > ceiling + 20) <= (key in delivery.refused) for size, key in zip(alone, map_keys(news), strict=True)
    )
    assert all(
        (key in delivery.refused) <= (size > ceiling - 20) for size, key in zip(alone, map_keys(news), strict=True)
    )


def map_keys(news: list[dict[str, object]]) -> list[Key]:
    """Return the keys of rows in order."""
    return [TASK_INSTANCES.key_of(row) for row in news]


async def test_a_late_commit_is_ours() -> None:
    """Rows that lacked after a lost answer and are there when they are sent again came with the lost request."""
    store = Store(["late"], late_after=2)
    delivery = await deliver(store, rows(8))
    assert (delivery.sent, delivery.found, len(store.stored)) == (keys(range(8)), set(), 8)


async def test_answers_that_keep_getting_lost_end_the_job() -> None:
    """After six lost answers to the same rows the target counts as broken."""
    store = Store(["before"] * 1_000)
    with pytest.raises(UnavailableError, match="no answer to the same rows 6 times"):
        await deliver(store, rows(8))
    assert store.inserts == 6


async def test_a_target_that_refuses_everything_is_no_target_with_bad_rows() -> None:
    """After 50 refused rows in a row the job ends."""
    with pytest.raises(UnexpectedAnswerError, match="50 single rows in a row were refused"):
        await deliver(Store(invalid=frozenset(range(200))), rows(200), batch_rows=100)


async def test_refused_rows_between_good_ones_do_not_end_the_job() -> None:
    """Every success takes the strikes back."""
    store = Store(invalid=frozenset(range(0, 200, 2)))
    delivery = await deliver(store, rows(200), batch_rows=100)
    assert (len(delivery.refused), len(delivery.sent)) == (100, 100)


async def test_a_bad_row_costs_few_requests() -> None:
    """One bad row among a thousand is found by halving."""
    store = Store(invalid=frozenset({617}))
    delivery = await deliver(store, rows(1_000), batch_rows=1_000)
    assert (len(delivery.refused), store.requests < 30) == (1, True)


@given(asked=st.lists(st.booleans(), min_size=1, max_size=5), late=SOME)
def test_sent_rows_are_counted_with_and_without_their_keys(asked: list[bool], late: frozenset[int]) -> None:
    """It makes no difference whether somebody has asked for the keys, or added some, in between."""
    delivery = Delivery()
    for number, ask in enumerate(asked):
        news = [row | {"run_id": f"r{number}"} for row in rows(3)]
        delivery.acknowledge(Batch(TASK_INSTANCES, "d", news, b"", "key"))
        if ask:
            delivery.sent.update(keys(late))
    expected = 3 * len(asked) + (len(late) if any(asked) else 0)
    assert delivery.sent_rows == len(delivery.sent) == expected
