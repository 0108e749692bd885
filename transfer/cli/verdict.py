"""How a verification stands: what both ways of saying it have in common."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from transfer.errors import ExitCode
from transfer.findings import DagFindings, Findings
from transfer.model import Difference, Mark
from transfer.progress import Snapshot

SHOWN: Final = 20
"""Differences, and DAGs, that a summary names."""

NAMES: Final = {
    Mark.SAME: "same",
    Mark.DIFFERS: "differs",
    Mark.MISSING: "missing",
    Mark.EXTRA: "extra",
    Mark.UNREADABLE: "unreadable",
}

_HEADLINES: Final = {
    ExitCode.DONE: "the same",
    ExitCode.FAILED: "not complete: see the reason of each DAG below",
    ExitCode.INCOMPLETE: "not the same",
    ExitCode.STOPPED: "stopped; run again to go on",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a verification stands; ``snapshot`` is of the run of the program that has just ended, if one has."""

    exit_code: int
    findings: Findings
    dags: Sequence[DagFindings]
    state_dir: Path
    snapshot: Snapshot | None = None
    left_out: Mapping[str, str] = field(default_factory=dict)
    target_only: int = 0
    """DAGs with runs that the target alone has; known when somebody has just asked both sides."""

    @property
    def headline(self) -> str:
        """Return the result in a few words; whatever narrows it is part of it, lest it be taken for more."""
        share = self.findings.sample
        sampled = "" if share is None else f", of a sample: tasks and tries of about {100 * share:.4g}% of the runs"
        one_way = ", rows that only the target has were not looked for" if self.findings.identity.one_way else ""
        without = f", without {len(self.left_out):,} DAGs that were left out" if self.left_out else ""
        return _HEADLINES[self.exit_code] + sampled + one_way + without

    @property
    def rows(self) -> Mapping[str, Mapping[Mark, int]]:
        """Return the rows of all DAGs by kind and mark."""
        total: dict[str, Counter[Mark]] = {}
        for dag in self.dags:
            for kind, marks in dag.rows.items():
                total.setdefault(kind, Counter()).update(marks)
        return total

    @property
    def losses(self) -> Mapping[str, Mapping[str, int]]:
        """Return the values that the target cannot hold, by kind and column."""
        total: dict[str, Counter[str]] = {}
        for dag in self.dags:
            for kind, columns in dag.losses.items():
                total.setdefault(kind, Counter()).update(columns)
        return total

    @property
    def unfinished(self) -> int:
        """Return the runs that were not at rest."""
        return sum(dag.unfinished for dag in self.dags)

    @property
    def changed(self) -> int:
        """Return the runs that changed or went while they were compared."""
        return sum(dag.changed for dag in self.dags)

    def differences(self) -> Iterator[Difference]:
        """Yield every difference, DAG by DAG."""
        return (found for dag in self.dags for found in self.findings.differences(dag.dag_id))


def exit_code(findings: Findings, dags: Sequence[DagFindings]) -> int:
    """Return what a verification that was not stopped ends with."""
    if not findings.finished:
        return ExitCode.FAILED
    return ExitCode.INCOMPLETE if any(dag.differences for dag in dags) else ExitCode.DONE
