"""Every finished version that a run of the source ever had: what the target may hold of it."""

from dataclasses import dataclass, field
from typing import Any, TypeAlias

from transfer.emulator import TableHistory
from transfer.engine.choose import fingerprint
from transfer.kinds import CHILDREN, FINISHED_STATES, LIVE_TASK_STATES, TASK_INSTANCE_HISTORY, Key, Row

RunKey: TypeAlias = tuple[str, str]
"""DAG and run id."""

LONGEST_QUEUE = 256
"""Characters that the target's column takes; a longer value is how the source makes a row that is refused."""


@dataclass(frozen=True, slots=True)
class Version:
    """A run with everything that hangs on it at one moment, as the target should show it.

    ``refused`` are children that the target does not take; they are not in ``children``.
    """

    run: Row
    children: dict[str, dict[Key, Row]]
    refused: dict[str, set[Key]]
    fingerprint: int

    @property
    def is_refused_in_part(self) -> bool:
        """Tell whether the target lacks some of it for good."""
        return any(self.refused.values())


@dataclass(slots=True)
class Truth:
    """What the world knows and the program does not.

    ``strange`` are runs that others made on the target, which have nothing to do with ours but the name at most;
    ``shared`` those that others copied there from the source, before the job or beside it; ``replaced`` those of which
    the program was told to remove what is there.
    """

    source: TableHistory
    versions: dict[RunKey, list[Version]] = field(default_factory=dict)
    strange: dict[RunKey, tuple[Row, int]] = field(default_factory=dict)
    """With how many rows it has, its children included."""
    shared: set[RunKey] = field(default_factory=set)
    replaced: set[RunKey] = field(default_factory=set)
    forgotten: set[RunKey] = field(default_factory=set)
    """Runs that are over for so long that nobody will end their tasks which still run."""

    def note(self, dag_id: str, run_id: str) -> None:
        """Keep the present version of a run, if it is one that may be moved."""
        run = self.source.run(dag_id, run_id)
        if run is None or run["state"] not in FINISHED_STATES:
            return
        tasks = self.source.children(CHILDREN[0], dag_id, run_id)
        if (dag_id, run_id) not in self.forgotten and any(row["state"] in LIVE_TASK_STATES for row in tasks):
            return
        self.versions.setdefault((dag_id, run_id), []).append(self._version(run))

    def note_all(self) -> None:
        """Keep the present version of every run."""
        for dag_id in self.source.dag_ids():
            for run in self.source.runs(dag_id):
                self.note(dag_id, run["run_id"])

    def _version(self, run: Row) -> Version:
        children: dict[str, dict[Key, Row]] = {}
        refused: dict[str, set[Key]] = {}
        bad_tasks: set[Key] = set()
        for kind in CHILDREN:
            rows = {kind.key_of(row): row for row in self.source.children(kind, run["dag_id"], run["run_id"])}
            bad = {key for key, row in rows.items() if not is_storable(row)}
            if kind is TASK_INSTANCE_HISTORY:
                bad |= {key for key in rows if key[:3] in bad_tasks}
            bad_tasks |= bad
            refused[kind.name] = bad
            children[kind.name] = {key: as_stored(row) for key, row in rows.items() if key not in bad}
        return Version(run.copy(), children, refused, fingerprint(run))

    def forget_removed(self, target: TableHistory) -> None:
        """Forget strangers in whose place there is nothing, or another run, because that was asked for."""
        for key in self.replaced & self.strange.keys():
            if target.run(*key) != self.strange[key][0]:
                del self.strange[key]

    def of(self, dag_id: str, run_id: str) -> list[Version]:
        """Return all versions of a run, the oldest first."""
        return self.versions.get((dag_id, run_id), [])


def is_storable(row: Row) -> bool:
    """Tell whether the target's columns take the row."""
    return len(row["queue"] or "") <= LONGEST_QUEUE


def as_stored(row: Row) -> Row:
    """Return a child as the target shows it after it was moved."""
    stored: dict[str, Any] = row.copy()
    stored["trigger_id"] = None
    return stored
