"""Show progress while a job runs: a table on a terminal, log lines otherwise, JSON events for machines."""

from collections.abc import Callable
from time import monotonic
from typing import Final

import anyio
import structlog
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from transfer.cli.logs import has_live_view, set_up_logging
from transfer.cli.options import OutputOptions
from transfer.cli.output import plain, say_json
from transfer.progress import DagProgress, Progress, Snapshot
from transfer.report import counts_json, duration

TERMINAL_SECONDS: Final = 0.5
LINES_SECONDS = 10.0
SHOWN_DAGS: Final = 12


async def show_until_cancelled(progress: Progress, output: OutputOptions) -> None:
    """Show ``progress`` in the way that suits the output."""
    if output.json:
        await _tick(progress, _json_event, output.every)
    elif has_live_view(output):
        await _live(progress, output)
    else:
        await _tick(progress, _log_line, output.every)


async def _tick(progress: Progress, speak: Callable[[Snapshot], None], every: float | None) -> None:
    while True:
        await anyio.sleep(every or LINES_SECONDS)
        speak(progress.snapshot())


async def _live(progress: Progress, output: OutputOptions) -> None:
    """Draw on standard error, which is the view's own while it lasts: log lines are printed above the table."""
    try:
        console = Console(stderr=True)
        with Live(console=console, auto_refresh=False, transient=True, redirect_stdout=False) as live:
            set_up_logging(output, beside_table=True)
            while True:
                live.update(render(progress.snapshot()), refresh=True)
                await anyio.sleep(TERMINAL_SECONDS)
    finally:
        set_up_logging(output)


def _json_event(snapshot: Snapshot) -> None:
    at_once = {"concurrency": snapshot.concurrency, "paused": snapshot.paused}
    say_json(
        {
            "event": "progress",
            **_numbers(snapshot),
            **at_once,
            "seconds": round(snapshot.seconds, 1),
            "paused_seconds": round(snapshot.paused_seconds, 1),
            "kinds": counts_json(snapshot.rows),
        }
    )


def _log_line(snapshot: Snapshot) -> None:
    at_once = {f"{side}_concurrency": count for side, count in snapshot.concurrency.items()}
    numbers = {**_numbers(snapshot), **at_once, "paused": snapshot.paused and plain(snapshot.paused)}
    said = {name: value for name, value in numbers.items() if value not in (None, [])}
    structlog.get_logger().info("progress", **said)


def _numbers(snapshot: Snapshot) -> dict[str, object]:
    eta = snapshot.eta
    return {
        "done_percent": round(snapshot.done_share * 100, 1),
        "rows": snapshot.rows_sent,
        "rows_per_second": round(snapshot.rate),
        "seconds": round(snapshot.seconds),
        "eta_seconds": None if eta is None else round(eta),
        "dags_done": sum(dag.finished for dag in snapshot.dags.values()),
        "dags": len(snapshot.dags),
        "retries": snapshot.retries,
        **_found(snapshot),
        "waiting": _waits(snapshot),
    }


def render(snapshot: Snapshot) -> Group:
    """Return the terminal view: DAGs that are under way, then the whole, then what is waited for."""
    if not snapshot.dags:
        return Group(Text("looking at both deployments"), *_wait_lines(snapshot))
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("DAG", no_wrap=True)
    for name in ("runs", "of", "", f"rows {_verb(snapshot)}"):
        table.add_column(name, justify="right", no_wrap=True)
    active = [(name, dag) for name, dag in snapshot.dags.items() if dag.runs_seen and not dag.finished]
    for name, dag in active[:SHOWN_DAGS]:
        table.add_row(Text(plain(name), overflow="ellipsis"), *_cells(dag))
    if len(active) > SHOWN_DAGS:
        table.add_row(Text(f"... and {len(active) - SHOWN_DAGS} more"))
    lines = Text(_work(snapshot)), Text(_time(snapshot)), *_limit_lines(snapshot), *_wait_lines(snapshot)
    return Group(table, *lines)


def _cells(dag: DagProgress) -> tuple[str, str, str, str]:
    share = dag.runs_seen / max(dag.run_count, dag.runs_seen, 1)
    return f"{dag.runs_seen:,}", f"{dag.run_count:,}", f"{share:.0%}", f"{dag.rows_sent:,}"


def _work(snapshot: Snapshot) -> str:
    done = sum(dag.finished for dag in snapshot.dags.values())
    (word, count), *_ = _found(snapshot).items()
    rows = f"{snapshot.rows_sent:,} rows {_verb(snapshot)}"
    return f"{done:,} of {len(snapshot.dags):,} DAGs done | {rows} | {snapshot.retries:,} retries, {count:,} {word}"


def _time(snapshot: Snapshot) -> str:
    left = "" if snapshot.eta is None else f", about {duration(snapshot.eta)} left"
    return f"{snapshot.done_share:.1%} | {snapshot.rate:,.0f} rows/s | {duration(snapshot.seconds)}{left}"


def _wait_lines(snapshot: Snapshot) -> list[Text]:
    paused = [f"paused {plain(snapshot.paused)}"] if snapshot.paused else []
    return [Text(line, style="yellow") for line in (*paused, *_waits(snapshot))]


def _limit_lines(snapshot: Snapshot) -> list[Text]:
    at_once = ", ".join(f"{side} {count}" for side, count in snapshot.concurrency.items())
    return [Text(f"requests at once: {at_once}", style="dim")] if at_once else []


def _verb(snapshot: Snapshot) -> str:
    return snapshot.verb or ("sent" if snapshot.differences is None else "compared")


def _found(snapshot: Snapshot) -> dict[str, int]:
    """Return what is wrong so far, under its name: rejected rows where rows are sent, differences where not."""
    if snapshot.differences is not None:
        return {"differences": snapshot.differences}
    return {"rejected": sum(counts.rejected for counts in snapshot.rows.values())}


def _waits(snapshot: Snapshot) -> list[str]:
    return [
        f"waiting for the {side} ({max(until - monotonic(), 0):.0f} s): {plain(why)}"
        for side, (why, until) in snapshot.waiting.items()
    ]
