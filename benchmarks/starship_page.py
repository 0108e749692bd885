"""What Starship's own page does: a batch of runs after the other, three GETs together, then three POSTs in turn.

No retry, no check, no memory of what was done: the least that moves rows.
"""

import asyncio
import json
import sys

import aiohttp

KINDS = (
    ("dag_runs", "dag_runs"),
    ("task_instances", "task_instances"),
    ("task_instance_history", "task_instances"),
)


async def move(urls: tuple[str, str], cookies: tuple[str, str], dag_id: str, batch: int) -> None:
    """Move all of ``dag_id`` from the first URL to the second, ``batch`` runs at a time."""
    source = aiohttp.ClientSession(headers={"Cookie": cookies[0]})
    target = aiohttp.ClientSession(headers={"Cookie": cookies[1]})
    async with source, target:
        offset = 0
        while True:
            pages = await asyncio.gather(*(_get(source, urls[0], route, dag_id, batch, offset) for route, _ in KINDS))
            if not pages[0]["dag_runs"]:
                return
            for (route, name), page in zip(KINDS, pages, strict=True):
                if page[name]:
                    await _post(target, urls[1], route, {name: page[name]})
            offset += batch


async def _get(
    session: aiohttp.ClientSession, url: str, route: str, dag_id: str, limit: int, offset: int
) -> dict[str, list[dict[str, object]]]:
    params = {"dag_id": dag_id, "limit": str(limit), "offset": str(offset)}
    async with session.get(f"{url}/api/starship/{route}", params=params, allow_redirects=False) as answer:
        answer.raise_for_status()
        page: dict[str, list[dict[str, object]]] = await answer.json()
        return page


async def _post(session: aiohttp.ClientSession, url: str, route: str, body: dict[str, list[dict[str, object]]]) -> None:
    async with session.post(f"{url}/api/starship/{route}", json=body, allow_redirects=False) as answer:
        answer.raise_for_status()
        await answer.read()


def main() -> None:
    """Read URLs, cookies, DAG and batch size as JSON from standard input, so that no cookie is in a process list."""
    order = json.load(sys.stdin)
    asyncio.run(move(tuple(order["urls"]), tuple(order["cookies"]), order["dag_id"], order["batch"]))


if __name__ == "__main__":
    main()
