"""The name of a map index, which Airflow 3 shows where there is none."""

from typing import Any

import pytest

from transfer.kinds import TASK_INSTANCE_HISTORY, TASK_INSTANCES, Kind
from transfer.mapping import Account

from .answers import rows_of
from .made import way


def expected(source: str, kind: Kind, **changes: Any) -> Any:
    """Return the name that a 3.1.8 should show of a real row of ``source`` with these ``changes``."""
    row = rows_of("2.11.2", kind)[0] | changes
    way(source, "3.1.8").expected(kind, row)
    return row["rendered_map_index"]


@pytest.mark.parametrize("source", ["2.4.3", "2.8.4", "2.11.2"])
@pytest.mark.parametrize(
    ("stored", "index", "shown"), [(None, 0, "0"), (None, 7, "7"), (None, -1, None), ("a", 7, "a")]
)
def test_of_a_task_instance_the_number_is_shown(source: str, stored: str | None, index: int, shown: str | None) -> None:
    """A mapped task without a template has no name on Airflow 2, and its number for a name on Airflow 3."""
    assert expected(source, TASK_INSTANCES, rendered_map_index=stored, map_index=index) == shown


def test_of_an_earlier_try_what_is_stored_is_shown() -> None:
    """Airflow 3 gives earlier tries no name of its own."""
    assert expected("2.11.2", TASK_INSTANCE_HISTORY, rendered_map_index=None, map_index=7) is None


def test_it_is_not_sent() -> None:
    """What is stored is what an upgrade would store: nothing."""
    row = rows_of("2.11.2", TASK_INSTANCES)[0] | {"rendered_map_index": None, "map_index": 7}
    (sent,) = way("2.11.2", "3.1.8").rows(TASK_INSTANCES, [row], Account())
    assert sent["rendered_map_index"] is None
