"""How a verification stands: what both ways of saying it have in common."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from transfer.errors import ExitCode
from transfer.findings import DagFindings, Findings
from transfer.kinds import DAG_RUNS
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
    passed_over: int = 0
    """DAGs that were compared, and of which nobody asks."""

    @property
    def headline(self) -> str:
        """Return the result in a few words; whatever narrows it is part of it, lest it be taken for more."""
        result = _HEADLINES[self.exit_code]
        if self.exit_code == ExitCode.DONE and self.nothing_below:
            result = "the runs are the same, but of none were task instances compared"
        one_way = ", rows that only the target has were not looked for" if self.findings.identity.one_way else ""
        without = f", without {len(self.left_out):,} DAGs that were left out" if self.left_out else ""
        others = f", without {self.passed_over:,} DAGs that were not asked for" if self.passed_over else ""
        return result + self._sampled + one_way + without + others

    @property
    def _sampled(self) -> str:
        if self.findings.sample is None or self.nothing_below:
            return ""
        of = f"{self.with_children:,} of {self.runs:,} runs ({100 * self.share:.3g}%)"
        return f", of a sample: task instances and tries of {of} were compared"

    @property
    def nothing_below(self) -> bool:
        """Tell whether a sample has come to compare no run's children."""
        return self.findings.sample is not None and not self.with_children

    @property
    def with_children(self) -> int:
        """Return the runs whose children were compared."""
        return sum(dag.with_children for dag in self.dags)

    @property
    def runs(self) -> int:
        """Return the runs that both sides have and that were compared."""
        marks = self.rows.get(DAG_RUNS.name, {})
        return marks.get(Mark.SAME, 0) + marks.get(Mark.DIFFERS, 0)

    @property
    def share(self) -> float:
        """Return the part of ``runs`` whose children were compared, 0 to 1."""
        return self.with_children / self.runs if self.runs else 0.0

    @property
    def next_step(self) -> str | None:
        """Return the command that does something about the differences, None where there are none."""
        if self.exit_code != ExitCode.INCOMPLETE:
            return None
        return f"transfer repair --dry-run --state-dir {self.state_dir}"

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
