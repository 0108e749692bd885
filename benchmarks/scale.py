"""Part ``scale``: histories from 100 thousand to 10 million task instances, between servers that cost little.

Nothing may grow with the history: neither memory nor the time for a row. Every job is proved: the target knows
which rows it should get, and how often each came.

Memory is bounded by the configuration: it grows with the number of requests at once, and a job of a few seconds ends
before that is found. It also grows with the windows, which come to their full size in long DAGs only. So histories of
these sizes are also moved with one fixed number, in DAGs that are as long as each other: only then sizes are compared,
and nothing else.
"""

import argparse
from collections.abc import Iterator
from typing import Any

from benchmarks import plots
from benchmarks.part import Bar, Document, Part, Settings, spread_of
from benchmarks.scale_jobs import DAG_TASKS, equal_dags, history_of, one_large_run, run_killed, run_whole
from benchmarks.spread import number
from transfer.emulator import Shape

SIZES = (100_000, 1_000_000, 10_000_000)
QUICK = (20_000, 100_000)
LARGE = 2_000_000
"""Histories of more task instances are moved once, by a process that is killed on the way and another one."""

LARGE_RUN = 50_000
FIXED = 4
"""Requests at once on both sides in the jobs that are to be compared by their memory."""

MEBIBYTE = 1 << 20
_KINDS = {"whole": "", "killed": " (killed once)", "fixed": f" ({FIXED} at once)"}


def options(parser: argparse._ArgumentGroup) -> None:
    """Add the options of this part."""
    parser.add_argument("--scale-sizes", type=int, nargs="+", default=SIZES, help="task instances of each history")


def run(settings: Settings) -> Document:
    """Move every history, whole and with a kill, and with a fixed concurrency; and one large run."""
    sizes = sorted(QUICK if settings.quick else settings.options.scale_sizes)
    runs = []
    for found in _jobs(settings, sizes):
        runs.append(found)
        print(_told(found), flush=True)
    document: Document = {"settings": {"sizes": sizes}, "runs": runs}
    return document | {"bars": [bar.document() for bar in bars(document)]}


def _jobs(settings: Settings, sizes: list[int]) -> Iterator[Document]:
    yield {"size": LARGE_RUN, **run_whole(one_large_run(LARGE_RUN), settings.folder), "kind": "one run"}
    for size in sizes:
        shape = history_of(size)
        for _ in range(settings.repeat if size <= LARGE else 0):
            yield {"size": size, **run_whole(shape, settings.folder)}
        rows = sum(Shape(**shape).totals().values())
        yield {"size": size, **run_killed(shape, rows, settings.folder)}
        yield {"size": size, **run_whole(equal_dags(size), settings.folder, FIXED), "kind": "fixed"}


def _told(found: Document) -> str:
    """Return one job in a line."""
    starts = " and ".join(f"{seconds:.1f} s" for seconds in found["first_post_seconds"] if seconds is not None)
    return (
        f"{found['size']:12,} task instances, {found['kind']:8} {found['rows_per_second']:8,.0f} rows/s"
        f" {found['seconds']:7.1f} s  CPU {found['cpu_us_per_row']:.0f} us/row  {found['peak_mib']:.0f} MiB"
        f"  first request with rows after {starts}"
    )


def cells(document: Document) -> list[Document]:
    """Return one row per size; the rate is that of whole jobs where there are any."""
    found = []
    for size in document["settings"]["sizes"]:
        jobs = [run for run in document["runs"] if run["size"] == size and run["kind"] in {"whole", "killed"}]
        whole = [run for run in jobs if run["kind"] == "whole"] or jobs
        killed = next(run for run in jobs if run["kind"] == "killed")
        found.append(
            {
                "size": size,
                "rows": jobs[0]["rows"],
                "rate": spread_of([run["rows_per_second"] for run in whole]),
                "cpu": spread_of([run["cpu_us_per_row"] for run in whole]),
                "peak": max(run["peak_mib"] for run in jobs),
                "state": max(run["state_bytes"] for run in jobs) / MEBIBYTE,
                "start": spread_of([run["first_post_seconds"][0] for run in jobs]),
                "resume": killed["first_post_seconds"][1],
                "resumed": killed["resumed_seconds"],
                "fixed": fixed_peak(document, size),
            }
        )
    return found


