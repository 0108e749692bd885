"""What a JSON value is after it was in a column of PostgreSQL's ``jsonb``, as measured with confs on Airflow 3.1.8."""

import json
from decimal import Decimal
from typing import Any

from transfer.emulator.refusal import Refusal, bad_value


def as_stored(value: Any) -> Any:
    """Return ``value`` as it reads back, or the refusal of one that cannot be stored.

    Numbers are decimals there: one that Python writes with a positive exponent comes back whole, and there is no
    negative zero. Keys come by their length, then by their letters. NUL, half a surrogate pair and what is no number
    cannot be stored.
    """
    if value is None or value == {}:
        return value
    text = json.dumps(value)
    if "\\u0000" in text.replace("\\\\", ""):  # an escaped backslash before u0000 is harmless
        said = "unsupported Unicode escape sequence\nDETAIL:  \\u0000 cannot be converted to text."
        return bad_value("UntranslatableCharacter", said)
    try:
        read = json.loads(text, parse_float=_number, parse_constant=_no_number, object_pairs_hook=_ordered)
        json.dumps(read, ensure_ascii=False).encode()
    except ValueError:
        return bad_value("InvalidTextRepresentation", "invalid input syntax for type json")
    return read


def is_storable(value: Any) -> bool:
    """Tell whether ``value`` can be stored at all."""
    return not isinstance(as_stored(value), Refusal)


def _number(written: str) -> float | int:
    decimal = Decimal(written)
    exponent = decimal.as_tuple().exponent
    return int(decimal) if isinstance(exponent, int) and exponent >= 0 else float(written) + 0.0


def _no_number(written: str) -> None:
    raise ValueError(written)


def _ordered(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return dict(sorted(pairs, key=lambda pair: (len(pair[0].encode("utf-8", "replace")), pair[0])))
