"""A verdict for machines: one object per difference if all are asked for, and one for the whole."""

from collections.abc import Mapping
from itertools import islice
from typing import Any

from transfer.cli.output import say_json
from transfer.cli.verdict import NAMES, SHOWN, Verdict
from transfer.findings import DagFindings
from transfer.kinds import KINDS
from transfer.model import Difference, Mark
from transfer.progress import Snapshot


def say_as_json(verdict: Verdict, *, everything: bool) -> None:
    """Print ``verdict`` with the first differences, or before it ``everything``."""
    if everything:
        for found in verdict.differences():
            say_json({"event": "difference", **_difference(found)})
    dags = verdict.dags
    shown = [] if everything else [_difference(found) for found in islice(verdict.differences(), SHOWN)]
    total = sum(verdict.findings.difference_count(dag.dag_id) for dag in dags)
    say_json(
        {
            "event": "summary",
            "exit_code": verdict.exit_code,
            "result": verdict.headline,
            **_verification(verdict),
            "kinds": _marks(verdict.rows),
            "unfinished": verdict.unfinished,
            "changed": verdict.changed,
            "losses": {kind: dict(columns) for kind, columns in verdict.losses.items()},
            "dags": {dag.dag_id: _dag(dag) for dag in dags},
            "problems": {dag.dag_id: dag.problem for dag in dags if dag.problem},
            "left_out": dict(verdict.left_out),
            "target_only_dags": verdict.target_only if verdict.snapshot else None,
            "differences": shown,
            "differences_shown": total if everything else len(shown),
            "differences_total": total,
            "next": verdict.next_step,
            "this_run": _this_run(verdict.snapshot) if verdict.snapshot else None,
        }
    )


def _verification(verdict: Verdict) -> dict[str, Any]:
    findings = verdict.findings
    return {
        "verification": str(findings.id),
        "source": findings.identity.source,
        "target": findings.identity.target,
        "finished": findings.finished,
        "started_at": findings.started_at.isoformat(),
        "ended_at": findings.ended_at.isoformat() if findings.ended_at else None,
        "sample": findings.sample,
        "sampled_share": verdict.share if findings.sample is not None else None,
        "runs_compared": verdict.runs,
        "runs_with_children_compared": verdict.with_children,
        "seed": findings.seed,
        "one_way": findings.identity.one_way,
    }


def _difference(found: Difference) -> dict[str, Any]:
    return {
        "mark": found.mark,
        "kind": found.kind,
        "dag_id": found.dag_id,
        "run_id": found.run_id,
        "key": found.key,
        "columns": list(found.columns),
        "rows": found.rows,
    }


def _dag(dag: DagFindings) -> dict[str, Any]:
    return {
        "kinds": _marks(dag.rows),
        "unfinished": dag.unfinished,
        "changed": dag.changed,
        "source_runs": dag.source_runs,
        "target_runs": dag.target_runs,
        "missing": dag.missing,
        "absent": dag.absent,
        "runs_with_children_compared": dag.with_children,
        "phase": dag.phase,
    }


def _marks(rows: Mapping[str, Mapping[Mark, int]]) -> dict[str, dict[str, int]]:
    return {kind.name: {name: rows.get(kind.name, {}).get(mark, 0) for mark, name in NAMES.items()} for kind in KINDS}


def _this_run(snapshot: Snapshot) -> dict[str, Any]:
    return {
        "rows_compared": snapshot.rows_sent,
        "seconds": round(snapshot.seconds, 3),
        "paused_seconds": round(snapshot.paused_seconds, 3),
        "retries": snapshot.retries,
        "drifts": snapshot.drifts,
    }
