"""The bare loop: GET runs and children, parse, cut into batches, dump, POST. No check, no retry, no memory.

What any client in Python has to do to move rows over HTTP, a few slices at once; the rest of a client is compared to
this.
"""

import asyncio
import json
import sys
from collections.abc import Iterator
from typing import Any

import aiohttp
import orjson

from benchmarks.canned_rows import KINDS

BATCH_ROWS = 1_000
BATCH_BYTES = 983_040


async def move(urls: tuple[str, str], dag_id: str, slice_runs: int, lanes: int) -> None:
    """Move all runs of ``dag_id`` from the first URL to the second, ``slice_runs`` at a time, in ``lanes`` lanes."""
    async with aiohttp.ClientSession() as source, aiohttp.ClientSession() as target:
        count = orjson.loads(await _get(source, urls[0], "dag_runs", dag_id, (0, 1)))["dag_run_count"]
        offsets = iter(range(0, count, slice_runs))

        async def lane() -> None:
            for offset in offsets:
                await _slice(source, target, urls, dag_id, (offset, slice_runs))

        await asyncio.gather(*(lane() for _ in range(lanes)))


async def _slice(
    source: aiohttp.ClientSession,
    target: aiohttp.ClientSession,
    urls: tuple[str, str],
    dag_id: str,
    place: tuple[int, int],
) -> None:
    pages = await asyncio.gather(*(_get(source, urls[0], route, dag_id, place) for route in KINDS))
    for (route, name), page in zip(KINDS.items(), pages, strict=True):
        for body in _bodies(name, orjson.loads(page)[name], len(page)):
            await _post(target, urls[1], route, body)


def _bodies(name: str, rows: list[dict[str, Any]], size: int) -> Iterator[bytes]:
    """Yield the bodies for ``rows``, which came as ``size`` bytes: written again they are somewhat smaller."""
    most = min(BATCH_ROWS, max(1, BATCH_BYTES * len(rows) // size))
    for start in range(0, len(rows), most):
        yield orjson.dumps({name: rows[start : start + most]})


async def _get(session: aiohttp.ClientSession, url: str, route: str, dag_id: str, place: tuple[int, int]) -> bytes:
    params = {"dag_id": dag_id, "offset": str(place[0]), "limit": str(place[1])}
    async with session.get(f"{url}/api/starship/{route}", params=params) as answer:
        answer.raise_for_status()
        return await answer.read()


async def _post(session: aiohttp.ClientSession, url: str, route: str, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    async with session.post(f"{url}/api/starship/{route}", data=body, headers=headers) as answer:
        answer.raise_for_status()
        await answer.read()


def main() -> None:
    """Read the two URLs, the DAG, the runs of a slice and the number of lanes as JSON from standard input."""
    order = json.load(sys.stdin)
    asyncio.run(move(tuple(order["urls"]), order["dag_id"], order["slice_runs"], order["lanes"]))


if __name__ == "__main__":
    main()
