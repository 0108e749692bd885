"""Compare the children of some runs by key, in one pass over each side: the source's rows wait on a shelf."""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Iterable
from contextlib import closing
from dataclasses import dataclass

from transfer.engine.children import Pages
from transfer.engine.verify.fold import Fit, canonical, differing_columns, key_of, rows_of
from transfer.errors import UnexpectedAnswerError
from transfer.findings import Shelf
from transfer.kinds import Key, Kind, Row
from transfer.model import Difference, Mark, SideName


@dataclass(frozen=True, slots=True)
class Children:
    """What one side has of some runs of a DAG; may be read as often as needed."""

    side: SideName
    pages: Iterable[Pages]
    fit: Fit

    async def rows(self, kind: Kind, runs: Collection[str]) -> AsyncIterator[tuple[Key, Row]]:
        """Yield the rows of ``kind`` of ``runs`` with their keys, as they are to be compared."""
        async for rows in rows_of(self.pages, kind):
            for row in rows:
                key = key_of(self.side, kind, row)
                if key[0] in runs and self.fit(kind, row) is not None:
                    yield key, row


@dataclass(frozen=True, slots=True)
class Pair:
    """The same runs of a DAG on both sides."""

    dag_id: str
    kind: Kind
    source: Children
    target: Children
    runs: Collection[str]


async def differing_rows(pair: Pair) -> AsyncGenerator[Difference, None]:
    """Yield the rows that differ or are on one side only, in no particular order.

    Raises ``UnexpectedAnswerError`` when a side shows a row twice.
    """
    with closing(Shelf()) as shelf:
        async for key, row in pair.source.rows(pair.kind, pair.runs):
            if not shelf.put(key, canonical(row)):
                raise _twice(pair.source, pair.kind)
        async for key, row in pair.target.rows(pair.kind, pair.runs):
            first, mine = shelf.meet(key)
            if not first:
                raise _twice(pair.target, pair.kind)
            if mine is None:
                yield _difference(pair, Mark.EXTRA, key)
            elif mine != canonical(row):
                yield _difference(pair, Mark.DIFFERS, key, differing_columns(json.loads(mine), row))
        for key in shelf.left():
            yield _difference(pair, Mark.MISSING, key)


def _twice(children: Children, kind: Kind) -> UnexpectedAnswerError:
    return UnexpectedAnswerError(children.side, kind.name, "a row comes twice")


def _difference(pair: Pair, mark: Mark, key: Key, columns: tuple[str, ...] = ()) -> Difference:
    below = zip(pair.kind.key[1:], key[1:], strict=True)
    name = ", ".join(f"{column}={value}" for column, value in below)
    return Difference(mark, pair.kind.name, pair.dag_id, key[0], name, columns)
