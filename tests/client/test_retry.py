"""Trying again: only what is harmless, as often as allowed, with the whole side waiting."""

from dataclasses import replace
from typing import Any

import anyio
import pytest

from transfer.client.base import Answer, Request
from transfer.client.body import SpooledBody
from transfer.client.gate import Gate
from transfer.client.retry import MOST_ROUNDS, OnEvent, RetryEvent, RetrySender, ignore
from transfer.config.settings import Retry
from transfer.errors import (
    AuthError,
    ConflictError,
    ConnectError,
    LostAnswerError,
    SideError,
    ThrottledError,
    TransientError,
    UnavailableError,
)

from .serving import StoppedTime

GET = Request("GET", "/x", "info", dag_id="d")
POST = Request("POST", "/x", "insert", writes=True)


class Scripted:
    """A sender that fails as told, then answers; ``at`` lists the times of the requests."""

    def __init__(self, time: StoppedTime, *errors: Exception) -> None:
        self.time = time
        self.errors = list(errors)
        self.at: list[float] = []

    async def send(self, _request: Request) -> Answer:
        """Raise the next error or answer."""
        self.at.append(self.time.now)
        await anyio.lowlevel.checkpoint()
        if self.errors:
            raise self.errors.pop(0)
        return Answer(200, {}, SpooledBody(1))


def error(kind: type[SideError], retry_after: float | None = None) -> Any:
    """Return an error of the target."""
    made: Any = kind("target", "info", "said no", status=503, hint="look there")
    if retry_after is not None:
        made.retry_after = retry_after
    return made


class Tried:
    """A retrying sender over a script."""

    def __init__(self, *errors: Exception, attempts: int = 4) -> None:
        self.time = StoppedTime()
        self.events: list[RetryEvent] = []
        self.script = Scripted(self.time, *errors)
        self.gate = Gate(Retry(attempts=attempts), self.time.time())
        self.sender = RetrySender(self.script, "target", self.gate, self.events.append)

    async def send(self, request: Request = GET) -> None:
        """Send and drop the answer."""
        (await self.sender.send(request)).body.close()


@pytest.mark.parametrize("kind", [TransientError, ConnectError, ThrottledError])
@pytest.mark.parametrize("request_", [GET, POST])
async def test_what_was_not_carried_out_is_sent_again(kind: type[SideError], request_: Request) -> None:
    """Transient errors of reads and writes are tried again with growing waits."""
    tried = Tried(error(kind), error(kind), error(kind))
    await tried.send(request_)
    assert tried.script.at == [1000.0, 1000.5, 1001.5, 1003.5]


@pytest.mark.parametrize("kind", [AuthError, ConflictError, LostAnswerError])
async def test_anything_else_is_passed_on_at_once(kind: type[SideError]) -> None:
    """An error that is not transient comes out unchanged after one attempt."""
    cause = error(kind)
    tried = Tried(cause)
    with pytest.raises(kind) as caught:
        await tried.send(POST)
    assert caught.value is cause
    assert len(tried.script.at) == 1


async def test_attempts_are_used_up() -> None:
    """After the last attempt the error says how often, why, and that the job can be resumed."""
    tried = Tried(*[error(TransientError)] * 5)
    with pytest.raises(
        UnavailableError, match=r"target: info \(DAG d\): HTTP 503: gave up after 4 attempts.*said no"
    ) as it:
        await tried.send()
    assert len(tried.script.at) == 4
    assert "look there" in it.value.hint
    assert "run the same command again" in it.value.hint
    assert [event.again for event in tried.events] == [True, True, True, False]


async def test_a_request_may_have_fewer_attempts() -> None:
    """A request that says how often it may be tried is tried no more often, and the error counts right."""
    tried = Tried(*[error(TransientError)] * 5)
    with pytest.raises(UnavailableError, match="gave up after 2 attempts"):
        await tried.send(replace(GET, attempts=2))
    assert [event.again for event in tried.events] == [True, False]


class Busy(Scripted):
    """A side that turns away the first ``refusals`` requests for DAG "d", and answers those for others."""

    def __init__(self, time: StoppedTime, refusals: int) -> None:
        super().__init__(time)
        self.left = refusals

    async def send(self, request: Request) -> Answer:
        """Answer, or say that it is too much."""
        if request.dag_id == "d" and self.left:
            self.left -= 1
            await anyio.wait_all_tasks_blocked()  # others come first
            raise error(ThrottledError)
        return await super().send(request)


