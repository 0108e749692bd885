"""The raw pipe: what a GET of a log brings goes into a POST as it comes, several logs at once.

No check, no retry, no memory of what was done; it is told beforehand which logs there are.
"""

import asyncio
import json
import sys
from collections.abc import Iterator

import aiohttp

PATH = "/api/starship/task_log"
UNBOUNDED = aiohttp.ClientTimeout(total=None)


async def move(urls: tuple[str, str], names: list[dict[str, str]], lanes: int) -> None:
    """Move all logs from the first URL to the second in ``lanes`` lanes."""
    queue = iter(names)
    async with aiohttp.ClientSession(timeout=UNBOUNDED) as source, aiohttp.ClientSession(timeout=UNBOUNDED) as target:
        await asyncio.gather(*(_lane(source, target, urls, queue) for _ in range(lanes)))


async def _lane(
    source: aiohttp.ClientSession, target: aiohttp.ClientSession, urls: tuple[str, str], names: Iterator[dict[str, str]]
) -> None:
    headers = {"Content-Type": "application/octet-stream"}
    for name in names:
        async with source.get(urls[0] + PATH, params=name) as log:
            if not log.ok:
                continue
            pieces = log.content.iter_any()
            async with target.post(urls[1] + PATH, params=name, data=pieces, headers=headers) as answer:
                answer.raise_for_status()


def main() -> None:
    """Read the two URLs, the logs and the number of lanes as JSON from standard input."""
    order = json.load(sys.stdin)
    asyncio.run(move(tuple(order["urls"]), order["names"], order["lanes"]))


if __name__ == "__main__":
    main()
