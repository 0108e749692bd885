"""An open load on one side: as many clients as it takes, each of which asks for XComs again at once.

What the side answers per second then is all that it can; no client can be faster.
"""

import asyncio
import json
import sys
from collections.abc import Iterator

import aiohttp

from benchmarks.canned_rows import DAG

CLIENTS = 32


async def load(url: str, requests: int) -> None:
    """Send so many requests."""
    left = iter(range(requests))
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CLIENTS)) as session:
        await asyncio.gather(*(_client(session, url, left) for _ in range(CLIENTS)))


async def _client(session: aiohttp.ClientSession, url: str, left: Iterator[int]) -> None:
    params = {"dag_id": DAG, "run_id": "r", "task_id": "transform_step_2", "map_index": "-1"}
    for _ in left:
        async with session.get(f"{url}/api/starship/xcom", params=params) as answer:
            answer.raise_for_status()
            await answer.read()


def main() -> None:
    """Read the URL and the number of requests as JSON from standard input."""
    order = json.load(sys.stdin)
    asyncio.run(load(order["url"], order["requests"]))


if __name__ == "__main__":
    main()
