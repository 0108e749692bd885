"""One seed: a world is born, the program ends badly in it a few times, then lives in peace, and all must be well."""

import shutil
import traceback
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from sqlite3 import Connection
from tempfile import mkdtemp
from typing import Any

from transfer.checkpoint import CheckpointReader, Totals
from transfer.checkpoint.encoding import OUTCOMES, digest, unsigned
from transfer.engine.memory import REPLACED
from transfer.errors import ExitCode
from transfer.kinds import Row
from transfer.model import Outcome, RejectedRow

from . import invariants
from .clock import Clock
from .draw import Draw, Ending, draw
from .history import born
from .holding import Target
from .invariants import Violation
from .life import KILLED, Process
from .living import Life
from .loop import EndlessError
from .machine import Machine
from .network import Network
from .server import Deployment
from .setting import mark_changed, settings_of
from .source_changes import SOURCE_CHANGES
from .target_changes import TARGET_CHANGES
from .truth import RunKey

MEMORY = Path("/dev/shm")  # noqa: S108 - no file of a fixed name is made there
"""Where state directories live: a disk would only cost time."""

MOST_CHANGES = 80
"""Changes of either side while one process lives: a source that grows faster than it is read is never read."""

PEACE = Ending("none", 0)
GOOD_ENDS = {ExitCode.DONE, ExitCode.INCOMPLETE}
ENDS = GOOD_ENDS | {ExitCode.FAILED, ExitCode.STOPPED, KILLED}


@dataclass(slots=True)
class Result:
    """What became of one seed; ``violation`` says what was broken, None if nothing was."""

    seed: int
    violation: str | None = None
    promise: str = ""
    trace: list[str] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    happened: Counter[str] = field(default_factory=Counter)
    requests: int = 0
    steps: int = 0
    processes: int = 0


def simulate(seed: int, *, trace: bool = False) -> Result:
    """Play one seed to its end; the same seed always plays the same."""
    result = Result(seed)
    directory = Path(mkdtemp(prefix="simulation-", dir=MEMORY if MEMORY.is_dir() else None))
    world = World(draw(seed), directory / "state", result, tracing=trace)
    try:
        world.play()
    except (Violation, EndlessError) as broken:
        result.violation = str(broken)
        result.promise = getattr(broken, "promise", "the job ends")
    except Exception as error:  # noqa: BLE001 - whatever the program raises, the seed is what counts
        result.violation = f"unexpected {type(error).__name__}: {error}"
        result.promise = "no unexpected exception"
        result.trace += traceback.format_exception(error)
    finally:
        shutil.rmtree(directory)
        result.faults = world.network.injected
        result.requests = world.network.requests
    return result


