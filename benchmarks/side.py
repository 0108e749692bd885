"""The least that talks to Starship: a session with a login cookie, one GET and one POST.

Nothing is retried; whatever is not a success ends the candidate.
"""

from typing import Self

import aiohttp

UNBOUNDED = aiohttp.ClientTimeout(total=600)


class Side:
    """One deployment that somebody has logged in to already."""

    def __init__(self, url: str, cookie: str) -> None:
        self.url = url
        self._cookie = cookie

    async def __aenter__(self) -> Self:
        # Airflow's webserver closes every connection after its answer, so a limit would be of no use
        connector = aiohttp.TCPConnector(limit=0)
        self.session = aiohttp.ClientSession(
            connector=connector, headers={"Cookie": self._cookie}, timeout=UNBOUNDED, trust_env=False
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.session.close()


async def get(side: Side, route: str, dag_id: str, limit: int, offset: int) -> bytes:
    """Return the body of a page of ``limit`` runs; raises ``aiohttp.ClientError`` for any answer but a success."""
    params = {"dag_id": dag_id, "limit": str(limit), "offset": str(offset)}
    async with side.session.get(f"{side.url}/api/starship/{route}", params=params, allow_redirects=False) as answer:
        answer.raise_for_status()
        return await answer.read()


async def post(side: Side, route: str, body: bytes) -> None:
    """Write the rows of ``body``; raises ``aiohttp.ClientError`` for any answer but a success."""
    url, headers = f"{side.url}/api/starship/{route}", {"Content-Type": "application/json"}
    async with side.session.post(url, data=body, headers=headers, allow_redirects=False) as answer:
        answer.raise_for_status()
        await answer.read()
