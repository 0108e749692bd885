"""What is sent: paths, parameters, headers, bodies."""

from typing import Any

import pytest
from aioresponses import aioresponses
from yarl import URL

from transfer.client.gate import Gate
from transfer.client.stack import stacked
from transfer.client.wire import _Pieces, environment_proxy, open_wire
from transfer.config.settings import Limits, Retry
from transfer.errors import UnexpectedAnswerError
from transfer.kinds import TASK_INSTANCE_HISTORY

from .serving import BATCH, CANARY, ECHO, INFO, answers, endpoint, page, serving, side

URL_ = "https://airflow.example/DEPLOYMENT"


async def one_request(mocked: aioresponses, call: str, *args: Any, **settings: Any) -> tuple[str, URL, dict[str, Any]]:
    """Call a method of a Starship below URL_ and return method, URL and arguments of its only request."""
    where = endpoint(URL_, **settings)
    async with open_wire("target", where, Limits()) as wire:
        await getattr(stacked(wire, where, Gate(Retry())), call)(*args)
    ((method, url), (request,)) = next(iter(mocked.requests.items()))
    return method, url, request.kwargs


async def test_an_insert_is_one_post_with_its_key() -> None:
    """An insert posts the batch's bytes as JSON with its Idempotency-Key, and follows no redirect."""
    with aioresponses() as mocked:
        mocked.post(f"{URL_}/api/starship/task_instances", payload=ECHO)
        method, url, sent = await one_request(mocked, "insert", BATCH)
    assert (method, str(url)) == ("POST", f"{URL_}/api/starship/task_instances")
    assert sent["headers"]["Content-Type"] == "application/json"
    assert sent["headers"]["Idempotency-Key"] == "key-1"
    assert sent["data"].getvalue() == BATCH.body
    assert sent["allow_redirects"] is False


def test_a_body_is_not_copied_to_know_its_length() -> None:
    """What is asked for its length is the batch's own bytes, and reading it gives them again."""
    body = b"x" * 1_000
    sent = _Pieces(body)
    with sent.getbuffer() as view:
        assert view.obj is body
        assert view.readonly
    assert sent.read(600) + sent.read() == body


async def test_a_slice_is_asked_for_by_offset_and_limit() -> None:
    """A page of runs names DAG, limit and offset, escaped."""
    url = f"{URL_}/api/starship/dag_runs?dag_id=a%2Bb%26c%20%C3%A9&limit=7&offset=14"
    async with side(answers({"dag_runs": [], "dag_run_count": 0})) as target:
        await target.starship.dag_runs("a+b&c é", offset=14, limit=7)
        assert dict(target.requests[0].query) == {"dag_id": "a+b&c é", "limit": "7", "offset": "14"}
        assert target.requests[0].path == URL(url).path.removeprefix("/DEPLOYMENT")


async def test_history_has_its_own_route() -> None:
    """Task instance history is asked at its own route, though its envelope says task_instances."""
    async with side(answers({"task_instances": [], "dag_run_count": 0})) as target:
        (await target.starship.children(TASK_INSTANCE_HISTORY, "d", offset=0, limit=1)).close()
        assert target.requests[0].path == "/api/starship/task_instance_history"


async def test_a_request_says_who_asks_and_for_what() -> None:
    """User agent, accepted type and encodings are explicit; the settings' own headers are added."""
    with aioresponses() as mocked:
        mocked.get(f"{URL_}/api/starship/info", payload=INFO)
        _, _, sent = await one_request(mocked, "info", headers={"X-Tenant": "a"})
    assert sent["headers"]["User-Agent"].startswith("transfer/")
    assert sent["headers"]["Accept"] == "application/json"
    assert sent["headers"]["Accept-Encoding"] == "gzip, deflate"
    assert sent["headers"]["X-Tenant"] == "a"


async def test_a_body_has_a_length() -> None:
    """A batch of more than a mebibyte goes with Content-Length, not chunked, and complete."""
    body = b'{"task_instances":[' + b" " * 2**20 + b"]}"
    async with side(answers(ECHO)) as target:
        await target.starship.insert(type(BATCH)(BATCH.kind, "d", [], body, "k"))
        request = target.requests[0]
        assert request.headers["Content-Length"] == str(len(body))
        assert "Transfer-Encoding" not in request.headers
        assert await request.read() == body


@pytest.mark.parametrize(
    ("auth", "header"),
    [
        ({"kind": "bearer", "token": {"env": "T"}}, f"Bearer {CANARY}"),
        ({"kind": "api_key", "key": {"env": "T"}}, CANARY),
        (
            {"kind": "basic", "username": "ü", "password": {"env": "T"}},
            "Basic w7w6Y2FuYXJ5LXMzY3IzdA==",
        ),
        ({"kind": "none"}, None),
    ],
)
async def test_headers_of_each_kind(monkeypatch: pytest.MonkeyPatch, auth: Any, header: str | None) -> None:
    """Each kind of auth sends its secret the way its server wants it."""
    monkeypatch.setenv("T", CANARY)
    with aioresponses() as mocked:
        mocked.get(f"{URL_}/api/starship/info", payload=INFO)
        _, _, sent = await one_request(mocked, "info", auth=auth)
    assert sent["headers"].get("Authorization") == header


@pytest.mark.parametrize(
    ("environment", "url", "proxy"),
    [
        ({"https_proxy": "http://proxy:3128"}, "https://a.example/x", "http://proxy:3128"),
        ({"https_proxy": "proxy:3128"}, "https://a.example/x", "http://proxy:3128"),
        ({"https_proxy": "http://proxy:3128"}, "http://a.example", None),
        ({"https_proxy": "http://proxy:3128", "no_proxy": "a.example"}, "https://a.example:8443", None),
        ({}, "https://a.example", None),
    ],
)
def test_the_environments_proxy_is_used(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], url: str, proxy: str | None
) -> None:
    """A proxy for the scheme is taken from the environment unless no_proxy names the host."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert environment_proxy(url) == proxy


async def test_a_proxy_gets_its_own_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """User and password in the proxy's URL go to the proxy as such, and a refusal does not show them."""
    async with serving(answers(page(407))) as (proxy, requests):
        monkeypatch.setenv("http_proxy", proxy.replace("://", f"://me:{CANARY}@"))
        where = endpoint("http://airflow.example")
        async with open_wire("target", where, Limits()) as wire:
            with pytest.raises(UnexpectedAnswerError) as caught:
                await stacked(wire, where, Gate(Retry())).info()
    assert requests[0].headers["Proxy-Authorization"].startswith("Basic ")
    assert "Authorization" not in requests[0].headers
    assert CANARY not in str(caught.value)
