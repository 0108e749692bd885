"""What a run of the program ends with: counts per kind, what is not complete and why, what to do next."""

from dataclasses import dataclass
from pathlib import Path

from transfer.checkpoint import CheckpointReader, Totals
from transfer.cli.options import OutputOptions
from transfer.cli.output import say, say_json
from transfer.engine.run import Ending
from transfer.errors import ExitCode
from transfer.model import RejectedRow
from transfer.progress import Snapshot
from transfer.report import by_kind, counts_json, counts_table, duration, rejected_line, totals_json

SHOWN_REASONS = 10
"""Rejected rows that a summary names."""

_HEADLINES = {
    ExitCode.DONE: "complete",
    ExitCode.FAILED: "not complete: some DAGs could not be read; run again",
    ExitCode.INCOMPLETE: "finished, but not everything was accepted",
    ExitCode.STOPPED: "stopped; run again to go on",
}


@dataclass(frozen=True, slots=True)
class Summary:
    """How a run of the program ended."""

    exit_code: int
    totals: Totals
    snapshot: Snapshot
    ending: Ending
    left_out: dict[str, str]


def show_summary(summary: Summary, state_dir: Path, output: OutputOptions) -> None:
    """Print ``summary`` with the first rejected rows, which are read from the checkpoint in ``state_dir``."""
    with CheckpointReader.open(state_dir) as reader:
        rejected = reader.rejected(SHOWN_REASONS)
    if output.json:
        _as_json(summary, rejected)
    else:
        _as_text(summary, rejected)


def _as_json(summary: Summary, rejected: list[RejectedRow]) -> None:
    say_json(
        {
            "event": "summary",
            "exit_code": summary.exit_code,
            "result": _HEADLINES[summary.exit_code],
            "job": totals_json(summary.totals),
            "this_run": {
                "rows_sent": summary.snapshot.rows_sent,
                "seconds": round(summary.snapshot.seconds, 3),
                "retries": summary.snapshot.retries,
                "drifts": summary.snapshot.drifts,
                "kinds": counts_json(summary.snapshot.rows),
            },
            "problems": summary.ending.problems,
            "left_out": summary.left_out,
            "rejected": [rejected_line(row) for row in rejected],
        }
    )


def _as_text(summary: Summary, rejected: list[RejectedRow]) -> None:
    snapshot = summary.snapshot
    say(f"{_HEADLINES[summary.exit_code]}")
    say()
    for line in counts_table(by_kind(summary.totals)):
        say(line)
    say()
    say(
        f"this run: {snapshot.rows_sent:,} rows sent in {duration(snapshot.seconds)} "
        f"({snapshot.rate:,.0f} rows/s), {snapshot.retries} retries"
    )
    _list("not complete", [f"{dag_id}: {reason}" for dag_id, reason in summary.ending.problems.items()])
    _list("left out", [f"{dag_id}: {reason}" for dag_id, reason in summary.left_out.items()])
    _list("rejected", [rejected_line(row) for row in rejected])


def _list(title: str, lines: list[str]) -> None:
    if not lines:
        return
    say(f"{title}:")
    for line in lines[:SHOWN_REASONS]:
        say(f"  {line}")
    if len(lines) > SHOWN_REASONS:
        say(f"  and {len(lines) - SHOWN_REASONS} more")