class World:
    """Everything there is in one seed."""

    def __init__(self, plan: Draw, directory: Path, result: Result, *, tracing: bool) -> None:
        self.draw = plan
        self.result = result
        self._tracing = tracing
        self._directory = directory
        self.clock = Clock()
        source, target, self.truth = born(plan)
        self.target = Target(target)
        self.life = Life(self.truth, target, self.clock, self._random("life"), [dag.dag_id for dag in plan.dags])
        tables = {"source": source, "target": target}
        self.deployments = {
            side: Deployment(side, table, auth=auth, exact=plan.exact, clock=self.clock, seed=plan.seed)
            for (side, table), auth in zip(tables.items(), plan.auth, strict=True)
        }
        self.deployments["target"].ceiling = plan.ceiling
        self.network = Network(plan, self.clock, self.deployments, self._before, self.note, self._random("network"))
        self.settings = settings_of(plan, directory)
        self.known: dict[RunKey, tuple[int, Outcome]] = {}
        self._held_before: set[RunKey] = set()
        self._names: dict[int, str] = {}
        self._changing = True
        self._changes_left = MOST_CHANGES
        self._restless: set[RunKey] = set()
        self._exact = plan.is_calm
        """Whether every row can be accounted for: one that was refused once and sent by a process that died cannot."""
        self._changes: dict[int, int] = {}

    def _random(self, what: str) -> Random:
        return Random(f"{self.draw.seed}/{what}")  # noqa: S311 - a reproducible world

    def note(self, said: str) -> None:
        """Write down what happens, if anybody wants to know."""
        if self._tracing:
            self.result.trace.append(f"{self.clock.now:12.6f} {said.replace(str(self._directory), 'STATE')}")

    def play(self) -> None:
        """Play the seed. Raises ``Violation``."""
        for number, ending in enumerate(self.draw.lives):
            self._live(number, ending)
            self._between()
        self._calm_down()
        self._peace(len(self.draw.lives), PEACE)
        if self.draw.replaces:
            self._peace(len(self.draw.lives) + 1, replace(PEACE, replaces=True))
        if self.draw.seed % 4 == 0:
            self._nothing_left_to_do()

    def _live(self, number: int, ending: Ending) -> int:
        if self.draw.skews and number < len(self.draw.lives):
            self.clock.skew = self.draw.skews[number % len(self.draw.skews)]
        self.note(f"== process {number}: {ending}")
        self._changes_left = MOST_CHANGES
        self._restless.clear()
        machine = Machine(self._directory, self._random(f"machine {number}"), self._after_commit)
        process = Process(
            self.settings, self.clock, self.network, machine, self._random(f"process {number}"), ending, self.note
        )
        process.prepare = mark_changed if ending.replaces else None
        code = process.run()
        self.result.processes += 1
        self.result.steps += process.steps
        self.result.happened[f"exit {code}"] += 1
        self._judge_end(code, process.words)
        if code in GOOD_ENDS and not self._has_nothing_to_move():
            self._done_is_done()
        return code

    def _judge_end(self, code: int, words: list[str]) -> None:
        if code not in ENDS:
            raise Violation("exit_code", f"{code}: {words[-1:]}")
        invariants.words_are_silent(words)
        self.truth.forget_removed(self.target.table)
        invariants.nothing_is_mixed(self.target, self.truth)
        if self._directory.exists():
            invariants.state_is_silent(self._directory)

    def _between(self) -> None:
        """Let time pass without a process."""
        self.clock.run(self.life.random.random() * 20)
        self._maybe_change()
        if self.life.random.random() < 0.1:
            self.deployments["source"].forget_sessions()

    def _before(self, _deployment: Deployment) -> None:
        """Let the world change before a request is carried out."""
        self._maybe_change()

    def _maybe_change(self) -> None:
        if not self._changing or self._changes_left <= 0:
            return
        plan, random = self.draw, self.life.random
        dag_id = random.choice(self.life.dag_ids)
        if plan.source_rate and random.random() < plan.source_rate:
            self._change_source(random.choice(plan.source_changes), dag_id)
        if plan.target_rate and random.random() < plan.target_rate:
            name = random.choice(plan.target_changes)
            self._note_change("target", name, TARGET_CHANGES[name](self.life, dag_id))

    def _change_source(self, name: str, dag_id: str) -> None:
        run = SOURCE_CHANGES[name](self.life, dag_id)
        self._note_change("source", name, run)
        if run is not None:
            self.truth.note(dag_id, run["run_id"])

    def _note_change(self, side: str, name: str, run: Row | None) -> None:
        if run is not None:
            self._changes_left -= 1
            self._restless.add((run["dag_id"], run["run_id"]))
            self.result.happened[f"{side}: {name}"] += 1
            self.note(f"   {side}: {name} {run['dag_id']} {run['run_id']}")

    def _calm_down(self) -> None:
        """End all trouble; what is still on its way arrives."""
        self.network.hurting = False
        self.clock.run_dry()
        self._changing = False
        self.clock.skew = 0
        self.life.rest()
        self.note("== peace")

    def _peace(self, number: int, ending: Ending) -> None:
        """Live once without any trouble, and check every promise."""
        code = self._live(number, ending)
        if self._has_nothing_to_move():
            return
        if code not in GOOD_ENDS:
            raise Violation("peace", f"a run of the program without any trouble ends with {code}")
        totals, rejected = self._read()
        dag_ids = self._selected_dags()
        selection = self.settings.selection
        invariants.everything_arrived(self.target, self.truth, selection, self.known, dag_ids)
        invariants.trouble_is_named(self.known, rejected, dag_ids)
        if ending.replaces:
            invariants.nothing_is_old(self.target, self.truth, selection, self.known, dag_ids)
        invariants.nothing_else_arrived(self.target, self.truth, selection)
        invariants.not_more_than_newest(self.target, self.truth, selection, self.draw)
        invariants.counts_are_true(self.target, self.truth, totals, self.known, exact=self._exact)
        self._every_claim()
        if (code == ExitCode.INCOMPLETE) != bool(rejected):
            raise Violation("peace", f"exit code {code} with {len(rejected)} rejected rows")

    def _done_is_done(self) -> None:
        """Check what a good end says, also one in the middle of trouble: what rested meanwhile is settled."""
        if not self.clock.skew:
            invariants.done_is_done(
                self.truth, self.settings.selection, self.known, self._restless, self._selected_dags()
            )

    def _nothing_left_to_do(self) -> None:
        """Promise: a run of the program that has nothing to do changes nothing."""
        before = self.deployments["target"].table.snapshot()
        code = self._live(len(self.draw.lives) + 2, PEACE)
        if self.deployments["target"].table.snapshot() != before:
            raise Violation("nothing_left_to_do", "the target changed")
        if code not in GOOD_ENDS and not self._has_nothing_to_move():
            raise Violation("nothing_left_to_do", f"it ends with {code}")

    def _has_nothing_to_move(self) -> bool:
        return not self._selected_dags()

    def _selected_dags(self) -> list[str]:
        return [dag.dag_id for dag in self.draw.dags if self._is_selected(dag.dag_id)]

    def _is_selected(self, dag_id: str) -> bool:
        dags = self.settings.selection.dags
        return dags == ("*",) or dag_id in dags

    def _read(self) -> tuple[Totals, list[RejectedRow]]:
        with CheckpointReader.open(self._directory) as reader:
            return reader.totals(), reader.rejected(10_000)

    def _after_commit(self, connection: Connection) -> None:
        """Check what the checkpoint has just been told."""
        if connection.total_changes == self._changes.get(id(connection)):
            return
        self._changes = {id(connection): connection.total_changes}
        before, self.known = self.known, dict(self._remembered(connection))
        for key, remembered in self.known.items():
            if before.get(key) != remembered:
                if remembered[1] in REPLACED:
                    self.truth.replaced.add(key)
                self._exact &= remembered[1] not in {Outcome.PARTIAL, Outcome.REJECTED}
                self.note(f"   remembered: {key[0]} {key[1]} {remembered[1]!s}")
                self._check(key, remembered)

    def _every_claim(self) -> None:
        for key, remembered in self.known.items():
            self._check(key, remembered)

    def _check(self, key: RunKey, remembered: tuple[int, Outcome]) -> None:
        invariants.claims_are_true(self.target, self.truth, key, remembered, had_before=key in self.truth.shared)

    def _remembered(self, connection: Connection) -> list[tuple[RunKey, tuple[int, Outcome]]]:
        rows: Any = connection.execute(
            "SELECT dag_id, digest, fingerprint, outcome FROM run JOIN dag ON dag.id = run.dag"
        )
        return [
            ((dag_id, self._name(dag_id, name)), (unsigned(mark), OUTCOMES[code])) for dag_id, name, mark, code in rows
        ]

    def _name(self, dag_id: str, name: int) -> str:
        """Return the run id of a digest."""
        if name not in self._names:
            for dag in self.truth.source.dag_ids():
                self._names |= {digest(run["run_id"]): run["run_id"] for run in self.truth.source.runs(dag)}
            self._names |= {digest(run_id): run_id for _, run_id in self.truth.versions}
        return self._names.get(name, f"a run of {dag_id} that is gone")
