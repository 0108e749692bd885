"""Keep account of one window while it is written: what was sent, found or refused, and what its runs became."""

from collections import Counter
from collections.abc import Container, Iterable, Mapping
from operator import itemgetter

from transfer.engine.deliver import Delivery
from transfer.engine.memory import judged, memory
from transfer.engine.window import LoadedWindow
from transfer.kinds import DAG_RUNS, KINDS, TASK_INSTANCE_HISTORY, Key, Kind, Row
from transfer.model import Counts, Loss, Outcome, RejectedRow, SettledRun, Settlement

CHANGED_REASON = (
    "changed at the source after it was moved (cleared or run again); the target keeps the earlier version:"
    " `transfer run --replace-changed` replaces it"
)
WAITING_REASON = (
    "the target still has another version of it: whatever was to replace it did not come to it; run that again"
)


class Tally:
    """The account of one window; every row of it is counted once.

    ``kept`` are runs whose earlier version had to stay on the target, with the reason: nothing of them is sent.
    ``tried`` are the reasons of all runs of the DAG for which that was found out.
    """

    def __init__(
        self, loaded: LoadedWindow, kept: Mapping[str, str] | None = None, tried: Mapping[str, str] | None = None
    ) -> None:
        self._loaded = loaded
        self._to_move = set(loaded.ids_to_move)
        self._again = {run_id for run_id in loaded.before.keys() & self._to_move if memory(loaded.before[run_id]).again}
        self._kept = kept or {}
        self._tried = tried or {}
        self.removed = set(loaded.replaced) - self._kept.keys()
        """Runs whose earlier version was removed from the target."""
        self._counts: Counter[tuple[Outcome, str]] = Counter()
        self._repaired: Counter[str] = Counter()
        self._rejected: list[RejectedRow] = []
        self._orphans: Counter[tuple[str, str]] = Counter()
        """Children of refused runs by run and kind: too many to list one by one."""
        self._refused: set[Key] = set()
        """Keys of refused runs and task instances, whose children cannot be written either."""
        self._tainted_runs: set[str] = set()
        self._losses: Counter[Loss] = Counter()
        self.found_runs: set[str] = set()
        self.samples: list[Row] = []
        """A task instance of the window as the target gets it."""
        for run_id, reason in self._kept.items():
            self._refuse(DAG_RUNS, (run_id,), reason)

    def note(self, kind: Kind, delivery: Delivery) -> None:
        """Count what a delivery says."""
        again = sum(key[0] in self._again for key in delivery.sent) if self._again else 0
        self._repaired[kind.name] += again
        self._counts[Outcome.MOVED, kind.name] += delivery.sent_rows - again
        self._find(kind, delivery.found)
        for key, reason in delivery.refused.items():
            changed = kind is DAG_RUNS and self._loaded.before.get(key[0]) is Outcome.CHANGED
            self._refuse(kind, key, self._why_changed(key[0]) if changed else reason)
        if kind is DAG_RUNS:
            self.found_runs = {key[0] for key in delivery.found}
            self._refuse_changed()

    def _refuse_changed(self) -> None:
        """Leave runs alone that are there in an earlier version: what hangs on them must not be mixed with it."""
        for run_id in self.found_runs:
            if self._loaded.before.get(run_id) is Outcome.CHANGED:
                self._refuse(DAG_RUNS, (run_id,), self._why_changed(run_id))

    def _why_changed(self, run_id: str) -> str:
        return self._tried.get(run_id, CHANGED_REASON)

    def lose(self, losses: Mapping[Loss, int]) -> None:
        """Count values that do not arrive as they are."""
        self._losses.update(losses)

    @staticmethod
    def among(kind: Kind, rows: Iterable[Row], keys: Container[Key]) -> list[Row]:
        """Return those of ``rows`` whose key is one of ``keys``."""
        return [row for row in rows if kind.key_of(row) in keys]

    def sent_before(self, kind: Kind, rows: Iterable[Row], present: Container[Key]) -> list[Row]:
        """Return those of ``rows`` that are there and count as moved now: an earlier try at the window sent them."""
        ours = {run_id for run_id in self._to_move if self._found_as(run_id) is Outcome.MOVED}
        return self.among(kind, [row for row in rows if row["run_id"] in ours], present)

    def regain(self, losses: Mapping[Loss, int]) -> None:
        """Count no longer what ``lose`` has counted of rows that were not taken."""
        self._losses.subtract(losses)

    def has_sent(self, kind: Kind) -> bool:
        """Tell whether any row of ``kind`` was sent."""
        return bool(self._counts[Outcome.MOVED, kind.name] or self._repaired[kind.name])

    def wanted(self, rows: list[Row]) -> list[Row]:
        """Return those of ``rows`` whose run is to be moved and was not refused."""
        return [row for row in rows if row["run_id"] in self._to_move and (row["run_id"],) not in self._refused]

    def sift(self, kind: Kind, rows: list[Row], present: set[Key]) -> list[Row]:
        """Return the rows that the target lacks and can take; the others are counted."""
        if not present and not self._refused and self._to_move.issuperset(map(itemgetter("run_id"), rows)):
            return rows
        lacking = []
        found = []
        for row in rows:
            run_id = row["run_id"]
            if run_id not in self._to_move:
                continue
            key = kind.key_of(row)
            if (run_id,) in self._refused:
                self._orphans[run_id, kind.name] += 1
            elif kind is TASK_INSTANCE_HISTORY and key[:3] in self._refused:
                self._refuse(kind, key, "its task instance was rejected")
            elif key in present:
                found.append(key)
            else:
                lacking.append(row)
        self._find(kind, found)
        return lacking

    def settlement(self) -> Settlement:
        """Return what the checkpoint has to know."""
        choice = self._loaded.choice
        runs = [
            SettledRun(run_id, choice.fingerprints[run_id], self._outcome(run_id))
            for run_id in self._loaded.ids_to_move
        ]
        rejected = [*self._rejected, *self._orphaned(), *self._changed()]
        only_seen = choice.settled + choice.changed
        noted = self._loaded.remembered(run.run_id for run in only_seen)
        counts = self._by_kind(rejected)
        return Settlement(self._loaded.window, runs + only_seen, counts, rejected, noted, +self._losses)

    def _orphaned(self) -> list[RejectedRow]:
        reason = "its DAG run was rejected"
        return [self._row(kind, run_id, "", reason, rows) for (run_id, kind), rows in self._orphans.items()]

    def _changed(self) -> list[RejectedRow]:
        reasons = {Outcome.CHANGED: CHANGED_REASON, Outcome.TO_REPLACE: WAITING_REASON}
        return [self._row(DAG_RUNS.name, run.run_id, "", reasons[run.outcome]) for run in self._loaded.choice.changed]

    def _by_kind(self, rejected: list[RejectedRow]) -> dict[str, Counts]:
        unfinished = sum(run.outcome is Outcome.UNFINISHED for run in self._loaded.choice.settled)
        return {
            kind.name: Counts(
                moved=self._counts[Outcome.MOVED, kind.name],
                already=self._counts[Outcome.ALREADY, kind.name],
                unfinished=unfinished if kind is DAG_RUNS else 0,
                rejected=sum(row.rows for row in rejected if row.kind == kind.name),
                repaired=self._repaired[kind.name],
            )
            for kind in KINDS
        }

    def _outcome(self, run_id: str) -> Outcome:
        if run_id in self._kept:
            return Outcome.CHANGED
        return judged(
            self._loaded.before.get(run_id),
            found=run_id in self.found_runs,
            refused=(run_id,) in self._refused,
            children_refused=run_id in self._tainted_runs,
        )

    def _find(self, kind: Kind, keys: Iterable[Key]) -> None:
        for key in keys:
            counts_as = self._found_as(key[0])
            if counts_as is not None:
                self._counts[counts_as, kind.name] += 1

    def _found_as(self, run_id: str) -> Outcome | None:
        return memory(self._loaded.before.get(run_id)).found

    def _refuse(self, kind: Kind, key: Key, reason: str) -> None:
        self._tainted_runs.add(key[0])
        self._refused.add(key)
        below = zip(kind.key[1:], key[1:], strict=True)
        self._rejected.append(
            self._row(kind.name, key[0], ", ".join(f"{name}={value}" for name, value in below), reason)
        )

    def _row(self, kind: str, run_id: str, key: str, reason: str, rows: int = 1) -> RejectedRow:
        return RejectedRow(kind, self._loaded.window.dag_id, run_id, key, reason, rows)
