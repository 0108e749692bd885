"""What PostgreSQL's jsonb, in which Airflow 3 keeps the conf of a run, shows of a value that was stored there.

It keeps numbers as decimals: a float that Python writes with a positive exponent reads back as a whole number, and a
negative zero as zero. Measured on 3.1.8.
"""

from decimal import Decimal
from typing import Any


def as_jsonb(value: Any) -> Any:
    """Return ``value`` as it reads back; lists and objects anew."""
    if isinstance(value, float):
        written = repr(value)
        return int(Decimal(written)) if "e+" in written else value + 0.0  # -0.0 + 0.0 is 0.0
    if isinstance(value, dict):
        return {name: as_jsonb(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [as_jsonb(inner) for inner in value]
    return value
