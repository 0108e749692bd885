"""What goes into the result store of a verification and comes out of it; all frozen but the tally, none holds a row."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from transfer.model import Difference, Mark


@dataclass(frozen=True, slots=True)
class Identity:
    """What makes two invocations the same verification; any other one begins anew.

    ``source`` and ``target`` are base URLs, ``selection`` is canonical JSON. ``sample`` is about the share of the
    runs whose children are compared, None for all; ``one_way`` says that surplus rows of the target are not looked for.
    """

    source: str
    target: str
    selection: str
    sample: float | None = None
    one_way: bool = False


class Phase(StrEnum):
    """How far the verification of a DAG is."""

    WALKING = "walking"  # both sides are read in step
    TAIL = "tail"  # the source is through, the rest of the target is read
    LOOKING = "looking"  # whatever was not equal is read a second time
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a run stood on one side: ``start`` is its start_date as served, ``offset`` its place in runs, about."""

    start: str | None
    offset: int


@dataclass(frozen=True, slots=True)
class Point:
    """How far a DAG is compared: the last run that was read on each side (None: none yet), and what was counted.

    ``fronts`` are the start dates of the first dated run of each side when the walk began. ``missing`` says that the
    target had no run of the DAG then.
    """

    phase: Phase = Phase.WALKING
    source: Spot | None = None
    target: Spot | None = None
    selected: int = 0
    fronts: tuple[str | None, str | None] = (None, None)
    missing: bool = False


@dataclass(frozen=True, slots=True)
class Sighting:
    """A run that one side has and the other has not, or has differently; not ``wanted``: it explains the other side.

    A run that is unfinished at the source, say: its row on the target is no surplus. ``elsewhere`` is the offset at
    which it would stand on the other side.
    """

    run_id: str
    spot: Spot
    elsewhere: int
    wanted: bool


@dataclass(frozen=True, slots=True)
class Suspect:
    """A run that was not equal at first sight: where each side showed it, and at which offsets to look for it."""

    run_id: str
    source: Spot | None
    target: Spot | None
    source_offset: int
    target_offset: int


@dataclass(slots=True)
class Tally:
    """Rows by verdict, kind by kind.

    ``unfinished`` counts runs that were not at rest at the source, ``changed`` those that changed on the target while
    they were compared, or went on both sides. ``with_children`` counts the runs whose children were compared as well.
    """

    rows: Counter[tuple[str, Mark]] = field(default_factory=Counter)
    losses: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Values by kind and column that the target cannot hold: known beforehand, no differences."""
    unfinished: int = 0
    changed: int = 0
    with_children: int = 0

    def update(self, other: "Tally") -> None:
        """Add ``other``."""
        self.rows.update(other.rows)
        self.losses.update(other.losses)
        self.unfinished += other.unfinished
        self.changed += other.changed
        self.with_children += other.with_children

    @property
    def differences(self) -> int:
        """Return the rows that are not the same on both sides, or could not be read."""
        return sum(rows for (_, mark), rows in self.rows.items() if mark is not Mark.SAME)


@dataclass(frozen=True, slots=True)
class Step:
    """What one window adds: stored in one transaction together with the place that was reached.

    ``source_ids`` and ``target_ids`` are all runs that were seen.
    """

    point: Point
    tally: Tally = field(default_factory=Tally)
    source_ids: Sequence[str] = ()
    target_ids: Sequence[str] = ()
    source_only: Sequence[Sighting] = ()
    target_only: Sequence[Sighting] = ()
    differences: Sequence[Difference] = ()


@dataclass(frozen=True, slots=True)
class DagFindings:
    """The result of one DAG.

    ``source_runs`` and ``target_runs`` as the sides last counted them; ``problem`` says why the DAG could not be
    compared to its end, empty otherwise. ``missing``: the target had no run of it, and children were not read;
    ``absent``: it does not even list it. ``with_children``: runs whose children were compared, all but for a sample.
    ``rows`` counts rows by kind and mark, ``losses`` the values by kind and column that the target cannot hold.
    """

    dag_id: str
    phase: Phase
    source_runs: int
    target_runs: int
    missing: bool
    absent: bool
    problem: str
    unfinished: int
    changed: int
    with_children: int
    rows: Mapping[str, Mapping[Mark, int]]
    losses: Mapping[str, Mapping[str, int]]

    @property
    def differences(self) -> int:
        """Return the rows that are not the same on both sides, or could not be read."""
        return sum(rows for marks in self.rows.values() for mark, rows in marks.items() if mark is not Mark.SAME)


@dataclass(frozen=True, slots=True)
class DifferingRun:
    """A run with differences: ``marks`` counts its differing rows by kind and mark (``=`` is not among them).

    ``target_rows`` are the rows of each kind that the target held of it, empty when it did not have the run or could
    not be read (kinds without rows are absent).
    """

    dag_id: str
    run_id: str
    marks: Mapping[str, Mapping[Mark, int]]
    target_rows: Mapping[str, int]
