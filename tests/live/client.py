"""The program's own client, open on a real server as one side of a job."""

from contextlib import AbstractAsyncContextManager
from typing import Any

import anyio

from transfer.client.stack import open_side
from transfer.client.starship import Starship
from transfer.config.settings import Endpoint, Limits, Retry

from .users import User

PASSWORD = "PASSWORD"
"""The environment variable that a secret comes from unless a test names another one."""


def endpoint(url: str, kind: str, user: User | None = None, *, secret: str = PASSWORD) -> Endpoint:
    """Return the settings for a kind of auth: with a user where it takes one, else with a secret alone."""
    named = {"env": secret}
    alone = {"bearer": {"token": named}, "api_key": {"key": named}, "none": {}}
    auth: dict[str, Any] = alone[kind] if user is None else {"username": user.name, "password": named}
    return Endpoint.model_validate({"url": url, "auth": {"kind": kind, **auth}})


def client(
    url: str, kind: str, user: User | None = None, *, secret: str = PASSWORD
) -> AbstractAsyncContextManager[Starship]:
    """Open a client; `secret` is the variable that is read when it logs in."""
    return open_side("target", endpoint(url, kind, user, secret=secret), Retry(), Limits())


async def ask_at_once(side: Starship, count: int = 8) -> None:
    """Send `count` requests side by side and wait for all answers."""
    async with anyio.create_task_group() as group:
        for _ in range(count):
            group.start_soon(side.info)
