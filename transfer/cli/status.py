"""``transfer status``: how far a job is, also while it runs."""

from collections.abc import Iterator
from pathlib import Path

from transfer.checkpoint import CheckpointReader, Totals
from transfer.cli.options import OutputOptions
from transfer.cli.output import say, say_json
from transfer.errors import ExitCode
from transfer.model import Outcome, RejectedRow
from transfer.report import by_kind, counts_table, rejected_line, table, totals_json

_PAGE = 500
_SHOWN = 10


def show_status(state_dir: Path, output: OutputOptions, *, rejected: bool) -> int:
    """Print the state of the job in ``state_dir``; raises ``StateError`` if there is none or it cannot be read."""
    with CheckpointReader.open(state_dir) as reader:
        if output.json:
            _as_json(reader, rejected=rejected)
        else:
            _as_text(reader, rejected=rejected)
    return ExitCode.DONE


def _as_json(reader: CheckpointReader, *, rejected: bool) -> None:
    holder = reader.running_pid()
    job, invocations = reader.job(), reader.invocations()
    lines = [rejected_line(row) for row in _rejected(reader, everything=rejected)]
    say_json(
        {
            "source": job.source,
            "target": job.target,
            "running_pid": holder.pid if holder else None,
            "invocations": len(invocations),
            "last_exit_code": invocations[-1].exit_code if invocations else None,
            "rejected": lines,
            **totals_json(reader.totals()),
        }
    )


def _as_text(reader: CheckpointReader, *, rejected: bool) -> None:
    job, totals, holder = reader.job(), reader.totals(), reader.running_pid()
    say(f"from {job.source}")
    say(f"to   {job.target}")
    say(f"running as process {holder.pid} on {holder.host}" if holder else _last(reader))
    say()
    for line in _dags(reader, totals):
        say(line)
    say()
    for line in counts_table(by_kind(totals)):
        say(line)
    lines = [rejected_line(row) for row in _rejected(reader, everything=rejected)]
    if lines:
        say("rejected:" if rejected else f"rejected (the first {_SHOWN} at most; --rejected lists all):")
    for line in lines:
        say(f"  {line}")


def _last(reader: CheckpointReader) -> str:
    invocations = reader.invocations()
    if not invocations:
        return "never run"
    last = invocations[-1]
    how = "was killed" if last.exit_code is None else f"ended with exit code {last.exit_code}"
    return f"not running; run {last.number} of {last.started_at:%Y-%m-%d %H:%M:%S} UTC {how}"


def _dags(reader: CheckpointReader, totals: Totals) -> list[str]:
    rows = []
    for dag in reader.plan():
        runs = totals.runs.get(dag.dag_id, {})
        there = runs.get(Outcome.MOVED, 0) + runs.get(Outcome.ALREADY, 0)
        state = "complete" if dag.dag_id in totals.dags_done else ""
        rows.append((dag.dag_id, f"{there:,}", f"{dag.run_count:,}", state))
    return table(("DAG", "runs there", "of", ""), rows)


def _rejected(reader: CheckpointReader, *, everything: bool) -> Iterator[RejectedRow]:
    if not everything:
        yield from reader.rejected(_SHOWN)
        return
    offset = 0
    while rows := reader.rejected(_PAGE, offset):
        yield from rows
        offset += len(rows)
