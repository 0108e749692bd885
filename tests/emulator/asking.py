"""A session that shows what came over the wire: no cookies kept, no redirects followed."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from multidict import CIMultiDictProxy

from transfer.emulator import Behaviour, Emulator, History, Open


@asynccontextmanager
async def asking(history: History, behaviour: Behaviour | None = None) -> AsyncIterator[tuple[Emulator, "Asker"]]:
    """Open an emulator (without a door unless told otherwise) and a client for it."""
    async with (
        Emulator(history, behaviour or Behaviour(door=Open())) as emulator,
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session,
    ):
        yield emulator, Asker(emulator.url, session)


class Asker:
    """Sends single requests."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self.url = url
        self.session = session

    async def ask(
        self, method: str, path: str, *, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, CIMultiDictProxy[str], bytes]:
        """Return status, headers and body."""
        async with self.session.request(
            method, f"{self.url}{path}", data=body, headers=headers, allow_redirects=False
        ) as answer:
            return answer.status, answer.headers, await answer.read()

    async def info(self, **headers: str) -> int:
        """Ask for the versions and return the status."""
        return (await self.ask("GET", "/api/starship/info", headers=headers))[0]

    async def insert(self, route: str, **body: object) -> int:
        """Post JSON and return the status."""
        sent = json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        return (await self.ask("POST", f"/api/starship/{route}", body=sent, headers=headers))[0]
