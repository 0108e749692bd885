"""Rows as bodies of POSTs, cut and thinned in the plainest way."""

from collections.abc import Iterator

import orjson

from transfer.kinds import Kind, Row


def batches(rows: list[Row], size: int) -> Iterator[list[Row]]:
    """Yield ``rows`` in lists of ``size``, the last one maybe shorter."""
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def body_of(kind: Kind, rows: list[Row]) -> bytes:
    """Return the body of a POST."""
    return orjson.dumps({kind.envelope: rows})


def without_nulls(kind: Kind, rows: list[Row]) -> list[Row]:
    """Leave out the columns that are null in all rows and need not be sent."""
    empty = {column for column in kind.optional if all(row.get(column) is None for row in rows)}
    return [{column: value for column, value in row.items() if column not in empty} for row in rows]
