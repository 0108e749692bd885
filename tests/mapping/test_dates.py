"""What MariaDB and MySQL keep of a row: sent so that it arrives, and compared by what can be there."""

from typing import Any

import pytest

from transfer.capabilities import Dates
from transfer.errors import UnsupportedError
from transfer.kinds import CHILDREN, DAG_RUNS, TASK_INSTANCE_HISTORY, TASK_INSTANCES, Kind, Row
from transfer.mapping import Account, Mapping
from transfer.mapping.dates import without_offset

from .answers import rows_of
from .made import way

LONG = 1.1008024072216649
SERVED = 1.1008
"""What MariaDB 10.11 serves of it."""

TIMEOUT = "2024-01-02 03:00:00.000027+00:00"


def mysql(source: str = "2.11.2", target: str = "2.11.2") -> Mapping:
    """Return the mapping to a target on MariaDB."""
    return way(source, target).with_dates(Dates.WITHOUT_OFFSET)


def task(**values: Any) -> Row:
    """Return a task instance with these values."""
    return rows_of("2.11.2", TASK_INSTANCES)[0] | {"trigger_id": None, "trigger_timeout": None} | values


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ("2024-01-01 00:00:00+00:00", "2024-01-01 00:00:00"),
        ("2024-01-01 00:00:00.000001+00:00", "2024-01-01 00:00:00.000001"),
        ("2024-01-01 05:30:00+05:30", "2024-01-01 00:00:00"),
        ("2024-01-01 00:00:00", "2024-01-01 00:00:00"),
        ("no date", "no date"),
        (None, None),
        (7, 7),
    ],
)
def test_a_date_goes_in_utc_without_its_offset(value: Any, sent: Any) -> None:
    """What is no date with an offset is left to the database to judge."""
    assert without_offset(value) == sent


@pytest.mark.parametrize("kind", CHILDREN, ids=lambda kind: kind.name)
def test_shortened_values_are_counted(kind: Kind) -> None:
    """A duration goes whole, and a trigger's time without the fraction that MySQL would round; both are losses."""
    account, mapping = Account(), mysql()
    (sent,) = mapping.rows(kind, [task(duration=LONG, trigger_timeout=TIMEOUT)], account)
    assert (sent["duration"], sent["trigger_timeout"]) == (LONG, "2024-01-02 03:00:00")
    counted = {(loss.kind, loss.column): values for loss, values in account.losses.items()}
    assert counted == {(kind.name, "duration"): 1, (kind.name, "trigger_timeout"): 1}
    assert set(account.losses) <= set(mapping.left_behind)


@pytest.mark.parametrize("value", [None, 0.0, 1.5, 997.123, 7])
def test_a_short_duration_loses_nothing(value: Any) -> None:
    """Six digits are kept."""
    account = Account()
    mysql().rows(TASK_INSTANCES, [task(duration=value)], account)
    assert not account.losses


@pytest.mark.parametrize(
    ("duration", "there"),
    [(LONG, SERVED), (997.1234567, 997.123), (123456.789, 123457.0), (1234567.89, 1234570.0), (1e-7, 1e-7)],
)
def test_a_duration_is_compared_by_six_digits(duration: float, there: float) -> None:
    """Of the source that is what the target can show, and it is counted as a known loss."""
    mapping = mysql()
    mine, theirs = task(duration=duration), task(duration=there)
    lost = mapping.expected(TASK_INSTANCES, mine)
    mapping.shown(TASK_INSTANCES, theirs)
    assert mine == theirs
    assert (lost is not None and "duration" in lost) == (duration != there)


def test_a_database_that_keeps_more_is_no_difference() -> None:
    """Where somebody has made the column a DOUBLE, both sides are compared by the same digits."""
    mapping = mysql()
    mine, theirs = task(duration=LONG), task(duration=LONG)
    mapping.expected(TASK_INSTANCES, mine)
    mapping.shown(TASK_INSTANCES, theirs)
    assert mine == theirs


