"""Objects over HTTP: what is asked, what is taken for an answer, what is hidden."""

import json
from typing import Any

import pytest
from aiohttp import web

from transfer import secrets_registry
from transfer.client.objects import CONNECTIONS, POOLS, VARIABLES, hide_value
from transfer.errors import LostAnswerError, UnexpectedAnswerError
from transfer.secrets_registry import MASK, mask

from .serving import Handler, side


@pytest.fixture(autouse=True)
def _own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget afterwards which secrets were read."""
    monkeypatch.setattr(secrets_registry, "_known", set())


def says(document: Any, status: int = 200) -> Handler:
    """Return what answers everything with this."""

    async def answer(_request: web.Request) -> web.Response:
        return web.json_response(document, status=status)

    return answer


async def test_rows_by_name() -> None:
    """Only fields that are known are taken; the route is the plural one."""
    async with side(says([{"key": "a", "val": "v", "description": None, "team_id": 3}])) as one:
        assert await one.starship.objects().read(VARIABLES) == {"a": {"key": "a", "val": "v", "description": None}}
        assert [request.path for request in one.requests] == ["/api/starship/variables"]


async def test_what_was_read_is_hidden() -> None:
    """Variables, logins, passwords, extras and what is in them, and the environment are masked from then on."""
    row = {"conn_id": "c", "login": "the-login", "password": "the-password", "extra": '{"k": ["the-token"]}'}
    async with side(says([row])) as one:
        await one.starship.objects().read(CONNECTIONS)
    async with side(says({"NAME": "the-value"})) as one:
        await one.starship.objects().environment()
    for secret in ("the-login", "the-password", "the-token", "the-value"):
        assert mask(f"<{secret}>") == f"<{MASK}>"


def test_a_value_with_thousands_of_lines() -> None:
    """The first ones are hidden, and not more than can be looked for in every line that is shown."""
    hide_value("\n".join(f"line number {number}" for number in range(10_000)))
    assert mask("line number 1!") == f"{MASK}!"
    assert len(secrets_registry._known) < 2_000


@pytest.mark.parametrize("document", [{}, [1], [{"val": "x"}], [{"key": 1}]])
async def test_no_list_of_objects(document: Any) -> None:
    """Anything else is refused."""
    async with side(says(document)) as one:
        with pytest.raises(UnexpectedAnswerError):
            await one.starship.objects().read(VARIABLES)


@pytest.mark.parametrize("document", [{"A": 1}, []])
async def test_no_environment(document: Any) -> None:
    """So is an environment that is none."""
    async with side(says(document)) as one:
        with pytest.raises(UnexpectedAnswerError):
            await one.starship.objects().environment()


async def test_an_object_is_made_once() -> None:
    """An answer that is no echo leaves it open whether the object stands; it is not sent again by itself."""
    async with side(says({"other": 1})) as one:
        with pytest.raises(LostAnswerError):
            await one.starship.objects().create(VARIABLES, {"key": "k", "val": "v"})
        assert len(one.requests) == 1
    async with side(says({"key": "k"})) as one:
        await one.starship.objects().create(VARIABLES, {"key": "k", "val": "v"})
        assert json.loads(await one.requests[0].read()) == {"key": "k", "val": "v"}


async def test_a_removal_names_one_object() -> None:
    """The name goes into the query, whatever characters it has; Airflow 3 answers null, Airflow 2 nothing."""
    async with side(says(None)) as one:
        await one.starship.objects().remove(VARIABLES, "a b/&?+%=ü")
        assert one.requests[0].method == "DELETE"
        assert dict(one.requests[0].query) == {"key": "a b/&?+%=ü"}


async def test_pools_are_never_removed() -> None:
    """Nothing is sent at all: the server would remove every pool."""
    async with side(says(None)) as one:
        with pytest.raises(ValueError, match="never"):
            await one.starship.objects().remove(POOLS, "p")
        assert not one.requests
