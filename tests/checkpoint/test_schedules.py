"""A model of passes and windows against the store, over random schedules with crashes."""

import asyncio
import shutil
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias

from hypothesis import given, settings
from hypothesis import strategies as st

from transfer.checkpoint import Checkpoint, PlannedDag, ResumePoint
from transfer.model import UNSETTLED, Counts, Outcome, SettledRun, Settlement, Window

from .samples import DAG, JOB, runs, window

SETTLED = [outcome for outcome in Outcome if outcome not in {Outcome.IN_FLIGHT, Outcome.FILLING}]
COLUMN = {
    Outcome.MOVED: "moved",
    Outcome.PARTIAL: "moved",
    Outcome.ALREADY: "already",
    Outcome.UNFINISHED: "unfinished",
    Outcome.REJECTED: "rejected",
    Outcome.CHANGED: "rejected",
    Outcome.TO_REPLACE: "rejected",
    Outcome.REPLACING: "unfinished",
    Outcome.MENDING: "unfinished",
    Outcome.MENDING_FOUND: "unfinished",
}
MARKED = {Outcome.TO_REPLACE, Outcome.MENDING, Outcome.MENDING_FOUND}
"""Of a run that was settled as one of these nothing was sent or removed since."""

Step: TypeAlias = tuple[str, int, Outcome]
STEPS = st.tuples(
    st.sampled_from(["cut", "cut", "cut", "settle", "settle", "settle", "crash", "close", "restart", "finish"]),
    st.integers(0, 5),
    st.sampled_from(SETTLED),
)


@dataclass
class Model:
    """What the store must say, kept in the simplest way."""

    pass_number: int = 1
    number: int = 0
    offset: int = 0
    done: dict[int, Window] = field(default_factory=dict)
    flying: list[Window] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    runs: dict[str, SettledRun] = field(default_factory=dict)
    children: int = 0

    def go_on(self, point: ResumePoint) -> None:
        """Check where reading goes on, and go on there."""
        contiguous = 0
        while contiguous in self.done:
            contiguous += 1
        self.done = {number: self.done[number] for number in range(contiguous)}
        last = self.done.get(contiguous - 1)
        assert (point.pass_number, point.next_number) == (self.pass_number, contiguous)
        assert point.offset == (last.offset + last.size if last else 0)
        assert (point.end, point.fresh) == (last.end if last else None, last is None)
        assert {run.run_id for run in runs(0, point.offset)} <= self.seen
        self.number, self.offset, self.flying = point.next_number, point.offset, []

    def give_up_gone(self) -> None:
        """Count claimed runs that the pass did not meet as changed; forget those that were only marked."""
        for name, run in list(self.runs.items()):
            if run.outcome in MARKED and name not in self.seen:
                del self.runs[name]
            elif run.outcome in UNSETTLED and name not in self.seen:
                self.runs[name] = replace(run, outcome=Outcome.CHANGED)

    def next_pass(self) -> None:
        """Forget what belongs to one pass."""
        self.pass_number += 1
        self.done, self.seen = {}, set()

    def remember(self, known: list[SettledRun]) -> None:
        """Remember runs, the last word counts."""
        self.runs |= {run.run_id: run for run in known}

    def counts(self) -> Counts:
        """Return the DAG runs by what became of them."""
        total = Counts()
        for run in self.runs.values():
            total += Counts(**{COLUMN[run.outcome]: 1}) if run.outcome in COLUMN else Counts()
        return total


class Player:
    """Does each step with the store and with the model."""

    def __init__(self, directory: Path, stack: AsyncExitStack) -> None:
        self._directory = directory
        self._stack = stack
        self._model = Model()
        self._lives = 0
        self._checkpoint: Checkpoint

    async def open(self, *, crash: bool) -> None:
        """Begin a new life, from the files of the last one as they are or as closing leaves them."""
        before, now = self._directory / str(self._lives), self._directory / str(self._lives + 1)
        self._lives += 1
        if not crash:
            await self._stack.aclose()
        if before.exists():
            shutil.copytree(before, now)
        await self._stack.aclose()
        self._checkpoint = await self._stack.enter_async_context(Checkpoint.open(now, JOB))
        await self._checkpoint.store_plan([PlannedDag(DAG, 10, listed=True, on_target=True)])
        self._model.go_on(await self._checkpoint.resume_point(DAG))

    async def play(self, step: Step) -> None:
        """Do one step, if it makes sense now."""
        what, number, outcome = step
        if what == "cut":
            await self._cut(number + 1)
        elif what == "settle" and self._model.flying:
            await self._settle(self._model.flying.pop(number % len(self._model.flying)), outcome)
        elif what in {"crash", "close"}:
            await self.open(crash=what == "crash")
        elif what == "restart":
            self._model.next_pass()
            self._model.go_on(await self._checkpoint.restart_pass(DAG))
        elif what == "finish" and not self._model.flying:
            await self._checkpoint.finish_pass(DAG, self._model.pass_number)
            self._model.give_up_gone()
            self._model.next_pass()
            self._model.go_on(await self._checkpoint.resume_point(DAG))

    async def _cut(self, size: int) -> None:
        model = self._model
        one = window(model.number, size, pass_number=model.pass_number, offset=model.offset)
        claimed = runs(one.offset, size, Outcome.IN_FLIGHT)
        await self._checkpoint.cut(one, claimed)
        model.remember(claimed)
        model.flying.append(one)
        model.seen -= {run.run_id for run in claimed}
        model.number, model.offset = model.number + 1, model.offset + size

    async def _settle(self, one: Window, outcome: Outcome) -> None:
        settled = runs(one.offset, one.size, outcome)
        await self._checkpoint.settle(Settlement(one, settled, {"task_instances": Counts(moved=one.size)}))
        self._model.remember(settled)
        self._model.seen |= {run.run_id for run in settled}
        self._model.done[one.number] = one
        self._model.children += one.size

    async def check(self) -> None:
        """Compare all that can be asked."""
        model = self._model
        totals = await self._checkpoint.totals()
        rows = totals.rows.get(DAG, {})
        assert rows.get("dag_runs", Counts()) == model.counts()
        assert rows.get("task_instances", Counts()) == Counts(moved=model.children)
        assert await self._checkpoint.recall(DAG, list(model.runs)) == model.runs
        assert await self._checkpoint.seen_in_pass(DAG, model.pass_number) == len(model.seen)


async def _play(schedule: list[Step], directory: Path) -> None:
    async with AsyncExitStack() as stack:
        player = Player(directory, stack)
        await player.open(crash=False)
        for step in schedule:
            await player.play(step)
            await player.check()


@settings(max_examples=60, deadline=None)
@given(schedule=st.lists(STEPS, max_size=25))
def test_store_agrees_with_the_model(schedule: list[Step]) -> None:
    """After any schedule of windows, crashes and passes nothing unsettled is skipped, and all totals agree."""
    with TemporaryDirectory() as directory:
        asyncio.run(_play(schedule, Path(directory)))
