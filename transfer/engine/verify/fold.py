"""Count and digest rows so that their order does not matter.

The digest of some rows is the sum of their own digests: 128 bits of blake2b over a text that is the same for the same
values. A column that is null and one that is absent are the same to whoever reads a row.
"""

import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final, TypeAlias

import orjson

from transfer.client.base import ChildPage
from transfer.engine.children import Pages
from transfer.errors import UnexpectedAnswerError
from transfer.kinds import CHILDREN, DAG_RUNS, Key, Kind, Row
from transfer.model import SideName

_BYTES: Final = 16
_MASK: Final = (1 << 8 * _BYTES) - 1

Fit: TypeAlias = Callable[[Kind, Row], Sequence[str] | None]
"""Makes of a row, in place, what is compared; returns the columns that lose a value by it, None to leave it out."""

ALL_COLUMNS: Final = "*"
"""Stands for the columns of a row that has no place on the target."""


def fitted(fit: Fit, run: Row) -> tuple[Row, Sequence[str]]:
    """Return what is compared of a DAG run, and the columns that lose a value by it."""
    mine = run.copy()
    return mine, fit(DAG_RUNS, mine) or ()


def canonical(row: Row) -> bytes:
    """Return a text of ``row`` that is equal for equal values and for no others; 1, 1.0 and true are three values."""
    present = {name: value for name, value in row.items() if value is not None}
    try:
        text = orjson.dumps(present, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # half of a surrogate pair, an integer beyond 64 bits
        return _exact(present)
    # orjson writes null for NaN and the infinities
    return _exact(present) if b"null" in text else text


def _exact(row: Row) -> bytes:
    return json.dumps(row, sort_keys=True, separators=(",", ":")).encode()


def differing_columns(left: Row, right: Row) -> tuple[str, ...]:
    """Return the names of the columns in which two rows differ, in order."""
    names = sorted(left.keys() | right.keys())
    return tuple(name for name in names if canonical({name: left.get(name)}) != canonical({name: right.get(name)}))


@dataclass(slots=True)
class Fold:
    """Some rows of one kind, folded."""

    rows: int = 0
    digest: int = 0

    def add(self, row: Row) -> None:
        """Take in one more row."""
        self.rows += 1
        own = blake2b(canonical(row), digest_size=_BYTES).digest()
        self.digest = (self.digest + int.from_bytes(own)) & _MASK


@dataclass(slots=True)
class RunFold:
    """The children of one run, folded kind by kind, and how many values of which column they lose."""

    kinds: dict[str, Fold] = field(default_factory=lambda: {kind.name: Fold() for kind in CHILDREN})
    losses: Counter[tuple[str, str]] = field(default_factory=Counter)


def key_of(side: SideName, kind: Kind, row: Row) -> Key:
    """Return the row's key; raises ``UnexpectedAnswerError`` for a row that has none."""
    key = [row.get(column) for column in kind.key]
    if not all(type(value) in (str, int) for value in key):
        raise UnexpectedAnswerError(side, kind.name, "a row without its key")
    return tuple(key)


async def rows_of(pages: Iterable[Pages], kind: Kind) -> AsyncIterator[list[Row]]:
    """Yield the rows of one kind of all ``pages``."""
    for page in [page for part in pages for page in part.pages if page.kind is kind]:
        async for rows in page.rows():
            yield rows


async def fold_children(side: SideName, pages: Iterable[Pages], runs: Collection[str], fit: Fit) -> dict[str, RunFold]:
    """Return the folded children of ``runs``; rows of other runs are passed over.

    Raises ``UnexpectedAnswerError`` for a page that is not what it should be.
    """
    folds = {run_id: RunFold() for run_id in runs}
    for page in [page for part in pages for page in part.pages]:
        await _fold(side, page, folds, fit)
    return folds


async def _fold(side: SideName, page: ChildPage, folds: dict[str, RunFold], fit: Fit) -> None:
    kind = page.kind
    async for rows in page.rows():
        for row in rows:
            run = folds.get(key_of(side, kind, row)[0])
            if run is None:
                continue
            lost = fit(kind, row)
            run.losses.update((kind.name, name) for name in ((ALL_COLUMNS,) if lost is None else lost))
            if lost is not None:
                run.kinds[kind.name].add(row)
