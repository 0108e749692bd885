"""Workers count, one ticker speaks: what has been done so far in this run of the program.

The engine only adds numbers here; whoever shows progress takes a ``Snapshot`` now and then.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Protocol

from transfer.model import Counts, Outcome, Settlement, SideName


class AtOnce(Protocol):
    """How many requests may be under way at once to one side."""

    @property
    def concurrency(self) -> int:
        """Return how many just now."""
        ...

    @property
    def highest(self) -> int:
        """Return how many there may ever be with the present limits."""
        ...


@dataclass(slots=True)
class DagProgress:
    """One DAG: runs known to exist, runs looked at so far, rows sent, and whether it is read to the end."""

    run_count: int
    runs_seen: int = 0
    runs_before: int = 0
    """Of these, runs that an earlier run of the program had seen."""
    rows_sent: int = 0
    finished: bool = False


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a ticker shows. ``seconds`` since the start, ``waiting`` by side: what for, and until when (monotonic)."""

    seconds: float
    dags: dict[str, DagProgress]
    rows: dict[str, Counts]
    retries: int
    drifts: int
    waiting: dict[str, tuple[str, float]]
    differences: int | None = None
    """Rows that are not the same on both sides; None where rows are sent, not compared."""
    concurrency: dict[SideName, int] = field(default_factory=dict)
    """Requests that may be under way at once just now, by side."""
    highest: dict[SideName, int] = field(default_factory=dict)
    """The most that ever may."""
    paused: str | None = None
    """Until when, or how long, nothing new is begun, and why; None while work goes on."""
    paused_seconds: float = 0.0
    """How much of ``seconds`` it was paused."""
    verb: str = ""
    """What is done to rows, where they are neither sent nor compared."""

    @property
    def rows_sent(self) -> int:
        """Return rows of all kinds that the target has acknowledged, or that were compared."""
        return sum(dag.rows_sent for dag in self.dags.values())

    @property
    def worked(self) -> float:
        """Return the seconds since the start in which it was not paused."""
        return self.seconds - self.paused_seconds

    @property
    def rate(self) -> float:
        """Return acknowledged rows per second since the start, pauses left out."""
        return self.rows_sent / self.worked if self.worked > 0 else 0.0

    @property
    def done_share(self) -> float:
        """Return the share of runs that were looked at, 0 to 1; DAGs that are read to the end count as a whole."""
        total = sum(max(dag.run_count, dag.runs_seen) for dag in self.dags.values())
        seen = sum(max(dag.run_count, dag.runs_seen) if dag.finished else dag.runs_seen for dag in self.dags.values())
        return seen / total if total else 0.0

    @property
    def eta(self) -> float | None:
        """Return the seconds that are left at the rate so far, None while nothing can be said, as in a pause."""
        if self.paused is not None:
            return None
        seen = sum(dag.runs_seen - dag.runs_before for dag in self.dags.values())
        left = sum(max(dag.run_count - dag.runs_seen, 0) for dag in self.dags.values() if not dag.finished)
        return self.worked * left / seen if seen > 0 else None


@dataclass(slots=True)
class Progress:
    """The counters of one run of the program; only ever changed from the event loop's thread."""

    clock: Callable[[], float] = monotonic
    dags: dict[str, DagProgress] = field(default_factory=dict)
    rows: dict[str, Counts] = field(default_factory=dict)
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    retries: int = 0
    drifts: int = 0
    waiting: dict[str, tuple[str, float]] = field(default_factory=dict)
    started: float = 0.0
    differences: int | None = None
    forgotten: list[tuple[str, str]] = field(default_factory=list)
    """DAG and run of those that were to be repaired, and that the source has no more: nothing was done to them."""
    limits: Mapping[SideName, AtOnce] = field(default_factory=dict)
    """What is asked how many requests may be under way at once, by side."""
    paused: str | None = None
    """As in ``Snapshot``."""
    paused_before: float = 0.0
    """Seconds of all pauses that are over."""
    paused_since: float | None = None
    """When the present pause began; None while work goes on."""
    bytes_sent: int = 0
    """Bytes of task logs that have arrived."""
    verb: str = ""
    """As in ``Snapshot``."""

    def __post_init__(self) -> None:
        self.started = self.clock()

    def plan(self, dag_id: str, run_count: int) -> None:
        """Announce a DAG and how many runs it has."""
        self.dags[dag_id] = DagProgress(run_count)

    def sent(self, dag_id: str, rows: int) -> None:
        """Count rows that the target has acknowledged."""
        self.dags[dag_id].rows_sent += rows

    def compared(self, dag_id: str, runs: int, rows: int, differences: int = 0) -> None:
        """Count a window that was compared: its runs at the source, rows of all kinds, and the differences found."""
        self.dags[dag_id].runs_seen += runs
        self.dags[dag_id].rows_sent += rows
        self.differences = (self.differences or 0) + differences

    def settled(self, settlement: Settlement) -> None:
        """Count a window that is done."""
        dag = self.dags[settlement.window.dag_id]
        dag.runs_seen += len(settlement.runs)
        self.outcomes.update(run.outcome for run in settlement.runs)
        for kind, counts in settlement.counts.items():
            self.rows[kind] = self.rows.get(kind, Counts()) + counts

    def again(self, dag_id: str) -> None:
        """Begin a DAG from its front again."""
        self.dags[dag_id].runs_seen = self.dags[dag_id].runs_before = 0

    def skipped(self, dag_id: str, runs: int) -> None:
        """Count runs that an earlier run of the program had read in this pass."""
        self.dags[dag_id].runs_seen += runs
        self.dags[dag_id].runs_before += runs

    def finished(self, dag_id: str) -> None:
        """Note that a DAG is read to its end."""
        self.dags[dag_id].finished = True

    def forgot(self, dag_id: str, run_ids: list[str]) -> None:
        """Note runs that were to be repaired and that are gone at the source."""
        self.forgotten += [(dag_id, run_id) for run_id in run_ids]

    def wait(self, side: str, seconds: float, reason: str) -> None:
        """Note that requests to ``side`` wait ``seconds`` from now."""
        self.waiting[side] = (reason, self.clock() + seconds)

    def pause(self, reason: str | None) -> None:
        """Note that it is paused for ``reason``, maybe another one than before, or with None that work goes on."""
        if reason is None:
            self.paused_before, self.paused_since = self._paused(self.clock()), None
        elif self.paused_since is None:
            self.paused_since = self.clock()
        self.paused = reason

    def snapshot(self) -> Snapshot:
        """Return the state of now; waits that are over are left out."""
        now = self.clock()
        waiting = {side: (why, until) for side, (why, until) in self.waiting.items() if until > now}
        return Snapshot(
            now - self.started,
            self.dags,
            self.rows,
            self.retries,
            self.drifts,
            waiting,
            self.differences,
            {side: limit.concurrency for side, limit in self.limits.items()},
            {side: limit.highest for side, limit in self.limits.items()},
            self.paused,
            self._paused(now),
            self.verb,
        )

    def _paused(self, now: float) -> float:
        return self.paused_before + (0.0 if self.paused_since is None else now - self.paused_since)
