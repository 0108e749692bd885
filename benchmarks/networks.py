"""Part ``networks``: far servers with few or many workers, emulated with the service times of the real one.

A target's workers set the pace: while all of them always have a full batch, nothing can be faster. How near a client
comes to that, how soon, and with how many requests at once, is measured here.
"""

import argparse
import math
import statistics
from collections.abc import Iterator
from typing import Any

from benchmarks import plots, rates
from benchmarks.network_jobs import Network, run_load, run_page, run_transfer, shape_for, shape_of
from benchmarks.part import Bar, Document, Part, Settings, spread_of
from benchmarks.serve import costs
from benchmarks.spread import number
from transfer.emulator import MEASURED, ServiceTimes

WORKERS = (1, 4, 16)
DELAYS = (0.0, 20.0, 50.0)
HEADLINE = (4, 50.0)
"""Workers and milliseconds at which the page's algorithm is to be beaten."""

PAGES = (10, 100)
MOST_REPEATS = 2
SECONDS = {1: 20.0, 4: 40.0, 16: 60.0}
"""How long a job takes at full speed, by the workers up to which this holds: many of them take longer to be found."""

LONG = 60.0
"""Seconds from which a job is measured once: it has its median in itself."""

QUICK_SECONDS, QUICK_PAGE_SECONDS = 8.0, 2.0
ENOUGH = 0.9
"""The share of the saturated rate from which the right pace is found."""

WINDOW = 2.0
"""Seconds over which the rate is looked at for that."""

TRANSFER, PAGE = "transfer run", "Starship page"


def _defaults() -> str:
    """Return for the help how long jobs are."""
    return "default: " + ", ".join(f"{seconds:.0f} up to {workers} workers" for workers, seconds in SECONDS.items())


def seconds_for(workers: int) -> float:
    """Return how long a job of servers with so many workers takes at full speed."""
    return next((seconds for most, seconds in SECONDS.items() if workers <= most), max(SECONDS.values()))


def options(parser: argparse._ArgumentGroup) -> None:
    """Add the options of this part."""
    parser.add_argument("--networks-seconds", type=float, help=f"how long a job takes at full speed ({_defaults()})")
    parser.add_argument("--networks-page-seconds", type=float, default=3.0, help="how long the page's algorithm runs")
    parser.add_argument(
        "--networks-most", type=float, default=14_000.0, help="rows/s that this machine moves without being the limit"
    )
    parser.add_argument("--networks-workers", type=int, nargs="+", default=WORKERS, help="workers of either server")
    parser.add_argument("--networks-delays", type=float, nargs="+", default=DELAYS, help="milliseconds each way")
    parser.add_argument("--networks-dags", type=int, default=1, help="DAGs in the history")


def run(settings: Settings) -> Document:
    """Measure every combination."""
    asked = settings.options
    loads, runs = [], []
    for workers in (HEADLINE[0],) if settings.quick else asked.networks_workers:
        service, stretch = stretched(workers, asked.networks_most)
        loads.append({"stretch": stretch, **run_load(Network(workers, 0.0, service))})
        print(f"{'open load, full batches':32} {_told(loads[-1])} (computed: {loads[-1]['computed']:,.0f})", flush=True)
        for delay in (HEADLINE[1],) if settings.quick else asked.networks_delays:
            for found in _jobs(settings, Network(workers, delay / 1000, service)):
                runs.append({"stretch": stretch, **found, "saturated": loads[-1]["rows_per_second"]})
                print(f"{found['candidate']:32} {_told(runs[-1])}", flush=True)
    numbers = {name: value for name, value in vars(asked).items() if name.startswith("networks_")}
    document: Document = {"settings": numbers, "service": costs(MEASURED), "loads": loads, "runs": runs}
    return document | {"bars": [bar.document() for bar in bars(document)]}


def stretched(workers: int, most: float) -> tuple[ServiceTimes, float]:
    """Return service times with which so many workers store at most ``most`` rows/s, and how much longer they are."""
    stretch = max(1.0, Network(workers, 0.0, MEASURED).saturated(shape_of(1_000)) / most)
    return MEASURED.times(stretch), stretch


def _jobs(settings: Settings, network: Network) -> Iterator[Document]:
    """Yield what became of each candidate."""
    asked = settings.options
    seconds = QUICK_SECONDS if settings.quick else asked.networks_seconds or seconds_for(network.workers)
    page_seconds = QUICK_PAGE_SECONDS if settings.quick else asked.networks_page_seconds
    for batch in PAGES:
        found = run_page(network, batch, page_seconds, settings.folder)
        # Its jobs are short, so that its start-up must not count; ours counts.
        yield {"candidate": f"{PAGE}, {batch} runs a batch", **found, "rows_per_second": found["rate"]}
    shape = shape_for(network.saturated(shape_of(1_000)) * seconds, asked.networks_dags)
    for _ in range(1 if settings.quick or seconds >= LONG else min(settings.repeat, MOST_REPEATS)):
        yield {"candidate": TRANSFER, **run_transfer(network, shape, settings.folder)}


def _told(found: Document) -> str:
    """Return one run in a line."""
    place = f"{found['workers']:3} workers" + (f" {found['delay_ms']:3.0f} ms" if "delay_ms" in found else "")
    if found.get("candidate") != TRANSFER:
        return f"{place} {found['rows_per_second']:8,.0f} rows/s"
    share = found["found_rate"] / found["saturated"]
    return (
        f"{place} {found['rows_per_second']:8,.0f} rows/s, {found['found_rate']:,.0f} after the first tenth ="
        f" {share:.2f} of saturated, {found['rows'] / found['posts']:.0f} rows a request, most at once {found['most']}"
    )


