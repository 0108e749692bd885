"""What a row loses on its way is known beforehand."""

from typing import Any

import pytest

from transfer.kinds import DAG_RUNS, TASK_INSTANCE_HISTORY, TASK_INSTANCES, Kind
from transfer.losses import settle_for


@pytest.mark.parametrize(
    ("kind", "column", "value", "left", "lost"),
    [
        (TASK_INSTANCES, "trigger_id", 5, None, True),
        (TASK_INSTANCES, "trigger_id", None, None, False),
        (TASK_INSTANCE_HISTORY, "trigger_id", 0, None, True),
        (TASK_INSTANCES, "executor_config", {}, None, True),
        (TASK_INSTANCES, "trigger_timeout", "2026-01-01 02:00:00+02:00", "2026-01-01 02:00:00", True),
        (TASK_INSTANCES, "trigger_timeout", "2026-01-01 02:00:00.5-02:00", "2026-01-01 02:00:00.5", True),
        (TASK_INSTANCES, "trigger_timeout", "2026-01-01T02:00:00Z", "2026-01-01T02:00:00", True),
        (TASK_INSTANCES, "trigger_timeout", "2026-01-01 02:00:00", "2026-01-01 02:00:00", False),
        (TASK_INSTANCES, "task_display_name", None, "t", False),
        (TASK_INSTANCE_HISTORY, "task_display_name", None, None, False),
        (TASK_INSTANCES, "task_display_name", "T", "T", False),
        (DAG_RUNS, "conf", {"trigger_id": 1}, {"trigger_id": 1}, False),
    ],
)
def test_what_is_left_of_a_value(kind: Kind, column: str, value: Any, left: Any, lost: bool) -> None:  # noqa: FBT001  a column of the table
    """The row becomes what the target shows at best, and columns that lose a value are named."""
    row = {"task_id": "t", "task_display_name": "d", column: value}
    names = settle_for(kind, row)
    assert (row[column], list(names)) == (left, [column] if lost else [])


def test_a_display_name_is_not_made_up_where_no_such_column_is_served() -> None:
    """Before Airflow 2.9 there is none, on either side."""
    row = {"task_id": "t"}
    assert (list(settle_for(TASK_INSTANCES, row)), row) == ([], {"task_id": "t"})
