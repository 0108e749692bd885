"""The values that flow between the parts; all frozen, none holds a secret."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Literal, TypeAlias

from transfer.kinds import Kind, Row

SideName: TypeAlias = Literal["source", "target"]

SIDES: Final[tuple[SideName, ...]] = ("source", "target")

_VERSION: Final = re.compile(r"\s*v?(\d{1,9})\.(\d{1,9})", re.ASCII)
"""The beginning of a version: "2.11.2+astro.1", "3.2rc1"."""


class Outcome(StrEnum):
    """What became of a DAG run of the source, as the checkpoint remembers it.

    It says whose the *run* is. Children that a killed process sent to a run that was FILLING count as found there.
    """

    IN_FLIGHT = "in flight"  # claimed by a window that is not done, and not on the target before: what is there is ours
    FILLING = "filling"  # claimed by a window that is not done, but on the target before it was
    MOVED = "moved"  # this job wrote it, and the target has acknowledged every row of it
    ALREADY = "already there"  # the target had it before; children that it lacked were added
    UNFINISHED = "unfinished"  # not yet success or failed, or its children were not all readable: the next run's work
    REJECTED = "rejected"  # the target refused it for good, or had it before and refused some of its children
    PARTIAL = "partial"  # this job wrote it, but the target refused some of its children for good
    CHANGED = "changed"  # moved before, and changed at the source since: the target keeps the earlier version
    UNSELECTED = "unselected"  # seen, but outside the selection
    TO_REPLACE = "to be replaced"  # its version on the target is to be removed and sent anew; nothing is removed yet
    REPLACING = (
        "replacing"  # claimed for that: on the target may be the earlier version, a part of the new one, or none
    )
    MENDING = "mending"  # this job wrote it, and rows of it are gone from the target: what lacks is sent again
    MENDING_FOUND = "mending, found there"  # the same of a run that the target had before


UNSETTLED: Final = frozenset(
    {
        Outcome.IN_FLIGHT,
        Outcome.FILLING,
        Outcome.TO_REPLACE,
        Outcome.REPLACING,
        Outcome.MENDING,
        Outcome.MENDING_FOUND,
    }
)
"""Memories of runs with which something was begun, or decided, and not brought to its end."""


class Attached(StrEnum):
    """What hangs on the runs beside their rows; the names are those of their kinds."""

    TASK_LOGS = "task_logs"
    XCOMS = "xcoms"


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """What a deployment says about itself: versions as in ``GET info``."""

    airflow_version: str
    starship_version: str

    @property
    def airflow(self) -> tuple[int, int]:
        """Return major and minor version as numbers, (0, 0) when they cannot be read."""
        found = _VERSION.match(self.airflow_version)
        return (int(found[1]), int(found[2])) if found else (0, 0)


@dataclass(frozen=True, slots=True)
class DagInfo:
    """A DAG as ``GET dags`` lists it; ``listed`` is False for one that has history but no row there."""

    dag_id: str
    run_count: int
    is_paused: bool
    listed: bool = True


@dataclass(frozen=True, slots=True)
class RunPage:
    """One answer of ``GET dag_runs``: its rows in the server's order, and the DAG's run count at that moment."""

    rows: list[Row]
    run_count: int
    size: int = 0
    """Bytes of JSON."""


@dataclass(frozen=True, slots=True)
class Batch:
    """One POST body: rows of one kind with identical keys, under the limits in rows and bytes.

    ``key`` is the Idempotency-Key, a function of the content's identity: a batch with the same rows of the same job
    has the same key after any restart.
    """

    kind: Kind
    dag_id: str
    rows: Sequence[Row]
    body: bytes
    key: str


@dataclass(frozen=True, slots=True)
class Window:
    """A contiguous slice of one DAG's runs with everything that hangs on them.

    ``offset`` and ``size`` are the slice's place at the source when it was cut (in runs); ``number`` counts the windows
    of one pass over the DAG. ``end`` is the start_date of its last run as text, None for runs that never started.
    """

    dag_id: str
    pass_number: int
    number: int
    offset: int
    size: int
    end: str | None


@dataclass(frozen=True, slots=True)
class SettledRun:
    """What is remembered of one DAG run: ``fingerprint`` changes when the source's row does."""

    run_id: str
    fingerprint: int
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows of one kind by what became of them.

    ``repaired`` are rows that were sent in place of rows that had been counted before: those of runs that were
    replaced, and those that had got lost. They are in no other number; but a DAG run is ``moved`` as well.
    """

    moved: int = 0
    already: int = 0
    unfinished: int = 0
    rejected: int = 0
    repaired: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        """Return the sum, outcome by outcome."""
        return Counts(
            self.moved + other.moved,
            self.already + other.already,
            self.unfinished + other.unfinished,
            self.rejected + other.rejected,
            self.repaired + other.repaired,
        )


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row that the target refused for good, or ``rows`` of them for one reason.

    ``key`` is the identity below the run as text, empty for the run itself; ``reason`` is redacted.
    """

    kind: str
    dag_id: str
    run_id: str
    key: str
    reason: str
    rows: int = 1


@dataclass(frozen=True, slots=True)
class Loss:
    """A column of one kind whose values do not arrive as they are, and why; ``column`` is * where whole rows do not."""

    kind: str
    column: str
    why: str


@dataclass(frozen=True, slots=True)
class Settlement:
    """Everything the checkpoint learns when a window is done: one transaction.

    ``losses`` counts the values of rows sent now that do not arrive as they are.

    ``noted`` tells of the runs that were only looked at what was remembered of them then. A run that came to the front
    meanwhile may have been settled by a later window: what this one says of it is out of date, and not taken.
    """

    window: Window
    runs: list[SettledRun]
    counts: dict[str, Counts]
    rejected: list[RejectedRow] = field(default_factory=list)
    noted: Mapping[str, SettledRun | None] = field(default_factory=dict)
    losses: Mapping[Loss, int] = field(default_factory=dict)


class Mark(StrEnum):
    """The verdict on a row that both sides were asked for, in rclone's marks."""

    SAME = "="
    DIFFERS = "*"
    MISSING = "+"  # on the source only
    EXTRA = "-"  # on the target only
    UNREADABLE = "!"


@dataclass(frozen=True, slots=True)
class Difference:
    """A row that is not the same on both sides, or ``rows`` of them: all of one kind of a run that is there only once.

    ``key`` is the identity below the run as text, empty for the run itself and for all rows of a kind; ``columns`` are
    the names of the columns that differ, never their values.
    """

    mark: Mark
    kind: str
    dag_id: str
    run_id: str
    key: str = ""
    columns: tuple[str, ...] = ()
    rows: int = 1
