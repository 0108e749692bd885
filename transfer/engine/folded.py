"""Rows that are only there as the body that carries them."""

from collections.abc import Iterator, Sequence
from typing import overload

import orjson

from transfer.kinds import Kind, Row


class Folded(Sequence[Row]):
    """The ``count`` rows of ``body``, which orjson has written, made anew whenever they are asked for.

    They take several times the memory of their text, and where nothing goes wrong nobody wants more than their number
    while the body is under way.
    """

    __slots__ = ("_body", "_count", "_kind")

    def __init__(self, kind: Kind, body: bytes, count: int) -> None:
        self._kind = kind
        self._body = body
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Row]:
        return iter(self._unfolded())

    @overload
    def __getitem__(self, index: int) -> Row: ...

    @overload
    def __getitem__(self, index: slice) -> list[Row]: ...

    def __getitem__(self, index: int | slice) -> Row | list[Row]:
        return self._unfolded()[index]

    def _unfolded(self) -> list[Row]:
        rows: list[Row] = orjson.loads(self._body)[self._kind.envelope]
        return rows
