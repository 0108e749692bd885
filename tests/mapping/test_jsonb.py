"""What an Airflow 3 shows of the numbers of a conf."""

import json
from typing import Any

import pytest

from transfer.kinds import DAG_RUNS

from .answers import rows_of
from .made import way


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        (1.5e300, 15 * 10**299),
        (1e16, 10**16),
        (-1e22, -(10**22)),
        (-0.0, 0.0),
        (0.0, 0.0),
        (1.0, 1.0),
        (1e15, 1e15),
        (1e-7, 1e-7),
        (2**70, 2**70),
        (True, True),
        ([{"a": [1e16, "1e16", None]}], [{"a": [10**16, "1e16", None]}]),
    ],
)
def test_numbers_read_back_as_jsonb_writes_them(sent: Any, shown: Any) -> None:
    """Measured on 3.1.8: large floats become whole numbers, and there is no negative zero; all else stays as it is."""
    row = rows_of("2.11.2", DAG_RUNS)[0] | {"conf": {"number": sent}}
    kept = json.dumps(row["conf"])
    expected = dict(row)
    way("2.11.2", "3.1.8").expected(DAG_RUNS, expected)
    assert json.dumps(expected["conf"]) == json.dumps({"number": shown})
    assert json.dumps(row["conf"]) == kept