class Beside:
    """Asks the same side for something else whenever it hears of a failure."""

    def __init__(self, tried: Tried, busy: Busy) -> None:
        self.failures = 0
        self._tried = tried
        self._busy = busy

    async def send(self, request: Request) -> int:
        """Send ``request``, and another one after each time that it was turned away; return the status."""
        async with anyio.create_task_group() as group:

            def ask_others(_event: RetryEvent) -> None:
                self.failures += 1
                group.start_soon(self._send, replace(GET, dag_id="other"), ignore)

            return await self._send(request, ask_others)
        raise AssertionError

    async def _send(self, request: Request, on_event: OnEvent) -> int:
        answer = await RetrySender(self._busy, "target", self._tried.gate, on_event).send(request)
        answer.body.close()
        return answer.status


async def test_a_busy_side_that_answers_others_is_not_given_up() -> None:
    """A request that is turned away more often than it may be tried goes on if others are answered meanwhile."""
    tried = Tried(attempts=2)
    beside = Beside(tried, Busy(tried.time, refusals=5))
    assert await beside.send(GET) == 200
    assert beside.failures == 5


async def test_a_side_that_only_turns_away_is_given_up() -> None:
    """Where nobody is answered meanwhile, the attempts are all there are."""
    tried = Tried(attempts=2)
    busy = Busy(tried.time, refusals=6)
    with pytest.raises(UnavailableError, match="gave up after 2 attempts"):
        await RetrySender(busy, "target", tried.gate, tried.events.append).send(GET)
    assert (busy.left, [event.again for event in tried.events]) == (4, [True, False])


async def test_a_request_that_is_always_turned_away_ends() -> None:
    """A request that is never answered while others are does not go on for ever."""
    tried = Tried(attempts=2)
    beside = Beside(tried, Busy(tried.time, refusals=1_000))
    with pytest.raises(ExceptionGroup) as caught:
        await beside.send(GET)
    assert caught.group_contains(UnavailableError, match=f"gave up after {2 * MOST_ROUNDS} attempts")
    assert beside.failures == 2 * MOST_ROUNDS


async def test_retry_after_is_followed_and_told() -> None:
    """The server's wish replaces the backoff, and listeners hear how long and why."""
    tried = Tried(error(ThrottledError, 12.0))
    await tried.send()
    assert tried.script.at == [1000.0, 1012.0]
    assert tried.events == [RetryEvent("target", "info", 1, 12.0, "said no", again=True)]


async def test_a_lost_write_makes_the_side_wait() -> None:
    """After a lost answer the next request, of whatever kind, waits first."""
    tried = Tried(error(LostAnswerError, 7.0))
    with pytest.raises(LostAnswerError):
        await tried.send(POST)
    await tried.send()
    assert tried.script.at == [1000.0, 1007.0]
    assert [event.again for event in tried.events] == [False]


async def test_all_requests_of_a_side_wait() -> None:
    """While one request is told to wait, no other one is sent."""
    tried = Tried(error(ThrottledError, 30.0))
    await tried.send()
    tried.script.errors = [error(ThrottledError, 30.0)]
    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(tried.send)
    assert sorted(tried.script.at)[:2] == [1000.0, 1030.0]
    assert sum(at >= 1060.0 for at in tried.script.at) >= 1


async def test_a_dead_side_is_left_alone() -> None:
    """After twenty failures in a row nothing is sent any more, and the error says so at once."""
    tried = Tried(*[error(LostAnswerError)] * 50, attempts=1)
    for _ in range(20):
        with pytest.raises(LostAnswerError):
            await tried.send(POST)
    with pytest.raises(UnavailableError, match="failed 20 times in a row"):
        await tried.send(POST)
    assert len(tried.script.at) == 20


async def test_an_answer_takes_the_strikes_back() -> None:
    """After an answer the side has a clean slate."""
    tried = Tried(error(TransientError))
    await tried.send()
    assert tried.gate.strikes == 0


async def test_a_refusal_shows_that_the_side_works() -> None:
    """An answer that refuses the request takes the strikes back."""
    tried = Tried(error(LostAnswerError), error(ConflictError))
    for kind in (LostAnswerError, ConflictError):
        with pytest.raises(kind):
            await tried.send(POST)
    assert tried.gate.strikes == 0


async def test_cancellation_is_not_retried() -> None:
    """A request that is cancelled stays cancelled."""
    tried = Tried()
    with anyio.CancelScope() as scope:
        scope.cancel()
        await tried.send()
    assert scope.cancelled_caught
    assert len(tried.script.at) <= 1
    assert tried.events == []


async def test_nothing_is_logged(capsys: pytest.CaptureFixture[str]) -> None:
    """The retry library's own log, which would show arguments, is silent."""
    await Tried(error(TransientError)).send()
    assert capsys.readouterr() == ("", "")
