"""The outermost sender: trying again what is harmless to try again."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Final, TypeAlias

import stamina
import stamina.instrumentation

from transfer.client.base import Answer, Request, Sender
from transfer.client.gate import Gate
from transfer.errors import LostAnswerError, SideError, ThrottledError, TransientError, UnavailableError
from transfer.model import SideName

MOST_ROUNDS: Final = 3
"""How often a request gets all attempts, if it is only told to wait while others are answered."""

_RESUME = "nothing is lost: run the same command again when the {side} is well, and it goes on where it stopped"


@dataclass(frozen=True, slots=True)
class RetryEvent:
    """A side is left alone for ``seconds``, because of ``reason`` (redacted); told once per failed attempt.

    ``again`` says whether this request is then sent again: not a write whose answer was lost.
    """

    side: SideName
    what: str
    attempt: int
    seconds: float
    reason: str
    again: bool


OnEvent: TypeAlias = Callable[[RetryEvent], None]


def ignore(_event: RetryEvent) -> None:
    """Do nothing about an event."""


@dataclass(slots=True)
class _Round:
    """One round of attempts: how many there may still be, and how often the side had answered when it began."""

    left: int
    answers: int


class RetrySender:
    """Sends again what was not carried out, after waits that hold for all requests of the side.

    A ``LostAnswerError`` is passed on at once, but the side is left alone for a while: what the caller asks next waits.
    A request that is told to wait (429) begins its attempts anew if the side has answered others meanwhile: a side that
    turns away every other request is slow, not dead.
    Raises ``UnavailableError`` when the attempts of a request, or those of the side, are used up.
    """

    def __init__(self, inner: Sender, side: SideName, gate: Gate, on_event: OnEvent = ignore) -> None:
        # stamina would log each retry with the exception's repr; there is no other place than the global one to say so.
        stamina.instrumentation.set_on_retry_hooks([])
        self._inner = inner
        self._side: SideName = side
        self._gate = gate
        self._on_event = on_event

    async def send(self, request: Request) -> Answer:
        """Implement ``Sender``."""
        rounds = max(1, MOST_ROUNDS * self._gate.attempts // self._attempts(request))
        for number in count(1):
            round_ = _Round(rounds - number, self._gate.answers)
            try:
                return await self._attempt(request, round_)
            except TransientError as error:
                if not self._goes_on(round_, error):
                    raise self._unavailable(request, error, number * self._attempts(request)) from error
        raise AssertionError("unreachable")  # pragma: no cover - the last round returns or raises

    async def _attempt(self, request: Request, round_: _Round) -> Answer:
        most = self._attempts(request)
        try:
            return await self._try(request, 1, round_)  # nearly always the only one, which needs no machinery
        except TransientError:
            if most <= 1:
                raise
        # The gate does the waiting, for all requests at once and with a clock that tests can set.
        async for attempt in stamina.retry_context(on=_at_once, attempts=most - 1, timeout=None):
            with attempt:
                return await self._try(request, 1 + attempt.num, round_)
        raise AssertionError("unreachable")  # pragma: no cover - the last attempt returns or raises

    def _goes_on(self, round_: _Round, error: SideError) -> bool:
        """Tell whether another round follows one that ended with ``error``."""
        return bool(round_.left) and isinstance(error, ThrottledError) and self._gate.answers > round_.answers

    async def _try(self, request: Request, number: int, round_: _Round) -> Answer:
        if self._gate.given_up:
            raise self._dead(request)
        started = await self._gate.enter()
        try:
            answer = await self._inner.send(request)
        except (TransientError, LostAnswerError) as error:
            again = number < self._attempts(request) or self._goes_on(round_, error)
            self._failed(error, started, number, again=again)
            raise
        except SideError:
            self._gate.answered()
            raise
        self._gate.answered()
        return answer

    def _attempts(self, request: Request) -> int:
        return request.attempts or self._gate.attempts

    def _failed(self, error: TransientError | LostAnswerError, started: float, number: int, *, again: bool) -> None:
        told = error.retry_after if isinstance(error, ThrottledError | LostAnswerError) else None
        seconds = self._gate.failed(started, number, told)
        again = again and isinstance(error, TransientError)
        self._on_event(RetryEvent(self._side, error.what, number, seconds, error.detail, again))

    def _unavailable(self, request: Request, last: TransientError, attempts: int) -> UnavailableError:
        detail = f"gave up after {attempts} attempts, the last: {last.detail}"
        hint = "; ".join(filter(None, [last.hint, _RESUME.format(side=self._side)]))
        return UnavailableError(self._side, request.what, detail, status=last.status, hint=hint, dag_id=request.dag_id)

    def _dead(self, request: Request) -> UnavailableError:
        detail = f"not asked any more: it failed {self._gate.strikes} times in a row"
        return UnavailableError(
            self._side, request.what, detail, hint=_RESUME.format(side=self._side), dag_id=request.dag_id
        )


def _at_once(error: Exception) -> float | bool:
    """Tell stamina to try again without a wait of its own, or not at all."""
    return 0.0 if isinstance(error, TransientError) else False
