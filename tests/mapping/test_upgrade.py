"""What Airflow 2 rows become on Airflow 3, rule by rule."""

from typing import Any
from uuid import UUID

import pytest

from transfer.kinds import DAG_RUNS, TASK_INSTANCE_HISTORY, TASK_INSTANCES, Row
from transfer.mapping import Account
from transfer.model import Loss

from .answers import rows_of
from .made import way

MAPPING = way("2.11.2", "3.1.8")


def run(**changes: Any) -> tuple[Row, Account]:
    """Return what becomes of a real run with these ``changes``."""
    account = Account()
    (mapped,) = MAPPING.rows(DAG_RUNS, [rows_of("2.11.2", DAG_RUNS)[0] | changes], account)
    return mapped, account


def task(**changes: Any) -> tuple[list[Row], Account]:
    """Return what becomes of a real task instance with these ``changes``."""
    account = Account()
    return MAPPING.rows(TASK_INSTANCES, [rows_of("2.11.2", TASK_INSTANCES)[0] | changes], account), account


def test_a_run_is_due_at_the_end_of_its_interval() -> None:
    """As Airflow's own upgrade has it; one without an interval is due at its logical date."""
    assert run(data_interval_end="2026-01-02 00:00:00+00:00")[0]["run_after"] == "2026-01-02 00:00:00+00:00"
    mapped, _ = run(data_interval_end=None, execution_date="2026-01-01 00:00:00+00:00")
    assert (mapped["run_after"], mapped["logical_date"]) == ("2026-01-01 00:00:00+00:00",) * 2


@pytest.mark.parametrize(
    "column", ["triggered_by", "dag_hash", "external_trigger", "creating_job_id", "execution_date"]
)
def test_columns_that_are_not_sent(column: str) -> None:
    """A wrong triggered_by ends the target's scheduler; the others have no place there."""
    assert column not in run(triggered_by="ui")[0]


@pytest.mark.parametrize(
    ("given", "run_id", "sent"),
    [
        ("scheduled", "x", "scheduled"),
        ("dataset_triggered", "x", "asset_triggered"),
        ("MANUAL", "x", "manual"),
        ("mine", "scheduled__2026", "scheduled"),
        ("mine", "dataset_triggered__2026", "asset_triggered"),
        (None, "odd", "manual"),
    ],
)
def test_run_types(given: str | None, run_id: str, sent: str) -> None:
    """Only those that Airflow 3 knows are sent; a change is counted."""
    mapped, account = run(run_type=given, run_id=run_id)
    assert mapped["run_type"] == sent
    assert ("run_type" in {loss.column for loss in account.losses}) == (given != sent)


@pytest.mark.parametrize(
    ("given", "sent"), [({"a": 1}, {"a": 1}), ({}, {}), (None, None), ([1], {"conf": [1]}), ("x", {"conf": "x"})]
)
def test_conf_is_an_object(given: Any, sent: Any) -> None:
    """Airflow 3 cannot show another one: it is wrapped, and counted."""
    mapped, account = run(conf=given)
    assert mapped["conf"] == sent
    assert ("conf" in {loss.column for loss in account.losses}) == (given != sent)


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({"a\0": ["b\0", {"c": "\ud800"}]}, {"a\ufffd": ["b\ufffd", {"c": "\ufffd"}]}),
        ({"n": float("nan"), "i": [-float("inf")], "f": 1.5}, {"n": "nan", "i": ["-inf"], "f": 1.5}),
    ],
)
def test_conf_is_what_json_in_postgresql_can_hold(given: Any, sent: Any) -> None:
    """What it cannot would cost the whole run; the change is counted."""
    mapped, account = run(conf=given)
    assert mapped["conf"] == sent
    assert [(loss.column, count) for loss, count in account.losses.items() if loss.column == "conf"] == [("conf", 1)]


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        *((state, state) for state in ("success", "failed", "skipped", "upstream_failed", "removed", "up_for_retry")),
        *((state, state) for state in ("up_for_reschedule", "scheduled", None)),
        *((state, "failed") for state in ("shutdown", "running", "queued", "restarting", "deferred", "sensing")),
        *((state, None) for state in ("", "none", "null", "None")),
        ("SUCCESS", "success"),
    ],
)
def test_task_states(given: str | None, sent: str | None) -> None:
    """Nothing is sent that breaks the target's pages or holds a slot of a pool for ever; a change is counted."""
    (mapped,), account = task(state=given)
    assert mapped["state"] == sent
    assert ("state" in {loss.column for loss in account.losses}) == (given != sent)


def test_an_unknown_task_state_is_refused() -> None:
    """It is never sent, and the reason names it."""
    rows, account = task(state="exploded" * 20)
    assert rows == []
    (reason,) = account.refused.values()
    assert reason.startswith("Airflow 3 has no task state 'exploded")
    assert len(reason) < 150


def test_what_must_not_be_null() -> None:
    """Tries and the name of a task get what Airflow means by null."""
    (mapped,), _ = task(try_number=None, max_tries=None, task_display_name=None)
    assert (mapped["try_number"], mapped["max_tries"], mapped["task_display_name"]) == (0, -1, mapped["task_id"])


def test_ids_are_of_the_shape_that_airflow_makes() -> None:
    """They are UUIDs of version 7 whose time is when the task was queued, or else began; the same every time."""
    (mapped,), _ = task(queued_dttm="2026-01-01 00:00:00.5+00:00")
    made = UUID(mapped["id"])
    assert (made.version, made.variant, made.int >> 80) == (7, "specified in RFC 4122", 1_767_225_600_500)
    assert task(queued_dttm="2026-01-01 00:00:00.5+00:00")[0][0]["id"] == mapped["id"]
    (never,), _ = task(queued_dttm=None, start_date=None, end_date=None)
    assert UUID(never["id"]).int >> 80 == 0


def test_every_part_of_the_key_makes_another_id() -> None:
    """No two rows of a history share one."""
    rows = [rows_of("2.11.2", TASK_INSTANCE_HISTORY)[0]]
    rows += [rows[0] | change for change in ({"dag_id": "x"}, {"run_id": "x"}, {"task_id": "x"}, {"map_index": 7})]
    rows += [rows[0] | {"try_number": 9}]
    mapped = MAPPING.rows(TASK_INSTANCE_HISTORY, rows, Account())
    assert len({row["task_instance_id"] for row in mapped}) == len(rows)


def test_losses_are_counted_by_column_and_reason() -> None:
    """One value of each row that has one."""
    _, account = task(job_id=7, trigger_id=None)
    assert (
        account.losses[Loss("task_instances", "job_id", "refers to a row of the source's own, which does not move")]
        == 1
    )
    assert "trigger_id" not in {loss.column for loss in account.losses}
