"""Cut rows into POST bodies: identical keys, bounded in rows and bytes, without columns that are null anyway.

Starship inserts a batch with the keys of its first row: a key that only later rows have is silently lost, one that
later rows lack fails the batch (Airflow 2 and 3). So rows with different keys never share a batch.
"""

from collections.abc import Iterator
from dataclasses import replace
from hashlib import blake2b
from itertools import repeat
from json import dumps
from math import isfinite
from operator import eq, itemgetter
from uuid import UUID, uuid5

import orjson

from transfer.client.plain import are_plain
from transfer.engine.folded import Folded
from transfer.kinds import DAG_RUNS, Kind, Row
from transfer.model import Batch

_ABSENT = object()

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
            yield from self._cut(kind, dag_id, rows[start : start + self.max_rows], fold=False)

    def consume(self, kind: Kind, dag_id: str, rows: list[Row]) -> Iterator[Batch]:
        """Yield the same batches and empty ``rows`` meanwhile: as far as possible only the bodies hold them then."""
        while rows:
            part = rows[: self.max_rows]
            del rows[: self.max_rows]
            batches = list(self._cut(kind, dag_id, part, fold=True))
            del part
            for batch in batches:
                sunk = len(batch.body) > self.max_bytes and len(batch.rows) > 1  # what came of those before says so
                yield from self.cut(kind, dag_id, list(batch.rows)) if sunk else [batch]

    def _cut(self, kind: Kind, dag_id: str, rows: list[Row], *, fold: bool) -> Iterator[Batch]:
        for alike in _by_keys(_without_lone_nulls(kind, rows)):
            yield from self._pack(kind, dag_id, _without_nulls(kind, alike), fold=fold)

    def _pack(self, kind: Kind, dag_id: str, rows: list[Row], *, fold: bool) -> Iterator[Batch]:
        """Yield one body of all ``rows``, which have the same keys; row by row only where that is not possible."""
        whole = _whole(kind, rows)
        if whole is not None and len(whole) <= self.max_bytes:
            batch = self._batch(kind, dag_id, rows, whole)
            yield replace(batch, rows=Folded(kind, whole, len(rows))) if fold else batch
            return
        yield from self._pack_singly(kind, dag_id, rows)

    def _pack_singly(self, kind: Kind, dag_id: str, rows: list[Row]) -> Iterator[Batch]:
        parts = [_encode(kind, row) for row in rows]
        room = self.max_bytes - len(_body(kind, []))
        start, size = 0, 0
        for index, part in enumerate(parts):
            if size and size + len(part) + 1 > room:
                yield self._batch(kind, dag_id, rows[start:index], _body(kind, parts[start:index]))
                start, size = index, 0
            size += len(part) + 1
        yield self._batch(kind, dag_id, rows[start:], _body(kind, parts[start:]))

    def _batch(self, kind: Kind, dag_id: str, rows: list[Row], body: bytes) -> Batch:
        digest = blake2b(_identity(kind, rows), digest_size=16).hexdigest()
        return Batch(kind, dag_id, rows, body, str(uuid5(self._job_id, f"{kind.name}\0{dag_id}\0{digest}")))


def _identity(kind: Kind, rows: list[Row]) -> bytes:
    """Return bytes that no rows with other keys have: column by column, without a new object for each row."""
    columns = [list(map(itemgetter(column), rows)) for column in kind.key]
    try:
        return orjson.dumps(columns)
    except TypeError:  # as in _encode
        return dumps(columns).encode()


def _whole(kind: Kind, rows: list[Row]) -> bytes | None:
    """Encode all ``rows`` at once; None if one of them needs another codec."""
    if not _is_fast(kind, rows):
        return None
    try:
        return orjson.dumps({kind.envelope: rows})
    except TypeError:  # as in _encode
        return None


def _body(kind: Kind, parts: list[bytes]) -> bytes:
    return b'{"%s":[%s]}' % (kind.envelope.encode(), b",".join(parts))


def _encode(kind: Kind, row: Row) -> bytes:
    """Encode one row with the fastest codec that keeps every number as it was."""
    if not _is_fast(kind, [row]):
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


def _is_fast(kind: Kind, rows: list[Row]) -> bool:
    """Tell whether orjson keeps all numbers of ``rows``: it turns NaN and infinity into null without a word.

    The ``conf`` of a run is anybody's JSON and may hold them anywhere; of the columns that Starship serves of other
    rows only the duration is a fraction.
    """
    if kind is DAG_RUNS:
        return are_plain(rows)
    try:
        return all(map(isfinite, filter(None, [row.get("duration") for row in rows])))
    except (TypeError, OverflowError):  # not a number at all, or one that is no float
        return False


def _without_lone_nulls(kind: Kind, rows: list[Row]) -> list[Row]:
    """Leave a null ``conf`` out of its row: sent, it would be stored as a pickled None instead of NULL."""
    if kind is not DAG_RUNS or None not in [row.get("conf", 0) for row in rows]:
        return rows
    return [row if row.get("conf", 0) is not None else {k: v for k, v in row.items() if k != "conf"} for row in rows]


def _without_nulls(kind: Kind, rows: list[Row]) -> list[Row]:
    """Leave out the optional columns that are null in all ``rows``, which have the same keys."""
    if not _null_columns(kind, rows):
        return rows
    kept = list(map(dict.copy, rows))  # and removing from them: a third of the time of building new ones
    drop_nulls(kind, kept)
    return kept


def drop_nulls(kind: Kind, rows: list[Row]) -> None:
    """Remove the optional columns that are null in all ``rows`` from them, which saves the batcher copies of them."""
    first, last = rows[0], rows[-1]
    for column in kind.optional.intersection(first):
        if first[column] is None and last.get(column, _ABSENT) is None:
            _drop_null(column, rows)


def _drop_null(column: str, rows: list[Row]) -> None:
    """Remove ``column`` if it is null in all ``rows``: taken out to be looked at, and seldom put back."""
    values = list(map(dict.pop, rows, repeat(column), repeat(_ABSENT)))
    if values.count(None) == len(rows):
        return
    for row, value in zip(rows, values, strict=True):
        if value is not _ABSENT:
            row[column] = value


def _null_columns(kind: Kind, rows: list[Row]) -> list[str]:
    maybe = [column for column, value in rows[0].items() if value is None and column in kind.optional]
    try:
        return [column for column in maybe if list(map(itemgetter(column), rows)).count(None) == len(rows)]
    except KeyError:  # other keys in other rows: they part ways before the nulls are looked at
        return []


def _by_keys(rows: list[Row]) -> list[list[Row]]:
    first = list(rows[0])
    if all(map(eq, map(list, rows), repeat(first))):  # the server writes all rows in one order
        return [rows]
    groups: dict[frozenset[str], list[Row]] = {}
    for row in rows:
        groups.setdefault(frozenset(row), []).append(row)
    return list(groups.values())
