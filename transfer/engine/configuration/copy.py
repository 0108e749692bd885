"""Carry out the steps of a plan, a few at once, and look afterwards whether everything stands as it was written."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream

from transfer.capabilities import Capabilities
from transfer.client.objects import OBJECT_KINDS, ObjectKind, ObjectsApi
from transfer.engine.configuration.act import Acting
from transfer.engine.configuration.compare import Mark, differing
from transfer.engine.configuration.plan import DOING, Action, Both, Step
from transfer.engine.configuration.rules import fitted, refusal
from transfer.engine.pace import Pace
from transfer.engine.stop import Stop
from transfer.kinds import Row

AT_ONCE: Final = 4
"""Objects that are written at once; the limits of the target hold besides."""


_GONE: Final = "the source does not have it any more"


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a step; ``reason`` says why the object does not stand as it should, empty if it does."""

    step: Step
    reason: str = ""


@dataclass(slots=True)
class Copying:
    """One run of a plan; ``told`` hears of every step that is done."""

    both: Both
    target: ObjectsApi
    acting: Acting
    stop: Stop = field(default_factory=Stop)
    pace: Pace = field(default_factory=Pace)
    told: Callable[[Done], None] = lambda _done: None
    done: list[Done] = field(default_factory=list)

    async def carry_out(self, steps: Sequence[Step]) -> list[Done]:
        """Do what the steps say, until somebody asks to stop, and return what became of those that were begun.

        Raises ``SideError`` when it is of no use to go on, ``StateError`` when nothing can be noted.
        """
        with self.stop.everything:
            async with anyio.create_task_group() as group:
                giving, taking = anyio.create_memory_object_stream[Step]()
                for _ in range(AT_ONCE):
                    group.start_soon(self._work, taking.clone())
                taking.close()
                with giving, self.stop.reading:
                    for step in steps:
                        if step.action in DOING:
                            await self.pace.open()
                            await giving.send(step)
            await self._look_again()
        return self.done

    async def _work(self, steps: MemoryObjectReceiveStream[Step]) -> None:
        with steps:
            async for step in steps:
                done = Done(step, await self._do(step) or "")
                self.done.append(done)
                self.told(done)

    async def _do(self, step: Step) -> str | None:
        new, old = self._row(step.kind, step.name), self.both.there[step.kind.name].get(step.name)
        if step.action is Action.COMPLETE:
            return await self._complete(step, new, old)
        if new is None:
            return _GONE
        if step.action is Action.CREATE or old is None:
            return await self.acting.create(step.kind, new)
        return await self.acting.replace(step.kind, old, new)

    async def _complete(self, step: Step, new: Row | None, old: Row | None) -> str | None:
        """Bring a replacement to its end: where an object stands there already, its removal may not have begun."""
        if old is None:
            return _GONE if new is None else await self.acting.complete(step.kind, new)
        refused = _GONE if new is None else refusal(step.kind, new, self.both.target)
        if new is None or refused or step.compared.mark is Mark.SAME:
            self.acting.settled(step.kind, step.name)
            return refused
        return await self.acting.replace(step.kind, old, new)

    def _row(self, kind: ObjectKind, name: str) -> Row | None:
        row = self.both.row(kind, name)
        return None if row is None else fitted(kind, row, self.both.target)

    async def _look_again(self) -> None:
        """Read what was written; what is gone was taken by a removal that came late, and is made again."""
        by_kind: dict[str, list[int]] = defaultdict(list)
        for number, done in enumerate(self.done):
            if not done.reason:
                by_kind[done.step.kind.name].append(number)
        for kind in OBJECT_KINDS:
            numbers = by_kind[kind.name]
            there = await self.target.read(kind) if numbers else {}
            for number in numbers:
                step = self.done[number].step
                new, stands = self._row(kind, step.name), there.get(step.name)
                reason = await self._mended(kind, new, stands) if new is not None else None
                self.done[number] = Done(step, reason or "")

    async def _mended(self, kind: ObjectKind, new: Row, stands: Row | None) -> str | None:
        if stands is None:
            return await self.acting.create(kind, new)
        fields = differing(kind, new, stands)
        return f"stands there otherwise than it was written: {', '.join(fields)}" if fields else None


async def read_both(source: ObjectsApi, target: ObjectsApi, can: Capabilities, kinds: Sequence[ObjectKind]) -> Both:
    """Read the objects of some kinds on both sides, the other kinds are empty; ``can`` is what the target can."""
    both = Both(can)
    for kind in OBJECT_KINDS:
        both.here[kind.name] = await source.read(kind) if kind in kinds else {}
        both.there[kind.name] = await target.read(kind) if kind in kinds else {}
    return both
