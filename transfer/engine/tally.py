"""Keep account of one window while it is written: what was sent, found or refused, and what its runs became."""

from collections import Counter
from collections.abc import Iterable

from transfer.engine.deliver import Delivery
from transfer.engine.window import LoadedWindow
from transfer.kinds import DAG_RUNS, KINDS, TASK_INSTANCE_HISTORY, TASK_INSTANCES, Key, Kind, Row
from transfer.model import Counts, Outcome, RejectedRow, SettledRun, Settlement

CHANGED_REASON = "changed at the source after it was moved (cleared or run again); the target keeps the earlier version"


_OURS = frozenset({Outcome.IN_FLIGHT, Outcome.PARTIAL})
"""Memories of a run that is on the target because this job put it there."""

_COUNTED = frozenset({Outcome.REJECTED, Outcome.PARTIAL})
"""Memories of a run whose rows were counted when it was settled before."""


class Tally:
    """The account of one window.

    A row that is found on the target counts as moved if this job had claimed its run in a window that was never
    finished: then it was sent by a process that died, or its answer was lost.
    """

    def __init__(self, loaded: LoadedWindow) -> None:
        self._loaded = loaded
        self._moved: Counter[str] = Counter()
        self._already: Counter[str] = Counter()
        self._rejected: Counter[str] = Counter()
        self._reasons: list[RejectedRow] = []
        self._orphans: Counter[tuple[str, str]] = Counter()
        self._refused_runs: set[str] = set()
        self._refused_tasks: set[Key] = set()
        self._tainted_runs: set[str] = set()
        self.found_runs: set[str] = set()
        self._to_move = {row["run_id"] for row in loaded.rows}

    def note(self, kind: Kind, delivery: Delivery) -> None:
        """Count what a delivery says."""
        self._moved[kind.name] += len(delivery.sent)
        self._find(kind, delivery.found)
        for key, reason in delivery.refused.items():
            self._refuse(kind, key, reason)
        if kind is DAG_RUNS:
            self.found_runs = {key[0] for key in delivery.found}

    def sift(self, kind: Kind, rows: list[Row], present: set[Key]) -> list[Row]:
        """Return the rows that the target lacks and can take; the others are counted."""
        lacking = []
        found = []
        for row in rows:
            run_id = row["run_id"]
            if run_id not in self._to_move:
                continue
            key = kind.key_of(row)
            if run_id in self._refused_runs:
                self._orphans[run_id, kind.name] += 1
            elif kind is TASK_INSTANCE_HISTORY and key[:3] in self._refused_tasks:
                self._refuse(kind, key, "its task instance was rejected")
            elif key in present:
                found.append(key)
            else:
                lacking.append(row)
        self._find(kind, found)
        return lacking

    def settlement(self) -> Settlement:
        """Return what the checkpoint has to know."""
        for (run_id, kind), count in self._orphans.items():
            self._rejected[kind] += count
            self._reject(kind, run_id, "", "its DAG run was rejected", count)
        choice = self._loaded.choice
        for changed in choice.changed:
            self._rejected[DAG_RUNS.name] += 1
            self._reject(DAG_RUNS.name, changed.run_id, "", CHANGED_REASON)
        runs = [
            SettledRun(row["run_id"], choice.fingerprints[row["run_id"]], self._outcome(row["run_id"]))
            for row in choice.to_move
        ]
        return Settlement(self._loaded.window, runs + choice.settled + choice.changed, self._counts(), self._reasons)

    def _counts(self) -> dict[str, Counts]:
        unfinished = sum(run.outcome is Outcome.UNFINISHED for run in self._loaded.choice.settled)
        return {
            kind.name: Counts(
                moved=self._moved[kind.name],
                already=self._already[kind.name],
                unfinished=unfinished if kind is DAG_RUNS else 0,
                rejected=self._rejected[kind.name],
            )
            for kind in KINDS
        }

    def _outcome(self, run_id: str) -> Outcome:
        ours = run_id not in self.found_runs or self._loaded.before.get(run_id) in _OURS
        if run_id in self._refused_runs:
            return Outcome.REJECTED
        if run_id in self._tainted_runs:
            return Outcome.PARTIAL if ours else Outcome.REJECTED
        return Outcome.MOVED if ours else Outcome.ALREADY

    def _find(self, kind: Kind, keys: Iterable[Key]) -> None:
        for key in keys:
            before = self._loaded.before.get(key[0])
            if before is Outcome.IN_FLIGHT:
                self._moved[kind.name] += 1
            elif before not in _COUNTED:
                self._already[kind.name] += 1

    def _refuse(self, kind: Kind, key: Key, reason: str) -> None:
        self._rejected[kind.name] += 1
        self._tainted_runs.add(key[0])
        if kind is DAG_RUNS:
            self._refused_runs.add(key[0])
        elif kind is TASK_INSTANCES:
            self._refused_tasks.add(key)
        below = zip(kind.key[1:], key[1:], strict=True)
        self._reject(kind.name, key[0], ", ".join(f"{column}={value}" for column, value in below), reason)

    def _reject(self, kind: str, run_id: str, key: str, reason: str, rows: int = 1) -> None:
        self._reasons.append(RejectedRow(kind, self._loaded.window.dag_id, run_id, key, reason, rows))