def cells(document: Document) -> list[Document]:
    """Return one row per combination: medians of ``transfer run``, its share of the saturated rate, and the pages."""
    found = []
    for workers, delay in sorted({(run["workers"], run["delay_ms"]) for run in document["runs"]}):
        here = [run for run in document["runs"] if (run["workers"], run["delay_ms"]) == (workers, delay)]
        ours = [run for run in here if run["candidate"] == TRANSFER]
        pages = {run["candidate"]: run["rows_per_second"] for run in here if run["candidate"] != TRANSFER}
        saturated = ours[0]["saturated"]
        found.append(
            {
                "workers": workers,
                "delay_ms": delay,
                "saturated": saturated,
                "rate": spread_of([run["rows_per_second"] for run in ours]),
                "found": spread_of([run["found_rate"] for run in ours]),
                "share": statistics.median(run["found_rate"] for run in ours) / saturated,
                "busy": statistics.median(run["busy"] for run in ours),
                "after": median_found([found_after(run, saturated) for run in ours]),
                "most": max(run["most"] for run in ours),
                "pages": pages,
                "ratio": statistics.median(run["rows_per_second"] for run in ours) / max(pages.values()),
            }
        )
    return found


def found_after(run: Document, saturated: float) -> tuple[float, float] | None:
    """Return after how many seconds, and which share of its rows, a job had found the pace; None for never."""
    return rates.reached(run.get("rows_over_time", []), ENOUGH * saturated, WINDOW)


def median_found(found: list[tuple[float, float] | None]) -> tuple[float, float] | None:
    """Return the medians of seconds and of shares; jobs that never found the pace count as the slowest."""
    never = (math.inf, math.inf)
    seconds, shares = (statistics.median(values) for values in zip(*(one or never for one in found), strict=True))
    return None if math.isinf(seconds) else (seconds, shares)


def bars(document: Document) -> list[Bar]:
    """Return what was promised of networks."""
    made = []
    for cell in cells(document):
        name = f"{cell['workers']} workers, {cell['delay_ms']:.0f} ms each way"
        made.append(Bar(f"{name}: rate after the first tenth against the saturated rate", cell["share"], 0.9))
        if (cell["workers"], cell["delay_ms"]) == HEADLINE:
            made.append(Bar(f"{name}: against the page's algorithm at its best", cell["ratio"], 5.0))
    return made


def table(document: Document) -> list[str]:
    """Return the lines of the table."""
    head = (
        "| workers | delay, ms | saturated | `transfer run` | after the first tenth | of saturated | workers busy"
        " | found after, s | of the rows, % | page, 10 | page, 100 | ratio to the better |"
    )
    lines = [
        head,
        "|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for cell in cells(document):
        shown = [
            number(cell["workers"]).removesuffix(".00").removesuffix(".0"),
            f"{cell['delay_ms']:.0f}",
            number(cell["saturated"]),
            number(cell["rate"]["median"]),
            number(cell["found"]["median"]),
            f"{cell['share']:.2f}",
            f"{cell['busy']:.2f}",
            *(("never", "") if cell["after"] is None else (f"{cell['after'][0]:.1f}", f"{100 * cell['after'][1]:.0f}")),
            *(number(rate) for rate in cell["pages"].values()),
            f"{cell['ratio']:.1f}",
        ]
        lines.append(f"| {' | '.join(shown)} |")
    loads = ", ".join(
        f"{load['rows_per_second']:,.0f} with {load['workers']} ({load['computed']:,.0f} computed)"
        for load in document["loads"]
    )
    stretched = ", ".join(f"{load['workers']} workers {load['stretch']:.2g} times" for load in document["loads"])
    said = (
        "Rows/s. Both servers have so many workers with the service times of real ones, longer where this machine would"
        f" be the limit ({stretched}). Saturated is what an open load of full batches from many clients reaches while"
        f" all workers have something to do: {loads}. The pace is found when the rate over {WINDOW:.0f} s first reaches"
        f" {ENOUGH:.2g} of that, in seconds since the first rows were sent, and as a share of the job's rows."
    )
    return [*lines, "", said]


def plot(document: Document, pyplot: Any) -> Any:
    """Return the picture: rows/s and requests at the target over time, a column per count of workers."""
    counts = sorted({run["workers"] for run in document["runs"]})
    figure, axes = pyplot.subplots(2, len(counts), figsize=(5 * len(counts), 7), squeeze=False)
    for column, workers in enumerate(counts):
        ours = {}
        for run in document["runs"]:
            if run["candidate"] == TRANSFER and run["workers"] == workers:
                ours[f"{run['delay_ms']:.0f} ms"] = run
        saturated = next(run["saturated"] for run in ours.values())
        plots.lines(axes[0][column], {name: run["rows_over_time"] for name, run in ours.items()}, ("seconds", "rows/s"))
        axes[0][column].axhline(saturated, color="black", linestyle="--", linewidth=1)
        axes[0][column].set_title(f"{workers} workers (dashed: saturated)")
        waiting = {name: run["at_target_over_time"] for name, run in ours.items()}
        plots.lines(axes[1][column], waiting, ("seconds", "requests at the target"))
        axes[1][column].axhline(workers, color="black", linestyle="--", linewidth=1)
    return figure


PART = Part(
    name="networks",
    description="near and far servers with 1, 4 and 16 workers, against what they can do and the page's algorithm",
    run=run,
    table=table,
    plot=plot,
    options=options,
)
