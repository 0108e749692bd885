"""What a run over the task logs ends with."""

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
"""Refused logs, and DAGs, that are named."""

_HEADLINES = {
    ExitCode.DONE: "task logs: complete",
    ExitCode.FAILED: "task logs: not complete, see the reason of each DAG below",
    ExitCode.INCOMPLETE: "task logs: finished, but not every log was accepted",
    ExitCode.STOPPED: "task logs: stopped; run again to go on",
}


@dataclass(frozen=True, slots=True)
class LogsSummary:
    """How it ended; ``rejected`` logs stand in the checkpoint now, ``bytes_sent`` are those of this run."""

    exit_code: int
    totals: Totals
    rejected: int
    snapshot: Snapshot
    bytes_sent: int
    ending: AttachedEnding

    def counted(self, name: str) -> int:
        """Return what the job has counted of logs under ``name``, over all its runs."""
        return self.totals.attached.get(Attached.TASK_LOGS.value, {}).get(name, 0)


def show_logs(summary: LogsSummary, state_dir: Path, output: OutputOptions) -> None:
    """Print ``summary`` with the first refused logs, which are read from the checkpoint in ``state_dir``."""
    with CheckpointReader.open(state_dir) as reader:
        rejected = reader.rejected(SHOWN, kind=Attached.TASK_LOGS.value)
    if output.json:
        _as_json(summary, rejected)
    else:
        _as_text(summary, rejected, state_dir)


def _as_json(summary: LogsSummary, rejected: list[RejectedRow]) -> None:
    snapshot = summary.snapshot
    say_json(
        {
            "event": "summary",
            "exit_code": summary.exit_code,
            "result": _HEADLINES[summary.exit_code],
            "job": totals_json(summary.totals),
            "task_logs": {name: summary.counted(name) for name in ("moved", "already", "missing", "bytes")}
            | {"rejected": summary.rejected},
            "this_run": {
                "logs_sent": snapshot.rows_sent,
                "bytes_sent": summary.bytes_sent,
                "seconds": round(snapshot.seconds, 3),
                "paused_seconds": round(snapshot.paused_seconds, 3),
                "retries": snapshot.retries,
            },
            "problems": summary.ending.problems,
            "left": summary.ending.left,
            "rejected": [rejected_line(row) for row in rejected],
        }
    )


def _as_text(summary: LogsSummary, rejected: list[RejectedRow], state_dir: Path) -> None:
    snapshot = summary.snapshot
    say(_HEADLINES[summary.exit_code])
    say(
        f"in all: {summary.counted('moved'):,} moved ({size(summary.counted('bytes'))}), "
        f"{summary.counted('already'):,} already there, {summary.counted('missing'):,} missing at the source, "
        f"{summary.rejected:,} rejected"
    )
    rate = summary.bytes_sent / snapshot.worked if snapshot.worked > 0 else 0.0
    waited = f", paused for {duration(snapshot.paused_seconds)}" if snapshot.paused_seconds else ""
    say(
        f"this run: {snapshot.rows_sent:,} logs, {size(summary.bytes_sent)} in {duration(snapshot.worked)} "
        f"({size(rate)}/s), {snapshot.retries:,} retries{waited}"
    )
    _list("not complete", [f"{dag_id}: {reason}" for dag_id, reason in summary.ending.problems.items()])
    _list("cannot be moved any more", [f"{dag_id}: {reason}" for dag_id, reason in summary.ending.left.items()])
    _list("rejected", [rejected_line(row) for row in rejected])
    if summary.rejected:
        say(f"all {summary.rejected:,} rejected logs: transfer status --state-dir {state_dir} --rejected")


def _list(title: str, lines: list[str]) -> None:
    if not lines:
        return
    say(f"{title}:")
    for line in lines[:SHOWN]:
        say(f"  {line}")
    if len(lines) > SHOWN:
        say(f"  and {len(lines) - SHOWN:,} more")
