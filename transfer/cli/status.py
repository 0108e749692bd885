"""``transfer status``: how far a job is, also while it runs."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from transfer.checkpoint import CheckpointReader, Totals
from transfer.checkpoint.failures import translated
from transfer.checkpoint.lock import holder as holder_of
from transfer.checkpoint.opening import LOCK, has_checkpoint
from transfer.cli.options import DEFAULT_STATE_DIR, JobOptions, OutputOptions
from transfer.cli.output import say, say_json
from transfer.cli.undone import undone_json, undone_lines
from transfer.config.load import load_settings
from transfer.config.schedule import Schedule
from transfer.errors import ExitCode, StateError
from transfer.kinds import DAG_RUNS
from transfer.model import Counts, RejectedRow
from transfer.report import (
    by_kind,
    counts_table,
    limits_json,
    limits_line,
    losses_lines,
    rejected_line,
    rejected_rows,
    table,
    totals_json,
)

_PAGE = 500
_SHOWN = 10
_USUAL: Final = Schedule()


@dataclass(frozen=True, slots=True)
class _Files:
    """The files from outside that are there just now, None for one that is not."""

    pause: str | None
    stop: str | None

    @classmethod
    def of(cls, schedule: Schedule, state_dir: Path) -> "_Files":
        paths = str(schedule.pause_path(state_dir)), str(schedule.stop_path(state_dir))
        # Path.exists raises for a folder that nobody may look into.
        return cls(*(path if os.path.exists(path) else None for path in paths))  # noqa: PTH110  see above

    def lines(self, *, running: bool) -> Iterator[str]:
        """Yield what they mean for a job that is ``running``, or is not."""
        if self.stop is not None:
            yield f"{'stopping' if running else 'no run begins'}: the stop file {self.stop} exists"
        if self.pause is not None:
            yield f"{'paused' if running else 'a run would wait'}: the pause file {self.pause} exists"


def find_state_dir(named: Path | None, config: Path | None) -> Path:
    """Return the state directory: the one that was named, else the configuration's, else the usual one.

    Raises ``ConfigError`` when there is a configuration that cannot be used.
    """
    file = JobOptions(config=config).file
    if named is not None or file is None:
        return named or DEFAULT_STATE_DIR
    return load_settings(file, os.environ, {}).state_dir


def find_schedule(named: Path | None, config: Path | None) -> Schedule:
    """Return where the files are that hold up the job in the directory that ``find_state_dir`` finds for the same."""
    file = JobOptions(config=config).file
    if named is not None or file is None:
        return Schedule()
    return load_settings(file, os.environ, {}).schedule


def show_status(state_dir: Path, output: OutputOptions, *, rejected: bool, schedule: Schedule = _USUAL) -> int:
    """Print the state of the job in ``state_dir``; raises ``StateError`` if there is none or it cannot be read."""
    _check_begun(state_dir)
    with CheckpointReader.open(state_dir) as reader:
        if output.json:
            _as_json(reader, _Files.of(schedule, state_dir), rejected=rejected)
        else:
            _as_text(reader, _Files.of(schedule, state_dir), rejected=rejected)
    return ExitCode.DONE


def _check_begun(state_dir: Path) -> None:
    """Raise ``StateError`` if a run holds the directory without a job in it, as one does that waits to plan it."""
    if has_checkpoint(state_dir):
        return
    with translated(state_dir / LOCK):
        waiting = holder_of(state_dir / LOCK)
    if waiting is not None:
        raise StateError(
            f"process {waiting.pid} on {waiting.host} has not planned its job in {state_dir} yet",
            hint="it waits while it is paused, and says why in its own output",
        )


def _as_json(reader: CheckpointReader, files: "_Files", *, rejected: bool) -> None:
    holder = reader.running_pid()
    job, totals, invocations, found = reader.job(), reader.totals(), reader.invocations(), reader.found()
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
            "pause_file": files.pause,
            "stop_file": files.stop,
            "invocations": len(invocations),
            **last,
            "planned_runs": {dag.dag_id: dag.run_count for dag in reader.plan()},
            "limits": limits_json(found.concurrency, {}, found.body_bytes),
            "rejected": lines,
            "undone": undone_json(reader.undone()),
            **totals_json(totals),
        }
    )


def _as_text(reader: CheckpointReader, files: "_Files", *, rejected: bool) -> None:
    job, totals = reader.job(), reader.totals()
    say(f"from {job.source}")
    say(f"to   {job.target}")
    say(_how_it_runs(reader, totals))
    for line in files.lines(running=reader.running_pid() is not None):
        say(line)
    found = reader.found()
    limits = limits_line(found.concurrency, {}, found.body_bytes)
    if limits:
        say(f"found: {limits}")
    say()
    for line in _dags(reader, totals):
        say(line)
    say()
    for line in counts_table(by_kind(totals)):
        say(line)
    _say_losses(totals)
    for line in undone_lines(reader.undone()):
        say(line)
    _say_rejected(reader, rejected_rows(totals), everything=rejected)


def _say_losses(totals: Totals) -> None:
    if totals.losses:
        say()
        say("did not arrive as it was:")
        for line in losses_lines(totals.losses):
            say(f"  {line}")


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
