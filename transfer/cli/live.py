"""Show progress while a job runs: a table on a terminal, log lines otherwise, JSON events for machines."""

import sys
from collections.abc import Callable
from time import monotonic

import anyio
import structlog
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from transfer.cli.options import OutputOptions
from transfer.cli.output import plain, say_json
from transfer.progress import DagProgress, Progress, Snapshot
from transfer.report import counts_json, duration

TERMINAL_SECONDS = 0.5
LINES_SECONDS = 10.0
SHOWN_DAGS = 12


async def show_until_cancelled(progress: Progress, output: OutputOptions) -> None:
    """Show ``progress`` in the way that suits the output."""
    if output.json:
        await _tick(progress, _json_event)
    elif sys.stderr.isatty():
        await _live(progress)
    else:
        await _tick(progress, _log_line)


async def _tick(progress: Progress, speak: Callable[[Snapshot], None]) -> None:
    while True:
        await anyio.sleep(LINES_SECONDS)
        speak(progress.snapshot())


async def _live(progress: Progress) -> None:
    console = Console(stderr=True)
    with Live(console=console, refresh_per_second=4, transient=True) as live:
        while True:
            live.update(render(progress.snapshot()))
            await anyio.sleep(TERMINAL_SECONDS)


def _json_event(snapshot: Snapshot) -> None:
    say_json({"event": "progress", **_numbers(snapshot), "kinds": counts_json(snapshot.rows)})


def _log_line(snapshot: Snapshot) -> None:
    structlog.get_logger().info("progress", **_numbers(snapshot))


def _numbers(snapshot: Snapshot) -> dict[str, object]:
    eta = snapshot.eta
    return {
        "done_percent": round(snapshot.done_share * 100, 1),
        "rows": snapshot.rows_sent,
        "rows_per_second": round(snapshot.rate),
        "eta_seconds": None if eta is None else round(eta),
        "dags_done": sum(dag.finished for dag in snapshot.dags.values()),
        "dags": len(snapshot.dags),
        "retries": snapshot.retries,
        "rejected": sum(counts.rejected for counts in snapshot.rows.values()),
        "waiting": _waits(snapshot),
    }


def render(snapshot: Snapshot) -> Group:
    """Return the terminal view: DAGs that are under way, then the whole."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name, justify in (("DAG", "left"), ("runs", "right"), ("of", "right"), ("rows sent", "right")):
        table.add_column(name, justify="left" if justify == "left" else "right", no_wrap=True)
    active = [(name, dag) for name, dag in snapshot.dags.items() if dag.runs_seen and not dag.finished]
    for name, dag in active[:SHOWN_DAGS]:
        table.add_row(Text(plain(name), overflow="ellipsis"), *_cells(dag))
    if len(active) > SHOWN_DAGS:
        table.add_row(Text(f"... and {len(active) - SHOWN_DAGS} more"), "", "", "")
    return Group(table, Text(_total(snapshot)), *[Text(line, style="yellow") for line in _waits(snapshot)])


def _cells(dag: DagProgress) -> tuple[str, str, str]:
    return f"{dag.runs_seen:,}", f"{dag.run_count:,}", f"{dag.rows_sent:,}"


def _total(snapshot: Snapshot) -> str:
    numbers = _numbers(snapshot)
    eta = "" if snapshot.eta is None else f", about {duration(snapshot.eta)} left"
    return (
        f"{numbers['done_percent']} % | {numbers['dags_done']} of {numbers['dags']} DAGs | "
        f"{snapshot.rows_sent:,} rows, {snapshot.rate:,.0f} rows/s{eta} | "
        f"{snapshot.retries} retries, {numbers['rejected']} rejected"
    )


def _waits(snapshot: Snapshot) -> list[str]:
    return [
        f"waiting for the {side} ({max(until - monotonic(), 0):.0f} s): {plain(why)}"
        for side, (why, until) in snapshot.waiting.items()
    ]
