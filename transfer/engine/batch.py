"""Cut rows into POST bodies: identical keys, bounded in rows and bytes, without columns that are null anyway.

Starship inserts a batch with the keys of its first row: a key that only later rows have is silently lost, one that
later rows lack fails the batch (Airflow 2 and 3). So rows with different keys never share a batch.
"""

from collections.abc import Iterator
from hashlib import blake2b
from json import dumps
from uuid import UUID, uuid5

import orjson

from transfer.kinds import DAG_RUNS, Kind, Row
from transfer.model import Batch

SMALLEST_CEILING = 16_384
"""Bytes; a server that refuses less than this does so for another reason than the size."""


class Batcher:
    """Builds the batches of one job; ``max_bytes`` is the target's ceiling and may sink when it says 413."""

    def __init__(self, job_id: UUID, *, max_rows: int, max_bytes: int) -> None:
        self._job_id = job_id
        self.max_rows = max_rows
        self.max_bytes = max_bytes

    def lower_ceiling(self, refused: int) -> None:
        """Remember that a body of ``refused`` bytes was too large for the target."""
        self.max_bytes = min(self.max_bytes, max(SMALLEST_CEILING, refused * 3 // 4))

    def cut(self, kind: Kind, dag_id: str, rows: list[Row]) -> Iterator[Batch]:
        """Yield batches that hold all ``rows`` of ``kind``, in order within each set of keys.

        A single row that is larger than the ceiling comes as a batch of its own, larger than the ceiling.
        """
        for start in range(0, len(rows), self.max_rows):
            for alike in _by_keys(_without_lone_nulls(kind, rows[start : start + self.max_rows])):
                yield from self._pack(kind, dag_id, _without_nulls(kind, alike))

    def _pack(self, kind: Kind, dag_id: str, rows: list[Row]) -> Iterator[Batch]:
        parts = [_encode(kind, row) for row in rows]
        room = self.max_bytes - len(_body(kind, []))
        start, size = 0, 0
        for index, part in enumerate(parts):
            if size and size + len(part) + 1 > room:
                yield self._batch(kind, dag_id, rows[start:index], parts[start:index])
                start, size = index, 0
            size += len(part) + 1
        yield self._batch(kind, dag_id, rows[start:], parts[start:])

    def _batch(self, kind: Kind, dag_id: str, rows: list[Row], parts: list[bytes]) -> Batch:
        digest = blake2b(digest_size=16)
        for row in rows:
            digest.update(repr(kind.key_of(row)).encode())
        key = uuid5(self._job_id, f"{kind.name}\0{dag_id}\0{digest.hexdigest()}")
        return Batch(kind, dag_id, rows, _body(kind, parts), str(key))


def _body(kind: Kind, parts: list[bytes]) -> bytes:
    return b'{"%s":[%s]}' % (kind.envelope.encode(), b",".join(parts))


def _encode(kind: Kind, row: Row) -> bytes:
    """Encode one row; ``conf`` is anybody's JSON, so runs go through the codec that keeps every number as it was."""
    if kind is DAG_RUNS or _is_nan(row.get("duration")):
        return _dumped(row)
    try:
        return orjson.dumps(row)
    except TypeError:  # an integer beyond 64 bits, a lone surrogate
        return _dumped(row)


def _dumped(row: Row) -> bytes:
    """Encode with the slow codec, which takes everything; escapes would make many texts three times as long."""
    try:
        return dumps(row, separators=(",", ":"), ensure_ascii=False).encode()
    except UnicodeEncodeError:  # a lone surrogate can only be sent escaped
        return dumps(row, separators=(",", ":")).encode()


def _is_nan(value: object) -> bool:
    """Tell whether ``value`` is the one number that orjson would turn into null."""
    return value != value  # noqa: PLR0124  that is what makes it NaN


def _without_lone_nulls(kind: Kind, rows: list[Row]) -> list[Row]:
    """Leave a null ``conf`` out of its row: sent, it would be stored as a pickled None instead of NULL."""
    if kind is not DAG_RUNS:
        return rows
    return [row if row.get("conf", 0) is not None else {k: v for k, v in row.items() if k != "conf"} for row in rows]


def _without_nulls(kind: Kind, rows: list[Row]) -> list[Row]:
    """Leave out the optional columns that are null in all ``rows``, which have the same keys."""
    empty = [column for column in rows[0] if column in kind.optional and all(row[column] is None for row in rows)]
    if not empty:
        return rows
    kept = [column for column in rows[0] if column not in empty]
    return [{column: row[column] for column in kept} for row in rows]


def _by_keys(rows: list[Row]) -> list[list[Row]]:
    first = rows[0].keys()
    if all(row.keys() == first for row in rows):
        return [rows]
    groups: dict[frozenset[str], list[Row]] = {}
    for row in rows:
        groups.setdefault(frozenset(row), []).append(row)
    return list(groups.values())
