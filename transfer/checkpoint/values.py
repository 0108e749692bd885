"""The values that go into the checkpoint and come out of it, beside those of ``model``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from transfer.model import Counts, Loss, Outcome, RejectedRow, SideName


@dataclass(frozen=True, slots=True)
class Job:
    """What makes two invocations the same job; the checkpoint refuses any other.

    ``source`` and ``target`` are base URLs, of which any userinfo is ignored and never stored; ``selection`` is
    canonical JSON text. The job's uuid is not here: it is made when the checkpoint is created and stored in it.
    """

    source: str
    target: str
    selection: str


@dataclass(frozen=True, slots=True)
class PlannedDag:
    """A DAG to move.

    ``run_count`` is the source's count when the plan was made; ``listed`` is False for a DAG that has history but no
    row in the source's list; ``on_target`` tells whether the target knows it; ``target_runs`` are the runs that the
    target had of it before this job.
    """

    dag_id: str
    run_count: int
    listed: bool
    on_target: bool
    note: str = ""
    target_runs: int = 0


@dataclass(frozen=True, slots=True)
class ResumePoint:
    """Where reading a DAG goes on.

    ``next_number`` and ``offset`` (in runs) are those of the window to cut next; ``end`` is the start_date text of the
    last run before it, None if nothing is done (``fresh``) or if that run never started.
    """

    pass_number: int
    next_number: int
    offset: int
    end: str | None
    fresh: bool


class Remedy(Enum):
    """What a run needs that is not the same on both sides."""

    COMPLETE = "complete"  # it lacks rows on the target, or is not there: what lacks is sent
    REPLACE = "replace"  # it has other rows there: it is removed and sent anew


@dataclass(frozen=True, slots=True)
class Totals:
    """What the job has come to, over all invocations; computed from the stored rows each time.

    ``runs`` counts the DAG runs of each DAG by what is remembered of them. ``rows`` counts each kind's rows: dag_runs
    by the same memory, so that a run never counts twice (a changed one, and one that is to be replaced, counts as
    rejected, one that is being replaced or mended as unfinished); children as the sum of what each window moved and
    found, and the rejected rows that stand now. What a window sent again counts as repaired and not as moved: of a run
    that was replaced, moved still counts the rows of the version that is gone. ``windows_done`` leaves out finished
    passes' windows that moved and found no children. ``dags_done`` are the planned DAGs whose last pass was read to the
    end, unless a newer plan counts more runs than that pass answers for.
    """

    runs: Mapping[str, Mapping[Outcome, int]]
    rows: Mapping[str, Mapping[str, Counts]]
    windows_done: int
    dags_done: frozenset[str]
    created_at: datetime
    settled_at: datetime | None
    """When the last window was settled."""
    losses: Mapping[Loss, int] = field(default_factory=dict)
    """Values of the rows that were sent that did not arrive as they were."""
    attached: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """What was counted of task logs and XComs, by kind and name; what moved and was found is in ``rows`` as well."""


@dataclass(frozen=True, slots=True)
class AttachedStep:
    """What became of pieces of one kind (task logs, XComs) of one run: stored together with other steps, or not at all.

    ``pieces`` are the keys of those that need nothing more, ``rejected`` those that were refused, which are tried again
    while the run is not ``done``. ``counts`` is added to what was counted, by any name; "moved" and "already" go into
    the totals of rows. With ``done`` nothing of the run is tried again; its rejected rows of the kind are then exactly
    those of this step.
    """

    dag_id: str
    run_id: str
    pieces: Sequence[str] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    rejected: Sequence[RejectedRow] = ()
    done: bool = False


@dataclass(frozen=True, slots=True)
class Invocation:
    """One ``transfer run``; ``ended_at`` and ``exit_code`` are None while it runs and after it was killed."""

    number: int
    started_at: datetime
    ended_at: datetime | None
    exit_code: int | None
    version: str
    pid: int
    host: str


@dataclass(frozen=True, slots=True)
class Found:
    """What the deployments were found to bear.

    ``concurrency`` is requests at once by side, absent where it was not looked for; ``body_bytes`` the largest body
    that the target takes, None if none was refused, and ``body_since`` when a larger one was last refused.
    """

    concurrency: Mapping[SideName, int] = field(default_factory=dict)
    body_bytes: int | None = None
    body_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Holder:
    """The process that holds a state directory."""

    pid: int
    host: str
