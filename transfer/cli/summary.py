"""What a run of the program ends with: counts per kind, what is not complete and why, what to do next."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from transfer.checkpoint import CheckpointReader, Totals
from transfer.cli.options import OutputOptions
from transfer.cli.output import say, say_json
from transfer.engine.ending import Ending
from transfer.errors import ExitCode
from transfer.kinds import DAG_RUNS
from transfer.model import Outcome, RejectedRow
from transfer.progress import Snapshot
from transfer.report import (
    by_kind,
    counts_json,
    counts_table,
    duration,
    limits_json,
    limits_line,
    losses_lines,
    rejected_line,
    rejected_rows,
    totals_json,
)

SHOWN_REASONS = 10
"""Rejected rows that a summary names."""

CHANGED = (Outcome.CHANGED, Outcome.TO_REPLACE)
"""Memories of runs of which the target has another version than the source."""

_HEADLINES = {
    ExitCode.DONE: "complete",
    ExitCode.FAILED: "not complete: see the reason of each DAG below",
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
    left: list[str] = field(default_factory=list)
    """What a repair left as it was, with the reason."""
    forgotten: list[str] = field(default_factory=list)
    """Runs that were to be repaired and that the source has no more."""
    body_bytes: int | None = None
    """The largest body that the target takes, None if it refused none."""

    @property
    def headline(self) -> str:
        """Return the result in a few words; what was left out is part of it, lest it be taken for moved."""
        without = f", without {len(self.left_out):,} DAGs that were left out" if self.left_out else ""
        if self.exit_code == ExitCode.INCOMPLETE and not rejected_rows(self.totals):
            return f"finished, but not all that was found could be repaired{without}"
        return _HEADLINES[self.exit_code] + without


def show_summary(summary: Summary, state_dir: Path, output: OutputOptions) -> None:
    """Print ``summary`` with the first rejected rows, which are read from the checkpoint in ``state_dir``."""
    with CheckpointReader.open(state_dir) as reader:
        rejected = reader.rejected(SHOWN_REASONS)
    if output.json:
        _as_json(summary, rejected)
    else:
        _as_text(summary, rejected, state_dir)


def show_nothing_done(output: OutputOptions) -> None:
    """Say that the program was stopped before there was a job."""
    said = "stopped before anything was planned"
    if output.json:
        say_json({"event": "summary", "exit_code": ExitCode.STOPPED, "result": said})
    else:
        say(said)


def _as_json(summary: Summary, rejected: list[RejectedRow]) -> None:
    say_json(
        {
            "event": "summary",
            "exit_code": summary.exit_code,
            "result": summary.headline,
            "job": totals_json(summary.totals),
            "this_run": {
                "rows_sent": summary.snapshot.rows_sent,
                "seconds": round(summary.snapshot.seconds, 3),
                "paused_seconds": round(summary.snapshot.paused_seconds, 3),
                "retries": summary.snapshot.retries,
                "drifts": summary.snapshot.drifts,
                "kinds": counts_json(summary.snapshot.rows),
            },
            "limits": limits_json(summary.snapshot.concurrency, summary.snapshot.highest, summary.body_bytes),
            "problems": summary.ending.problems,
            "left_out": summary.left_out,
            "left": summary.left,
            "forgotten": summary.forgotten,
            "rejected": [rejected_line(row) for row in rejected],
        }
    )


def _as_text(summary: Summary, rejected: list[RejectedRow], state_dir: Path) -> None:
    snapshot = summary.snapshot
    waited = f", paused for {duration(snapshot.paused_seconds)}" if snapshot.paused_seconds else ""
    say(summary.headline)
    say()
    for line in counts_table(by_kind(summary.totals)):
        say(line)
    say()
    say(
        f"this run: {snapshot.rows_sent:,} rows sent in {duration(snapshot.worked)} "
        f"({snapshot.rate:,.0f} rows/s), {snapshot.retries:,} retries{waited}"
    )
    limits = limits_line(snapshot.concurrency, snapshot.highest, summary.body_bytes)
    if limits:
        say(limits)
    _list("not complete", [f"{dag_id}: {reason}" for dag_id, reason in summary.ending.problems.items()])
    _list("left out", [f"{dag_id}: {reason}" for dag_id, reason in summary.left_out.items()])
    _list("left as it was", summary.left)
    _list("not repaired, nothing was done to them: the source has them no more", summary.forgotten)
    losses = losses_lines(summary.totals.losses)
    _list("did not arrive as it was", losses, most=len(losses))
    _list("rejected", [rejected_line(row) for row in rejected])
    for line in _advice(summary.totals, state_dir):
        say(line)


def _advice(totals: Totals, state_dir: Path) -> Iterator[str]:
    rejected, unfinished = rejected_rows(totals), by_kind(totals)[DAG_RUNS.name].unfinished
    changed = sum(runs.get(outcome, 0) for runs in totals.runs.values() for outcome in CHANGED)
    if changed:
        yield f"{changed:,} runs are on the target in another version: transfer run --replace-changed replaces them"
    if rejected:
        yield f"all {rejected:,} rejected rows: transfer status --state-dir {state_dir} --rejected"
    if unfinished:
        yield f"{unfinished:,} runs are not over at the source: run again when they are"


def _list(title: str, lines: list[str], *, most: int = SHOWN_REASONS) -> None:
    if not lines:
        return
    say(f"{title}:")
    for line in lines[:most]:
        say(f"  {line}")
    if len(lines) > most:
        say(f"  and {len(lines) - most:,} more")
