"""Values for a JSON column of PostgreSQL, where Airflow 3 keeps the conf of a run: some of Python's have none there.

Airflow 2 pickles the conf and takes anything. On 3.1.8 a NUL, half of a surrogate pair, NaN or an infinity in it is a
400, and would cost the run with all that hangs on it.
"""

import re
from math import isfinite
from typing import Any, Final

_UNFIT: Final = re.compile("[\0\ud800-\udfff]")
_IN_PLACE: Final = "\ufffd"


def storable(value: Any) -> Any:
    """Return ``value`` with U+FFFD for what no text may hold, and texts for numbers that JSON does not have."""
    if isinstance(value, str):
        return _UNFIT.sub(_IN_PLACE, value)
    if isinstance(value, float) and not isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {storable(name): storable(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [storable(inner) for inner in value]
    return value