def fixed_peak(document: Document, size: int) -> float | None:
    """Return the most memory of the jobs with a fixed concurrency; None in older documents, which have none."""
    return max(
        (run["peak_mib"] for run in document["runs"] if (run["size"], run["kind"]) == (size, "fixed")), default=None
    )


def bars(document: Document) -> list[Bar]:
    """Return what was promised of large histories."""
    first, *_, last = (found := cells(document))[0], found[-1]
    large = next(run["peak_mib"] for run in document["runs"] if run["kind"] == "one run")
    few, many = f"{first['size']:,}", f"{last['size']:,}"
    growth = last["peak"] / first["peak"]
    rate = last["rate"]["median"] / first["rate"]["median"]
    fixed = []
    if first["fixed"] and last["fixed"]:
        text = f"{many} against {few} task instances, {FIXED} requests at once: peak memory"
        fixed.append(Bar(text, last["fixed"] / first["fixed"], 1.1, "most"))
    return [
        Bar(f"{many} task instances: peak memory", max(cell["peak"] for cell in found), 150, "most", "MiB"),
        Bar(f"{many} against {few} task instances: peak memory", growth, 1.1, "most"),
        Bar(f"{many} against {few} task instances: rows/s", rate, 0.9),
        Bar(f"{many} task instances: first rows after a kill", last["resume"], 3.0, "most", "s"),
        Bar(f"one run with {LARGE_RUN:,} task instances: peak memory", large, 300, "most", "MiB"),
        *fixed,
    ]


def table(document: Document) -> list[str]:
    """Return the lines of the table."""
    head = (
        "| task instances | rows of all kinds | rows/s | lowest to highest | client CPU, us/row | peak memory, MiB"
        f" | the same, {FIXED} at once | state, MiB | first rows after, s | after `kill -9` at 60 %, s"
        " | to the end then, s |"
    )
    lines = [
        head,
        "|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for cell in cells(document):
        rate = cell["rate"]
        shown = [
            f"{cell['size']:,}",
            f"{cell['rows']:,}",
            number(rate["median"]),
            f"{number(rate['lowest'])} to {number(rate['highest'])}",
            number(cell["cpu"]["median"]),
            number(cell["peak"]),
            "" if cell["fixed"] is None else number(cell["fixed"]),
            number(cell["state"]),
            *(number(cell[name]) if name != "start" else number(cell[name]["median"]) for name in ("start", "resume")),
            number(cell["resumed"]),
        ]
        lines.append(f"| {' | '.join(shown)} |")
    server = [sum(run["server_cpu_us_per_row"]) for run in document["runs"] if run["kind"] != "one run"]
    said = (
        f"Histories of more than {LARGE:,} task instances are moved once, by two processes: the first is killed. Both"
        f" emulated servers together take {min(server):.0f} to {max(server):.0f} us of CPU a row on the same machine."
        " Memory is bounded by how much is under way at once, and by how large it is. Both are found while a job runs,"
        f" and one of a few seconds is over before. With {FIXED} requests at once on both sides, and DAGs of"
        f" {DAG_TASKS:,} task instances each, only the number of DAGs differs."
    )
    return [*lines, "", said]


def plot(document: Document, pyplot: Any) -> Any:
    """Return the picture: memory over the rows stored, and rows/s of each size."""
    figure, axes = pyplot.subplots(1, 2, figsize=(12, 4.5))
    largest = {}
    for run in document["runs"]:
        if run["kind"] != "one run":
            share = [(100 * rows / run["rows"], mib) for rows, mib in run["memory_over_rows"]]
            largest[f"{run['size']:,}{_KINDS[run['kind']]}"] = share
    plots.lines(axes[0], largest, ("rows stored, %", "resident MiB"))
    rates = {f"{cell['size']:,} task instances": cell["rate"] for cell in cells(document)}
    plots.bars_with_spread(axes[1], rates, "rows/s")
    return figure


PART = Part(
    name="scale",
    description="100 thousand to 10 million task instances: rows/s, memory, state, start and resume",
    run=run,
    table=table,
    plot=plot,
    options=options,
)
