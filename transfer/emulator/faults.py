"""Things that go wrong on demand: a schedule of rules, each saying for which requests and what happens."""

import socket
import struct
from collections.abc import Container
from dataclasses import dataclass, field
from random import Random
from typing import TypeAlias

import anyio
from aiohttp import web

from transfer.emulator.wire import respond


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer with this instead; ``after`` lets the request be carried out first, so that its answer is lost."""

    status: int
    body: str = '{"error": "the emulator was told to"}'
    content_type: str = "application/json"
    retry_after: str | None = None
    after: bool = False

    def response(self) -> web.Response:
        """Return the answer."""
        response = respond(self.status, self.body.encode(), self.content_type)
        if self.retry_after is not None:
            response.headers["Retry-After"] = self.retry_after
        return response


def web_page(status: int = 200, *, after: bool = False) -> Answer:
    """Return the fault of a web page where JSON belongs: a proxy's error page, or a login page with status 200."""
    return Answer(status, "<!doctype html>\n<title>Sign In</title>", "text/html; charset=utf-8", after=after)


@dataclass(frozen=True, slots=True)
class Reset:
    """Reset the connection: before the request is carried out, or ``after`` it was, losing the answer."""

    after: bool = False


@dataclass(frozen=True, slots=True)
class Stall:
    """Wait for ``until`` (for ever when it is None) before carrying the request out, or ``after`` before answering.

    The request is carried out even when its client has gone away meanwhile, as gunicorn's workers do.
    """

    until: anyio.Event | None = None
    after: bool = False


@dataclass(frozen=True, slots=True)
class Truncate:
    """Promise the whole body, or one in chunks, send this share of it, and close the connection."""

    share: float = 0.5


Action: TypeAlias = Answer | Reset | Stall | Truncate


@dataclass(frozen=True, slots=True)
class Rule:
    """What happens to which requests.

    A request matches by method and route (``dag_runs``, ``info``, ``login`` ...; None matches all). Of the matching
    ones the rule acts on those whose number (from 1) is in ``nth`` (None for all), with ``probability``, at most
    ``times`` times.
    """

    action: Action
    method: str | None = None
    route: str | None = None
    nth: Container[int] | None = None
    probability: float = 1.0
    times: int | None = None


@dataclass(slots=True)
class _Count:
    matched: int = 0
    acted: int = 0


@dataclass(slots=True)
class Faults:
    """A schedule of faults; of the rules that would act on a request the first does. Same seed, same faults.

    ``rules`` may be appended to while the server runs.
    """

    rules: list[Rule] = field(default_factory=list)
    seed: int = 0
    injected: list[tuple[str, str, Action]] = field(default_factory=list)
    """What was done so far: method, route, action."""
    _counts: dict[int, _Count] = field(default_factory=dict)
    _random: Random = field(init=False)

    def __post_init__(self) -> None:
        self._random = Random(self.seed)  # noqa: S311 - reproducible faults, no secrets

    def pick(self, method: str, route: str) -> Action | None:
        """Return what happens to this request, None for nothing."""
        chosen = None
        for number, rule in enumerate(self.rules):
            if self._acts(number, rule, method, route) and chosen is None:
                self._counts[number].acted += 1
                chosen = rule.action
        if chosen is not None:
            self.injected.append((method, route, chosen))
        return chosen

    def _acts(self, number: int, rule: Rule, method: str, route: str) -> bool:
        if rule.method not in (None, method) or rule.route not in (None, route):
            return False
        count = self._counts.setdefault(number, _Count())
        count.matched += 1
        by_number = rule.nth is None or count.matched in rule.nth
        left = rule.times is None or count.acted < rule.times
        return by_number and left and self._random.random() < rule.probability


async def before(action: Action | None, request: web.Request) -> web.StreamResponse | None:
    """Do what ``action`` does before a request is carried out; return an answer when it is not to be."""
    match action:
        case Answer(after=False):
            await request.read()
            return action.response()
        case Reset(after=False):
            return reset(request)
        case Stall(after=False):
            await _wait(action)
        case _:
            pass
    return None


async def after(action: Action | None, request: web.Request, answer: web.Response) -> web.StreamResponse:
    """Do what ``action`` does to the answer of a request that was carried out."""
    match action:
        case Answer(after=True):
            return action.response()
        case Reset(after=True):
            return reset(request)
        case Stall(after=True):
            await _wait(action)
        case Truncate():
            return await _truncated(action, request, answer)
        case _:
            pass
    return answer


async def _wait(action: Stall) -> None:
    if action.until is None:
        await anyio.sleep_forever()
    else:
        await action.until.wait()


def reset(request: web.Request) -> web.Response:
    """Reset the connection of ``request``; the response returned for form's sake goes nowhere."""
    transport = request.transport
    if transport is not None:
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return web.Response()


async def _truncated(action: Truncate, request: web.Request, answer: web.Response) -> web.StreamResponse:
    body = answer.body if isinstance(answer.body, bytes) else b""
    cut = web.StreamResponse(status=answer.status, reason=answer.reason, headers=answer.headers)
    if answer.chunked:
        cut.enable_chunked_encoding()
    else:
        cut.content_length = len(body)
    cut.force_close()
    await cut.prepare(request)
    await cut.write(body[: int(len(body) * action.share)])
    if request.transport is not None:
        request.transport.close()
    return cut
