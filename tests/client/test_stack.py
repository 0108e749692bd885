"""A side as the engine opens it."""

import anyio
import anyio.lowlevel

from transfer.client.stack import open_side
from transfer.config.settings import Limits, Retry

from .serving import INFO, answers, endpoint, page, serving


async def test_a_side_is_open_until_it_is_left() -> None:
    """Nothing is sent on opening, connections are kept while open and closed on leaving."""
    async with serving(answers(INFO)) as (url, requests):
        async with open_side("source", endpoint(url), Retry(), Limits()) as source:
            assert requests == []
            assert (await source.info()).starship_version == "2.10.1"
            assert (await source.info()).starship_version == "2.10.1"
        assert len({request.transport for request in requests}) == 1
        with anyio.fail_after(5):
            while any(request.transport is not None for request in requests):
                await anyio.lowlevel.checkpoint()


async def test_waits_are_told() -> None:
    """Whoever opens a side hears of its waits."""
    events: list[float] = []
    retry = Retry(wait_initial=0.001)
    async with (
        serving(answers(page(502), INFO)) as (url, _),
        open_side(
            "source", endpoint(url), retry, Limits(), on_event=lambda event: events.append(event.seconds)
        ) as source,
    ):
        await source.info()
    assert events == [0.001]
