"""Secrets that can change, and the one repetition after a refusal."""

from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from transfer.errors import AuthError, ConfigError

from .serving import BATCH, CANARY, ECHO, INFO, page, serving, side


def guarded(valid: set[str]) -> Any:
    """Return a handler that answers those whose Authorization is valid."""

    async def handler(request: web.Request) -> web.Response:
        if request.headers.get("Authorization") not in valid:
            return page(302, Location="https://cloud.example.com/login?next=x")
        return web.json_response(ECHO if request.method == "POST" else INFO)

    return handler


async def test_a_rotated_secret_is_read_again(tmp_path: Path) -> None:
    """When the server refuses a token its file is read again, and a write is sent once more with the new one."""
    file = tmp_path / "token"
    file.write_text("old-token")
    valid = {"Bearer old-token"}
    async with side(guarded(valid), auth={"kind": "bearer", "token": {"file": str(file)}}) as target:
        await target.starship.info()
        file.write_text("new-token")
        valid.clear()
        valid.add("Bearer new-token")
        await target.starship.insert(BATCH)
        assert len(target.requests) == 3


async def test_a_secret_that_did_not_change_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the same token there is nothing to hope for: one request, one error."""
    monkeypatch.setenv("TOKEN", CANARY)
    async with side(guarded(set()), auth={"kind": "bearer", "token": {"env": "TOKEN"}}) as target:
        with pytest.raises(AuthError, match=r"redirects to https://cloud.example.com/login$") as caught:
            await target.starship.insert(BATCH)
        assert len(target.requests) == 1
    assert CANARY not in str(caught.value)


async def test_without_credentials_a_login_page_is_an_error() -> None:
    """With auth kind none there is nobody to log in."""
    async with side(guarded(set())) as target:
        with pytest.raises(AuthError):
            await target.starship.info()
        assert len(target.requests) == 1


async def test_a_missing_secret_is_a_setting_to_correct(monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret that cannot be read stops before anything is sent."""
    monkeypatch.delenv("TOKEN", raising=False)
    async with side(guarded(set()), auth={"kind": "api_key", "key": {"env": "TOKEN"}}) as target:
        with pytest.raises(ConfigError, match="TOKEN"):
            await target.starship.info()
        assert target.requests == []


async def test_credentials_do_not_follow_a_redirect(monkeypatch: pytest.MonkeyPatch) -> None:
    """A redirect to another server gets neither a request nor the token."""
    monkeypatch.setenv("TOKEN", CANARY)
    elsewhere: list[web.Request] = []

    async def record(request: web.Request) -> web.Response:
        elsewhere.append(request)
        return web.json_response(INFO)

    async with serving(record) as (address, _):

        async def redirect(_request: web.Request) -> web.Response:
            return page(302, Location=f"{address}/login")

        async with side(redirect, auth={"kind": "bearer", "token": {"env": "TOKEN"}}) as target:
            with pytest.raises(AuthError):
                await target.starship.info()
    assert elsewhere == []
