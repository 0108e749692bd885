"""``transfer status``: how far a job is, also while it runs."""

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from transfer.checkpoint import CheckpointReader, Totals
from transfer.cli.options import DEFAULT_STATE_DIR, JobOptions, OutputOptions
from transfer.cli.output import say, say_json
from transfer.config.load import load_settings
from transfer.errors import ExitCode
from transfer.kinds import DAG_RUNS
from transfer.model import Counts, RejectedRow
from transfer.report import by_kind, counts_table, rejected_line, rejected_rows, table, totals_json

_PAGE = 500
_SHOWN = 10


def find_state_dir(named: Path | None, config: Path | None) -> Path:
    """Return the state directory: the one that was named, else the configuration's, else the usual one.

    Raises ``ConfigError`` when there is a configuration that cannot be used.
    """
    file = JobOptions(config=config).file
    if named is not None or file is None:
        return named or DEFAULT_STATE_DIR
    return load_settings(file, os.environ, {}).state_dir


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
    job, totals, invocations = reader.job(), reader.totals(), reader.invocations()
    lines = [rejected_line(row) for row in _rejected(reader, everything=rejected)]
    last: dict[str, Any] = {"last_started_at": None, "last_exit_code": None}
    if invocations:
        started, code = invocations[-1].started_at, invocations[-1].exit_code
        last = {"last_started_at": started.isoformat(), "last_exit_code": None if holder else code}
    say_json(
        {
            "source": job.source,
            "target": job.target,
            "running_pid": holder.pid if holder else None,
            "invocations": len(invocations),
            **last,
            "planned_runs": {dag.dag_id: dag.run_count for dag in reader.plan()},
            "rejected": lines,
            **totals_json(totals),
        }
    )


def _as_text(reader: CheckpointReader, *, rejected: bool) -> None:
    job, totals = reader.job(), reader.totals()
    say(f"from {job.source}")
    say(f"to   {job.target}")
    say(_how_it_runs(reader, totals))
    say()
    for line in _dags(reader, totals):
        say(line)
    say()
    for line in counts_table(by_kind(totals)):
        say(line)
    _say_rejected(reader, rejected_rows(totals), everything=rejected)


def _say_rejected(reader: CheckpointReader, count: int, *, everything: bool) -> None:
    if not count:
        return
    say()
    say(f"{count:,} rejected rows:" if everything else f"{count:,} rejected rows; --rejected lists all:")
    for row in _rejected(reader, everything=everything):
        say(f"  {rejected_line(row)}")


def _how_it_runs(reader: CheckpointReader, totals: Totals) -> str:
    holder, invocations = reader.running_pid(), reader.invocations()
    if not invocations:
        return "never run"
    last = invocations[-1]
    run = f"run {last.number} of {_moment(last.started_at)}"
    if holder is not None:
        settled = f", last progress {_moment(totals.settled_at)}" if totals.settled_at else ""
        return f"running as process {holder.pid} on {holder.host}: {run}{settled}"
    return f"not running; {run} " + (
        "was killed" if last.exit_code is None else f"ended with exit code {last.exit_code}"
    )


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _dags(reader: CheckpointReader, totals: Totals) -> list[str]:
    """Return one line for each planned DAG and, for more than one, their sum; rejected runs are part of neither."""
    rows = []
    all_there = all_runs = 0
    for dag in reader.plan():
        runs = totals.rows.get(dag.dag_id, {}).get(DAG_RUNS.name, Counts())
        there = runs.moved + runs.already
        all_there, all_runs = all_there + there, all_runs + dag.run_count
        state = "complete" if dag.dag_id in totals.dags_done else ""
        rows.append((dag.dag_id, f"{there:,}", f"{dag.run_count:,}", f"{runs.unfinished:,}", state))
    if len(rows) > 1:
        rows.append((f"{len(rows):,} DAGs", f"{all_there:,}", f"{all_runs:,}", "", ""))
    return table(("DAG", "runs there", "of", "unfinished", ""), rows)


def _rejected(reader: CheckpointReader, *, everything: bool) -> Iterator[RejectedRow]:
    if not everything:
        yield from reader.rejected(_SHOWN)
        return
    offset = 0
    while rows := reader.rejected(_PAGE, offset):
        yield from rows
        offset += len(rows)
