"""The search for how many requests at once a server can use, written as plans: measure here, compare, go there.

Nothing is known of the server: with W workers, each of which takes s seconds, and a network that takes d, it is as fast
as it will ever be with W * (1 + d/s) requests under way. This number, the knee, is looked for; beyond it requests only
wait in the server's queue. Speeds are compared, not latencies: these grow with the size of requests, and the network's
share of them says nothing.

    beginning  double from a few as long as it pays, then go back to a little above the knee
    settled    measure; now and then look whether a step more is faster, or a step less is as fast
    slower     take steps down as long as they cost nothing; not up beyond what it was until the server recovers
    loss       half as many at once until answers come in a row, then what it was; three quarters if losses are common
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Final, TypeAlias

from transfer.client.compare import NO_FASTER, SEEMS, others, pays, queues, room, slowed
from transfer.client.control import RECOVERY
from transfer.client.gains import Gains
from transfer.client.meter import Round, middle

FEWEST: Final = 12
"""Answers that make a round; as many as requests under way if these are more."""

BRIEF: Final = 5
"""The same in the beginning, when the number is far from what it should be."""

LOOK: Final = 60
"""Answers of a look, or three rounds if these are more."""

ROUNDS: Final = 8
"""Between two looks."""

FIRST_ROUNDS: Final = 3
"""Before the first look: losses may end a plan again and again, and it must get somewhere."""

LONGEST_PAUSE: Final = 4
"""Turns that two looks in one direction may be apart."""

ABOVE: Final = 1.2
"""How far above the knee: answers do not come evenly, and a worker that waits for us is lost."""

WORKING: Final = 1.4
"""How far above as many as really work at once: requests are not alike, and a few large ones may come together."""

USED: Final = 0.6
"""Of the limit; whoever does not use it would not use more."""

NEARLY_ALL: Final = 0.9
"""The same after more were allowed once and nobody wanted them."""

UP: Final = 0.3
"""A step up stays if the speed grows at least by this power of it: by 1.07 for a quarter more."""

DOWN: Final = 0.15
"""A step down stays if the speed sinks at most by this power of it: to 0.97 for a fifth less."""

HOPELESS: Final = 0.5
"""A step down of which the speed sinks by this power of it is taken back at once."""

LEFT: Final = 0.75
"""Of the number at which losses are common."""

RECOVERED: Final = 0.8
"""Of the speed before, at least: then the trouble is over."""

REMEMBERED: Final = 600.0
"""Seconds after which trouble counts as how things are."""


@dataclass(frozen=True, slots=True)
class Step:
    """So many requests at once, until so many answers have come."""

    concurrency: int
    answers: int


Plan: TypeAlias = Generator[Step, Round, None]
"""Yields what to do next and is sent what came of it; never ends."""

_Measuring: TypeAlias = Generator[Step, Round, Round]
_Looking: TypeAlias = Generator[Step, Round, tuple[int, Round]]


@dataclass(frozen=True, slots=True)
class _Trouble:
    """A server that became slow: how it was before, with so many requests at once, and when that was."""

    concurrency: int
    before: Round
    since: float


@dataclass(slots=True)
class _Direction:
    """Looks in one direction; one that was in vain is not repeated soon."""

    look: Callable[[int, Round], _Looking]
    pause: int = 1
    wait: int = 1

    def is_due(self) -> bool:
        self.wait -= 1
        return self.wait <= 0

    def vain(self) -> None:
        self.pause = self.wait = min(2 * self.pause, LONGEST_PAUSE)


def _again(directions: list[_Direction]) -> None:
    """Let looks be due at once that were put off because they were in vain."""
    for direction in directions:
        direction.pause = direction.wait = 1


class Search:
    """Makes the plans for one server, between two bounds; remembers what belongs to the server and not to a plan."""

    def __init__(self, low: int, high: int, clock: Callable[[], float]) -> None:
        self.low, self.high = low, high
        self._clock = clock
        self._gains = Gains()
        self._trouble: _Trouble | None = None
        self._is_settled = False
        self._before_loss: int | None = None

    def clamp(self, concurrency: float) -> int:
        """Return the nearest number that is allowed."""
        return min(max(round(concurrency), self.low), self.high)

    def beginning(self, concurrency: int, *, is_known: bool) -> Plan:
        """Find the knee from below; ``is_known`` if it was at ``concurrency`` the last time."""
        self._is_settled, self._before_loss = False, None
        above = 1.0 if is_known else ABOVE
        here = idle = yield from _glanced(concurrency)
        enough = USED
        while (more := self.clamp(2 * concurrency)) > concurrency:
            if here.used < enough * concurrency:
                here = yield from _glanced(concurrency)
                continue
            there = yield from _glanced(more)
            if there.used < USED * more and not pays(here, there):  # nobody wanted more yet: that says nothing
                here, enough = (yield from _measured(concurrency)), NEARLY_ALL
                continue
            enough = USED
            if not pays(here, there) or queues(idle, there, SEEMS):  # so it seems at a glance
                there = middle([there, (yield from _measured(more)), (yield from _measured(more))])
            found = [concurrency * room(here, there, above)] if not pays(here, there) else []
            if queues(idle, there):
                found.append(WORKING * there.speed * idle.slowness)
            if found:
                concurrency = min(self.clamp(min(found)), more)
                break
            concurrency, here, above = more, there, ABOVE
        yield from self.settled(concurrency)

    def after_loss(self, concurrency: int, *, is_common: bool) -> Plan:
        """Ask for half as much; then go back without a look, since it did pay, all the way if the loss was a chance."""
        before = self._before_loss or concurrency
        self._before_loss = self.clamp(before * LEFT) if is_common else before
        fewer = self.clamp(concurrency // 2)
        yield Step(fewer, RECOVERY)
        back, self._before_loss = max(fewer, self._before_loss), None
        if is_common or self._is_settled:
            yield from self.settled(back)
        else:
            yield from self.beginning(back, is_known=False)

    def settled(self, concurrency: int) -> Plan:
        """Stay, and look in turn in both directions."""
        self._is_settled = True
        usual: Round | None = None
        rounds = FIRST_ROUNDS
        directions = [_Direction(self._up), _Direction(self._down)]
        while True:
            here = yield from self._watched(concurrency, rounds, usual)
            rounds = ROUNDS
            if usual is not None and slowed(usual, here):
                self._note_trouble(concurrency, usual)
                directions = [_Direction(self._down), _Direction(self._up)]
            self._note_recovery(here)
            if usual is not None and others(usual, here):
                self._gains.forget()
                _again(directions)
            usual = here
            if here.used < USED * concurrency:
                continue
            directions.reverse()
            direction = directions[1]
            if not direction.is_due():
                continue
            found, usual = yield from direction.look(concurrency, here)
            if found == concurrency:
                direction.vain()
            else:
                concurrency = found
                _again(directions)

    def _watched(self, concurrency: int, rounds: int, usual: Round | None) -> _Measuring:
        """Measure for some rounds; two slow ones end it early, after a look that shows whether it was just chance."""
        taken: list[Round] = []
        while len(taken) < rounds:
            taken.append((yield from _measured(concurrency)))
            if usual is not None and all(slowed(usual, measured) for measured in taken[-2:]):
                return (yield from _looked(concurrency))
        return middle(taken)

    def _up(self, concurrency: int, here: Round) -> _Looking:
        """Return how many more pay, and how the server fares there; what was given if none do."""
        while (more := min(self.clamp(concurrency + max(1, concurrency // 4)), self._ceiling)) > concurrency:
            there = yield from _looked(more, least=NO_FASTER * here.speed)
            if self._gains.seen(concurrency, more, here, there) < UP:
                break
            concurrency, here = more, there
        return concurrency, here

    def _down(self, concurrency: int, here: Round) -> _Looking:
        """Return how few do as well, and how the server fares there; what was given if none do."""
        while (fewer := self.clamp(concurrency - max(1, concurrency // 5))) < concurrency:
            there = yield from _looked(fewer, least=here.speed * (fewer / concurrency) ** HOPELESS)
            if self._gains.seen(concurrency, fewer, here, there) > DOWN:
                break
            concurrency, here = fewer, there
        return concurrency, here

    @property
    def _ceiling(self) -> int:
        return self.high if self._trouble is None else self._trouble.concurrency

    def _note_trouble(self, concurrency: int, before: Round) -> None:
        self._gains.forget()
        if self._trouble is None:
            self._trouble = _Trouble(concurrency, before, self._clock())

    def _note_recovery(self, here: Round) -> None:
        trouble = self._trouble
        if trouble is None:
            return
        fair = trouble.before.speed * min(1.0, here.used / trouble.before.used)
        if here.speed >= RECOVERED * fair or self._clock() - trouble.since > REMEMBERED:
            self._trouble = None


def _glanced(concurrency: int) -> _Measuring:
    return (yield Step(concurrency, max(BRIEF, concurrency)))


def _measured(concurrency: int) -> _Measuring:
    return (yield Step(concurrency, max(FEWEST, concurrency)))


def _looked(concurrency: int, least: float = 0.0) -> _Measuring:
    """Measure for some rounds; it is over after two if the speed is not even ``least``."""
    taken = [(yield from _measured(concurrency))]
    for _ in range(max(3, LOOK // max(FEWEST, concurrency)) - 1):
        taken.append((yield from _measured(concurrency)))
        if middle(taken).speed < least:
            break
    return middle(taken)
