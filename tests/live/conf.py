"""When two stored confs are the same: a pickle on Airflow 2, PostgreSQL's jsonb on Airflow 3."""

import json
import pickle
from fractions import Fraction
from typing import Any


def pickled(conf: bytes | None) -> str:
    """Return a stored pickle as JSON text, because to Python 1, 1.0 and True are equal.

    A missing conf and a stored None mean the same.
    """
    return json.dumps(_loaded(conf), sort_keys=True, default=str)


def as_jsonb(conf: Any) -> Any:
    """Return what jsonb keeps of a conf, be it a pickle or what was read from a jsonb column.

    It knows one kind of numbers: 1 and 1.0 are equal there, 1.5e300 reads back as a whole number and -0.0 as 0.0; but
    True is not 1. What is no object has to stand in one, because Airflow 3 cannot show anything else.
    """
    value = _loaded(conf)
    return _exactly(value if value is None or isinstance(value, dict) else {"conf": value})


def _loaded(conf: Any) -> Any:
    if isinstance(conf, bytes | memoryview):
        return pickle.loads(conf)  # noqa: S301 - written by this rig or by its own Airflow
    return conf


def _exactly(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _exactly(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_exactly(item) for item in value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return ("number", Fraction(repr(value)))
    return (type(value).__name__, value)
