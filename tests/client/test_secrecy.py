"""A secret that went into the client never comes out but to its server."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from aiohttp import web

from transfer.config.settings import Retry
from transfer.errors import SideError
from transfer.model import Batch

from .serving import BATCH, CANARY, Handler, page, side

STATUSES = (200, 302, 400, 401, 403, 404, 409, 413, 418, 429, 500, 501, 502, 503)
SECRET_BATCH = Batch(BATCH.kind, "d", [], f'{{"task_instances":[{{"note":"row-{CANARY}"}}]}}'.encode(), "key")


def echoing(status: int, how: str) -> Handler:
    """Return a handler that answers with everything it was sent."""

    async def handler(request: web.Request) -> web.Response:
        sent = (await request.read()).decode() + str(request.headers)
        location = {"Location": f"https://u:{CANARY}@h/login?next={CANARY}"}
        if how == "page":
            return page(status, f"<title>Oops</title><p>Authorization: Bearer {CANARY}</p>", **location)
        error = {"error": "E", "error_message": f"E\nTraceback (most recent call last)\n{sent}", "kwargs": sent}
        return web.json_response(error, status=status, headers=location)

    return handler


def shown(error: BaseException | None) -> Iterator[str]:
    """Yield all that a log could show of an error and what led to it."""
    while error is not None:
        yield from (str(error), repr(error), repr(vars(error)))
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("how", ["page", "json"])
async def test_no_error_shows_a_secret(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, status: int, how: str
) -> None:
    """Whatever a server says, no error, event or log line holds a token or a row."""
    monkeypatch.setenv("TOKEN", CANARY)
    caplog.set_level(logging.DEBUG)
    token: dict[str, Any] = {"kind": "bearer", "token": {"env": "TOKEN"}}
    async with side(echoing(status, how), Retry(attempts=2), auth=token) as target:
        with pytest.raises(SideError) as writing:
            await target.starship.insert(SECRET_BATCH)
        with pytest.raises(SideError) as reading:
            await target.starship.info()
        texts = [*shown(writing.value), *shown(reading.value), repr(target.events), repr(target.starship)]
    assert not [text for text in texts if CANARY in text]
    assert not [record for record in caplog.records if record.name.startswith(("transfer", "stamina"))]
