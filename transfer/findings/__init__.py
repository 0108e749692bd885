"""What `transfer verify` has found: which rows differ, are missing or surplus, never what is in them.

Reading, for whoever acts on a verification (blocks while it reads, sees one moment, never holds more than a page)::

    with read_findings(state_dir) as findings:
        findings.id, findings.finished, findings.identity
        for dag in findings.dags():
            for run in findings.runs(dag.dag_id): ...
            for difference in findings.differences(dag.dag_id): ...
"""

from transfer.findings.opening import Opening
from transfer.findings.reader import Findings, read_findings
from transfer.findings.shelf import Shelf
from transfer.findings.store import FindingsStore
from transfer.findings.values import (
    DagFindings,
    DifferingRun,
    Identity,
    Phase,
    Point,
    Sighting,
    Spot,
    Step,
    Suspect,
    Tally,
)

__all__ = [
    "DagFindings",
    "DifferingRun",
    "Findings",
    "FindingsStore",
    "Identity",
    "Opening",
    "Phase",
    "Point",
    "Shelf",
    "Sighting",
    "Spot",
    "Step",
    "Suspect",
    "Tally",
    "read_findings",
]
