"""Which runs a sample takes the children of."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final, TypeVar

T = TypeVar("T")

GROWTH: Final = 4
"""A stretch is about this fraction of what was taken before it, so that the share holds wherever the DAG ends."""

LONGEST: Final = 200
"""Runs of the longest stretch; longer ones would hold no more of the DAG's past for their price."""


@dataclass(frozen=True, slots=True)
class Sampler:
    """Takes about a ``share`` of the runs (0 to 1, None for all); ``seed`` decides which ones."""

    share: float | None = None
    seed: int = 0

    def groups(self, dag_id: str, runs: Sequence[T], position: int) -> list[Sequence[T]]:
        """Return those of ``runs`` whose children are compared, in stretches that stand together.

        ``position`` of the DAG's runs were there before them. Of a DAG's first runs one is taken in any case, so that
        there is no DAG without.
        """
        if self.share is None or not runs:
            return [runs] if runs else []
        taken: list[Sequence[T]] = []
        if position == 0:
            at = int(self._chance(dag_id, 0) * int(min(1 / self.share, len(runs))))
            taken.append(runs[at : at + 1])
        for first, end in self._stretches(dag_id, self.share, (position, position + len(runs))):
            taken.append(runs[max(first - position, 0) : max(end - position, 0)])
        return [group for group in taken if group]

    def _stretches(self, dag_id: str, share: float, span: tuple[int, int]) -> Iterator[tuple[int, int]]:
        """Yield from which to before which run the sample goes: one stretch at random of each section behind the first.

        Those that have no part of ``span`` are passed over.
        """
        start, number = 1 / share, 1
        while start < span[1]:
            runs = min(max(int(share * start / GROWTH), 1), LONGEST)
            end = start + runs / share
            if end > span[0]:
                first = int(start + self._chance(dag_id, number) * max(end - start - runs, 0))
                yield first, first + runs
            start = end
            number += 1

    def _chance(self, dag_id: str, number: int) -> float:
        text = f"{self.seed}\n{dag_id}\n{number}".encode("utf-8", "backslashreplace")
        return int.from_bytes(blake2b(text, digest_size=6).digest()) / 2**48
