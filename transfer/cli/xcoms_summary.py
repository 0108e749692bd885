"""What a run over the XComs ends with."""

from dataclasses import dataclass
from pathlib import Path

from transfer.checkpoint import CheckpointReader, Totals
from transfer.cli.options import OutputOptions
from transfer.cli.output import say, say_json
from transfer.engine.attached.lanes import AttachedEnding
from transfer.errors import ExitCode
from transfer.model import Attached, RejectedRow
from transfer.progress import Snapshot
from transfer.report import duration, rejected_line, size, totals_json

SHOWN = 10
"""Values that were not moved, and DAGs, that are named."""

_HEADLINES = {
    ExitCode.DONE: "XComs: complete",
    ExitCode.FAILED: "XComs: not complete, see the reason of each DAG below",
    ExitCode.INCOMPLETE: "XComs: finished, but not every value could be moved",
    ExitCode.STOPPED: "XComs: stopped; run again to go on",
}


@dataclass(frozen=True, slots=True)
class XComSummary:
    """How it ended; ``rejected`` values stand in the checkpoint now."""

    exit_code: int
    totals: Totals
    rejected: int
    snapshot: Snapshot
    ending: AttachedEnding

    def counted(self, name: str) -> int:
        """Return what the job has counted of XComs under ``name``, over all its runs."""
        return self.totals.attached.get(Attached.XCOMS.value, {}).get(name, 0)


def show_xcoms(summary: XComSummary, state_dir: Path, output: OutputOptions) -> None:
    """Print ``summary`` with the first values that were not moved, which are read from the checkpoint."""
    with CheckpointReader.open(state_dir) as reader:
        rejected = reader.rejected(SHOWN, kind=Attached.XCOMS.value)
    if output.json:
        _as_json(summary, rejected)
    else:
        _as_text(summary, rejected, state_dir)


def _as_json(summary: XComSummary, rejected: list[RejectedRow]) -> None:
    snapshot = summary.snapshot
    say_json(
        {
            "event": "summary",
            "exit_code": summary.exit_code,
            "result": _HEADLINES[summary.exit_code],
            "job": totals_json(summary.totals),
            "xcoms": {name: summary.counted(name) for name in ("moved", "already", "bytes")}
            | {"rejected": summary.rejected},
            "this_run": {
                "xcoms_sent": snapshot.rows_sent,
                "seconds": round(snapshot.seconds, 3),
                "paused_seconds": round(snapshot.paused_seconds, 3),
                "retries": snapshot.retries,
            },
            "problems": summary.ending.problems,
            "left": summary.ending.left,
            "rejected": [rejected_line(row) for row in rejected],
        }
    )


def _as_text(summary: XComSummary, rejected: list[RejectedRow], state_dir: Path) -> None:
    snapshot = summary.snapshot
    say(_HEADLINES[summary.exit_code])
    say(
        f"in all: {summary.counted('moved'):,} moved ({size(summary.counted('bytes'))}), "
        f"{summary.counted('already'):,} already there, {summary.rejected:,} not moved"
    )
    waited = f", paused for {duration(snapshot.paused_seconds)}" if snapshot.paused_seconds else ""
    say(
        f"this run: {snapshot.rows_sent:,} values in {duration(snapshot.worked)} ({snapshot.rate:,.0f}/s), "
        f"{snapshot.retries:,} retries{waited}"
    )
    _list("not complete", [f"{dag_id}: {reason}" for dag_id, reason in summary.ending.problems.items()])
    _list("cannot be moved any more", [f"{dag_id}: {reason}" for dag_id, reason in summary.ending.left.items()])
    _list("not moved", [rejected_line(row) for row in rejected])
    if summary.rejected:
        say(f"all {summary.rejected:,} that were not moved: transfer status --state-dir {state_dir} --rejected")


def _list(title: str, lines: list[str]) -> None:
    if not lines:
        return
    say(f"{title}:")
    for line in lines[:SHOWN]:
        say(f"  {line}")
    if len(lines) > SHOWN:
        say(f"  and {len(lines) - SHOWN:,} more")
