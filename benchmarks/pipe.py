"""The feature-less pipe: a few lanes side by side, each reads the next slice of runs and writes it.

Three GETs, then the runs, the task instances and their history in batches of up to 1000 rows. No check, no retry, no
state, nothing tuned while it runs: about as fast as a hundred lines can be.
"""

import asyncio
import json
import sys
from collections.abc import Iterator
from itertools import count
from typing import Any

import orjson

from benchmarks.bodies import batches, body_of, without_nulls
from benchmarks.side import Side, get, post
from transfer.kinds import KINDS, Kind, Row

BODY_BYTES = 960_000


async def move(source: Side, target: Side, order: dict[str, Any]) -> None:
    """Move all of a DAG with ``order["lanes"]`` lanes, ``order["batch"]`` runs in a slice."""
    offsets = count(0, order["batch"])
    async with source, target:
        await asyncio.gather(*(lane(source, target, order, offsets) for _ in range(order["lanes"])))


async def lane(source: Side, target: Side, order: dict[str, Any], offsets: Iterator[int]) -> None:
    """Move slices until there are none left."""
    for offset in offsets:
        slice_ = (order["dag_id"], order["batch"], offset)
        pages = await asyncio.gather(*(get(source, kind.route, *slice_) for kind in KINDS))
        rows = [orjson.loads(page)[kind.envelope] for kind, page in zip(KINDS, pages, strict=True)]
        if not rows[0]:
            return
        for kind, of_kind in zip(KINDS, rows, strict=True):
            for body in bodies(kind, of_kind, order["rows"], lean=order["lean"]):
                await post(target, kind.route, body)


def bodies(kind: Kind, rows: list[Row], most: int, *, lean: bool) -> Iterator[bytes]:
    """Yield POST bodies of up to ``most`` rows; ``lean`` leaves out columns that are null in all rows of a batch.

    A body that is too large for Airflow's limit is halved.
    """
    for batch in batches(rows, most):
        body = body_of(kind, without_nulls(kind, batch) if lean else batch)
        if len(body) > BODY_BYTES:
            yield from bodies(kind, batch, (len(batch) + 1) // 2, lean=lean)
        else:
            yield body


def main() -> None:
    """Read the order as JSON from standard input, so that no cookie is in a process list.

    It has ``urls`` and ``cookies`` of source and target, ``dag_id``, ``lanes``, ``batch`` (runs in a slice), ``rows``
    (most rows in a body) and ``lean``.
    """
    order = json.load(sys.stdin)
    source, target = (Side(url, cookie) for url, cookie in zip(order["urls"], order["cookies"], strict=True))
    asyncio.run(move(source, target, order))


if __name__ == "__main__":
    main()