@pytest.mark.parametrize("there", [1.10081, 1.1, 0.0, None])
def test_another_duration_is_a_difference(there: float | None) -> None:
    """Six digits must be the same."""
    mapping = mysql()
    mine, theirs = task(duration=LONG), task(duration=there)
    mapping.expected(TASK_INSTANCES, mine)
    mapping.shown(TASK_INSTANCES, theirs)
    assert mine != theirs


def test_a_triggers_time_is_compared_by_the_second_and_counted_once() -> None:
    """Its offset was lost before, on any database."""
    mine = task(trigger_timeout=TIMEOUT)
    lost = mysql().expected(TASK_INSTANCES, mine)
    assert mine["trigger_timeout"] == "2024-01-02 03:00:00"
    assert lost is not None
    assert list(lost).count("trigger_timeout") == 1


def test_on_postgresql_nothing_is_shortened() -> None:
    """There every digit counts."""
    mapping = way("2.11.2", "2.11.2").with_dates(Dates.AS_SERVED)
    mine, theirs = task(duration=LONG), task(duration=SERVED)
    mapping.expected(TASK_INSTANCES, mine)
    mapping.shown(TASK_INSTANCES, theirs)
    assert (mine["duration"], theirs["duration"]) == (LONG, SERVED)


def test_runs_have_nothing_to_shorten() -> None:
    """Their dates keep microseconds."""
    (run, *_) = rows_of("2.11.2", DAG_RUNS)
    mine = run.copy()
    assert mysql().expected(DAG_RUNS, mine) == []
    assert mine == run


def test_a_row_without_a_place_stays_without_one() -> None:
    """Before 2.10 there are no earlier tries, on no database."""
    (row, *_) = rows_of("2.11.2", TASK_INSTANCE_HISTORY)
    assert mysql(target="2.8.4").expected(TASK_INSTANCE_HISTORY, row) is None


def test_a_database_that_is_not_strict_is_refused_and_can_be_compared() -> None:
    """What it cannot hold it would change without a word; what is there already may be looked at."""
    mapping = way("2.11.2", "2.11.2")
    with pytest.raises(UnsupportedError, match="not strict") as caught:
        mapping.with_dates(Dates.UNCHECKED)
    assert "STRICT_TRANS_TABLES" in caught.value.hint
    mine = task(duration=LONG)
    mapping.with_database(Dates.UNCHECKED).expected(TASK_INSTANCES, mine)
    assert mine["duration"] == SERVED


@pytest.mark.parametrize("served", ["2024-01-01 01:00:00.5+01:00", "2024-01-01 00:00:00.500000"])
@pytest.mark.parametrize("source", ["2.11.2", "3.1.8"])
def test_runs_of_an_airflow_3_are_compared_in_utc(source: str, served: str) -> None:
    """Its database shows their dates in a time zone of its own, or in none."""
    mapping, utc = way(source, "3.1.8"), "2024-01-01 00:00:00.500000+00:00"
    mine = rows_of(source, DAG_RUNS)[0] | {"start_date": utc}
    (there,) = mapping.rows(DAG_RUNS, [mine.copy()], Account())
    there["start_date"] = served
    mapping.expected(DAG_RUNS, mine)
    mapping.shown(DAG_RUNS, there)
    assert there["start_date"] == mine["start_date"] == utc


def test_runs_of_an_airflow_3_are_sent_in_utc() -> None:
    """Without an offset the target would take them to be in its own time zone."""
    row = rows_of("3.1.8", DAG_RUNS)[0] | {
        "end_date": "2024-01-01 00:00:00",
        "queued_at": "no date",
        "run_id": "2024-01-01",
    }
    (sent,) = way("3.1.8", "3.1.8").rows(DAG_RUNS, [row], Account())
    assert (sent["end_date"], sent["queued_at"], sent["run_id"]) == (
        "2024-01-01 00:00:00+00:00",
        "no date",
        "2024-01-01",
    )
